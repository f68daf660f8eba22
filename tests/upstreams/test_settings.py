"""One upstream's settings: what is taken, and what is refused with the field and the remedy."""

from __future__ import annotations

from typing import Any

import pytest

from zhongshu.upstreams.rows import ROWS
from zhongshu.upstreams.settings import UpstreamSettings


@pytest.mark.parametrize("name", list(ROWS))
def test_a_known_service_needs_nothing_but_its_name(name: str) -> None:
    assert UpstreamSettings(name=name).base_url == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"base_url": "http://127.0.0.1:8000/v1"},
        {"base_url": "https://[::1]:8000"},
        {"kind": "openai", "key": "env:MY_KEY"},
        {"kind": "vllm", "key": "none", "proxy": "system"},
        {"kind": "vllm", "key": "file:/k", "proxy": "socks5h://user@127.0.0.1:1080"},
        {"kind": "openai-compatible", "base_url": "http://a/v1", "headers": {"X-Team": "a"}, "proxy": "env:P"},
        {"kind": "vllm", "thinking": "reasoning_effort", "total_s": 5.0, "max_connections": 1},
    ],
)
def test_good_rows(fields: dict[str, Any]) -> None:
    UpstreamSettings(name="mine", **fields)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "Mine"}, "name"),
        ({"name": "embedded"}, "name"),
        ({"name": "a b"}, "name"),
        ({}, "base_url"),
        ({"base_url": "127.0.0.1:8000"}, "base_url"),
        ({"base_url": "ftp://a/v1"}, "base_url"),
        ({"base_url": "http://a/v1?x=1"}, "base_url"),
        ({"base_url": "http://user:secret@a/v1"}, "base_url"),
        ({"base_url": "http://a/v1/chat/completions"}, "base_url"),
        ({"kind": "openay"}, "kind"),
        ({"kind": "openai", "key": "sk-secret"}, "key"),
        ({"kind": "openai", "key": "env:"}, "key"),
        ({"kind": "openai", "headers": {"Authorization": "Bearer secret"}}, "headers"),
        ({"kind": "openai", "headers": {"bad name": "x"}}, "headers"),
        ({"kind": "openai", "connect_s": 0}, "connect_s"),
        ({"kind": "openai", "total_s": -1}, "total_s"),
        ({"kind": "openai", "idle_s": 1e9}, "idle_s"),
        ({"kind": "openai", "max_connections": 0}, "max_connections"),
        ({"kind": "openai", "max_body_bytes": 1}, "max_body_bytes"),
        ({"kind": "openai", "proxy": "proxy:8080"}, "proxy"),
        ({"kind": "openai", "proxy": "https://proxy"}, "proxy"),
        ({"kind": "openai", "proxy": "http://user:secret@proxy"}, "proxy"),
        ({"kind": "openai", "models": ("a@1",)}, "models"),
    ],
)
def test_bad_rows_name_the_field_in_both_languages_and_no_secret(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=field) as caught:
        UpstreamSettings(**{"name": "mine", **fields})
    english, chinese = caught.value.args
    assert english.startswith(f"{field}: ")
    assert chinese.startswith(f"{field}: ")
    assert any("一" <= letter <= "鿿" for letter in chinese)
    assert "secret" not in english + chinese
