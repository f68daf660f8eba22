"""From settings to the cache: rules by row, the embedder that must be there, reload, and nothing where none is wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from zhongshu.app.caching import Caching, rules_of
from zhongshu.app.complaints import SettingsError
from zhongshu.app.loading import load
from zhongshu.app.settings import Settings
from zhongshu.caches.store import FILE
from zhongshu.core.clock import SystemClock
from zhongshu.core.models import Release
from zhongshu.upstreams.fake import FakeModel

UPSTREAM = '[[upstreams]]\nname = "up"\nkind = "openai-compatible"\nbase_url = "http://127.0.0.1:9/v1"\nkey = "none"\n'


def model(name: str, extra: str = "") -> str:
    return f'[[models]]\nname = "{name}"\nupstream = "up"\n{extra}\n'


def loaded(folder: Path, text: str) -> Settings:
    file = folder / "zhongshu.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ={"HOME": str(folder), "ZHONGSHU_HOME": str(folder / "home")})


def release(name: str, version: str = "1") -> Release:
    return Release(model=name, version=version, upstream="up", upstream_model=name)


def test_each_release_has_its_rows_rule(tmp_path: Path) -> None:
    text = 'profile = "none"\n[cache]\nmodels = "exact"\nttl_s = 100.0\n' + UPSTREAM
    text += model("plain") + model("off", 'cache = "off"') + model("short", "cache_ttl_s = 5.0")
    text += model("two", 'cache = "exact"') + model("two", 'version = "2"\ncache = "off"')
    settings = loaded(tmp_path, text)
    rules = rules_of(settings.cache, settings.models)
    found = {name: rules.of(release(name)) for name in ("plain", "off", "short", "two", "unknown")}
    assert {name: (rule.reuse, rule.explicit, rule.ttl_s) for name, rule in found.items()} == {
        "plain": ("exact", False, 100.0),
        "off": ("off", True, 100.0),
        "short": ("exact", False, 5.0),
        "two": ("exact", True, 100.0),
        "unknown": ("exact", False, 100.0),
    }
    assert rules.of(release("two", "2")).reuse == "off"


@pytest.mark.parametrize("where", ['[cache]\nmodels = "semantic"\n', ""])
def test_comparing_by_meaning_needs_a_model_that_makes_vectors(tmp_path: Path, where: str) -> None:
    text = 'profile = "none"\n' + where + UPSTREAM + model("m", "" if where else 'cache = "semantic"')
    with pytest.raises(SettingsError) as wrong:
        loaded(tmp_path, text)
    (complaint,) = wrong.value.complaints
    assert complaint.key == "cache.embedder"
    assert 'upstream = "embedded"' in complaint.remedy
    there = '[[models]]\nname = "multilingual-e5-small"\nupstream = "embedded"\nabilities = ["embedding"]\n'
    assert loaded(tmp_path, text + there)
    assert loaded(tmp_path, text.replace('"none"', '"default"', 1))


@pytest.mark.parametrize("row", ["cache_ttl_s = 0.0", "cache_threshold = 1.5", 'cache = "maybe"'])
def test_a_row_that_makes_no_sense_is_refused(tmp_path: Path, row: str) -> None:
    with pytest.raises(SettingsError):
        loaded(tmp_path, 'profile = "none"\n' + UPSTREAM + model("m", row))


async def test_nothing_is_opened_until_a_model_is_cached_and_a_reload_goes_on_with_what_is_open(tmp_path: Path) -> None:
    without = loaded(tmp_path, 'profile = "none"\n' + UPSTREAM + model("m"))
    cached = loaded(tmp_path, 'profile = "none"\n' + UPSTREAM + model("m", 'cache = "exact"'))
    without.home.mkdir(mode=0o700)
    caching = Caching(without.home, FakeModel(), SystemClock())
    assert caching.by(without.cache, without.models, "") is None
    assert list(without.home.iterdir()) == []
    first = caching.by(cached.cache, cached.models, "p1")
    assert first is not None
    assert first.meaning is None
    assert caching.by(without.cache, without.models, "p1") is None
    assert caching.by(cached.cache, cached.models, "p2") is first
    assert first.policy == "p2"
    await caching.aclose()
    assert not (without.home / FILE).exists()  # made with the first answer
