"""From settings to open upstreams: what a row is filled with, and where keys come from."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.upstreams.conftest import make_call
from zhongshu.upstreams import registry
from zhongshu.upstreams.registry import KeyProblem, open_upstreams
from zhongshu.upstreams.rows import ROWS
from zhongshu.upstreams.scripted.serve import Served
from zhongshu.upstreams.settings import UpstreamSettings


def test_a_known_row_fills_what_is_left_out() -> None:
    row = UpstreamSettings(name="deepseek")
    assert registry.base_url_of(row) == "https://api.deepseek.com/v1"
    assert registry.key_source(row) == "env:DEEPSEEK_API_KEY"
    assert registry.manner_of(row) == ROWS["deepseek"].manner


def test_what_is_said_wins() -> None:
    row = UpstreamSettings(name="mine", kind="vllm", base_url="http://gpu/v1", thinking="none", key="env:K")
    assert registry.base_url_of(row) == "http://gpu/v1"
    assert registry.manner_of(row).thinking == "none"
    assert registry.read_key(row, {"K": " secret \n"}) == "secret"
    assert registry.key_source(UpstreamSettings(name="ollama")) == "none"


def test_a_key_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    row = UpstreamSettings(name="openai", key=f"file:{file}")
    with pytest.raises(KeyProblem, match="cannot be read"):
        registry.read_key(row)
    file.write_text("")
    file.chmod(0o600)
    with pytest.raises(KeyProblem, match="is empty"):
        registry.read_key(row)
    file.write_text("secret\n")
    assert registry.read_key(row) == "secret"
    file.chmod(0o644)
    with pytest.raises(KeyProblem, match=f"chmod 600 {file}") as caught:
        registry.read_key(row)
    assert "secret" not in str(caught.value) + caught.value.zh


def test_what_is_missing_is_named_with_its_remedy() -> None:
    for row, name in (
        (UpstreamSettings(name="openai"), "OPENAI_API_KEY"),
        (UpstreamSettings(name="ollama", headers={"x-team": "env:TEAM"}), "TEAM"),
        (UpstreamSettings(name="ollama", proxy="env:PROXY"), "PROXY"),
    ):
        with pytest.raises(KeyProblem, match=f"export {name}="):
            open_upstreams([row], {})


async def test_a_key_that_cannot_be_sent_is_refused_without_showing_it() -> None:
    with pytest.raises(KeyProblem) as caught:
        open_upstreams([UpstreamSettings(name="openai")], {"OPENAI_API_KEY": "sk-\x00密"})
    assert "sk-" not in str(caught.value)


async def test_an_open_upstream_sends_what_the_row_says(served: Served) -> None:
    row = UpstreamSettings(
        name="mine",
        base_url=served.base_url,
        key="env:K",
        headers={"X-Team": "a", "X-Secret": "env:S"},
        organisation="org-1",
    )
    upstream = open_upstreams([row], {"K": "k", "S": "s"})["mine"]
    await upstream.complete(make_call("mock"))
    await upstream.aclose()
    headers = dict(msgspec.json.decode(msgspec.json.encode(served.app.last_headers), type=list[tuple[str, str]]))
    assert headers["authorization"] == "Bearer k"
    assert headers["x-team"] == "a"
    assert headers["x-secret"] == "s"
    assert headers["openai-organization"] == "org-1"
    assert headers["content-type"] == "application/json"


def test_models_named_by_a_row_become_offers() -> None:
    offers = registry.offers([UpstreamSettings(name="ollama", models=("qwen3", "llama3"))])
    assert [(o.card.name, o.release.upstream, o.release.upstream_model) for o in offers] == [
        ("qwen3", "ollama", "qwen3"),
        ("llama3", "ollama", "llama3"),
    ]


@pytest.mark.parametrize("name", list(ROWS))
async def test_every_known_row_opens(name: str) -> None:
    opened = open_upstreams([UpstreamSettings(name=name)], {ROWS[name].key_env: "k"})
    await opened[name].aclose()


def test_rows_are_dated_and_written_in_both_languages() -> None:
    for row in ROWS.values():
        assert row.seen >= "2026-11"
        assert bool(row.note) == bool(row.note_zh)
    print(f"{len(ROWS)} rows")
