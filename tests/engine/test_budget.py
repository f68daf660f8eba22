"""Memory estimates from real sizes, without loading anything."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zhongshu.engine.budget import budget_bytes, estimate_bytes, resident_bytes
from zhongshu.engine.settings import EngineSettings, EngineSpec

_MIB = 1024 * 1024


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file of 100 MiB that takes no disk."""
    path = tmp_path / "m.gguf"
    with path.open("wb") as file:
        file.truncate(100 * _MIB)
    return path


def test_every_slot_has_its_kv_cache(weights: Path):
    settings = EngineSettings(slots=4, context_tokens=1000)
    one = EngineSpec(model="m", path=str(weights), kv_bytes_per_token=10_000, slots=1)
    four = EngineSpec(model="m", path=str(weights), kv_bytes_per_token=10_000)
    assert estimate_bytes(four, settings) - estimate_bytes(one, settings) == 3 * 1000 * 10_000


def test_an_embedding_model_keeps_no_kv_cache(weights: Path):
    chat = EngineSpec(model="m", path=str(weights))
    embedding = EngineSpec(model="m", path=str(weights), kind="embedding")
    assert 100 * _MIB < estimate_bytes(embedding, EngineSettings()) < estimate_bytes(chat, EngineSettings())


def test_a_missing_file_is_not_estimated(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        estimate_bytes(EngineSpec(model="m", path=str(tmp_path / "none.gguf")), EngineSettings())


def test_the_budget_is_as_set_or_a_share_of_what_is_free():
    assert budget_bytes(EngineSettings(memory_bytes=3 * 1024**3)) == 3 * 1024**3
    half, all_of_it = (budget_bytes(EngineSettings(memory_share=share)) for share in (0.5, 1.0))
    assert 0 < half < all_of_it


def test_resident_memory_of_a_process_here_and_gone():
    assert resident_bytes(os.getpid()) > _MIB
    assert resident_bytes(2**22 + 1) == 0
