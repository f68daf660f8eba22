"""Which index is used: asked of pip, never known by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from zhongshu.engine.models import pip_config


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No configuration but the test's own."""
    for name in (
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "PIP_CERT",
        "PIP_NO_INDEX",
        "UV_DEFAULT_INDEX",
        "UV_INDEX_URL",
        "UV_INDEX",
        "UV_EXTRA_INDEX_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def configure(folder: Path, text: str) -> None:
    (folder / "pip.conf").write_text(text)


def test_pips_own_default_is_an_address() -> None:
    (url,) = pip_config.read().index_urls
    assert url.startswith("https://")
    assert " " not in url


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "/a /b")
    config = pip_config.read()
    assert config.index_urls == ("https://mirror.example/simple",)
    assert config.find_links == ("/a", "/b")


def test_a_configuration_file(tmp_path: Path) -> None:
    configure(
        tmp_path,
        "[global]\nindex-url = https://a.example/simple\nextra-index-url =\n  https://b.example/simple\n"
        "  https://c.example/simple\ncert = /ca.pem\nproxy = http://p.example:3128\ntrusted-host = a.example\n"
        "[download]\nindex-url = https://d.example/simple\n[install]\nindex-url = https://never.example/simple\n",
    )
    config = pip_config.read()
    assert config.index_urls == (
        "https://d.example/simple",
        "https://b.example/simple",
        "https://c.example/simple",
    )
    assert (config.cert, config.proxy) == ("/ca.pem", "http://p.example:3128")
    assert config.trusted_hosts == ("a.example",)


def test_no_index_leaves_only_the_links(tmp_path: Path) -> None:
    configure(tmp_path, "[global]\nno-index = true\nfind-links = /wheels\n")
    config = pip_config.read()
    assert (config.index_urls, config.find_links) == ((), ("/wheels",))


def test_uv_comes_before_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example/simple")
    monkeypatch.setenv("UV_INDEX", "own=https://own.example/simple")
    assert pip_config.read().index_urls == ("https://own.example/simple", "https://uv.example/simple")


def test_the_users_own_setting_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uv.example/simple")
    assert pip_config.read(("https://own.example/simple",)).index_urls == ("https://own.example/simple",)
