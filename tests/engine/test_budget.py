"""Memory estimates from a real file's header, without loading it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.engine.serving import spec
from zhongshu.core.problems import Fault
from zhongshu.engine.budget import budget_bytes, estimate_bytes, resident_bytes
from zhongshu.engine.settings import EngineSettings, EngineSpec

_MIB = 1024 * 1024


def test_every_slot_has_its_kv_cache():
    settings = EngineSettings(context_tokens=1000)
    one, four = (estimate_bytes(spec(slots=slots), settings) for slots in (1, 4))
    per_token = 30 * 3 * 64 * 2 * 2  # layers, KV heads, their size, keys and values, two bytes
    assert 3 * 1000 * per_token <= four - one < 3.1 * 1000 * per_token


def test_the_prompt_cache_counts():
    small, large = (estimate_bytes(spec(), EngineSettings(prompt_cache_bytes=size)) for size in (0, 2**28))
    assert large - small == 2**28


def test_what_is_no_model_is_not_estimated(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        estimate_bytes(EngineSpec(model="m", path=str(tmp_path / "none.gguf")), EngineSettings())
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(Fault, match="model_file_unreadable"):
        estimate_bytes(EngineSpec(model="m", path=str(tmp_path / "bad.gguf")), EngineSettings())


def test_the_budget_is_as_set_or_a_share_of_what_is_free():
    assert budget_bytes(EngineSettings(memory_bytes=3 * 1024**3)) == 3 * 1024**3
    half, all_of_it = (budget_bytes(EngineSettings(memory_share=share)) for share in (0.5, 1.0))
    assert 0 < half < all_of_it


def test_resident_memory_of_a_process_here_and_gone():
    assert resident_bytes(os.getpid()) > _MIB
    assert resident_bytes(2**22 + 1) == 0
