"""What a client sees of an answer given before."""

import json

import msgspec
import pytest

from tests.api.conftest import ANSWER, chunk, streamed, whole
from tests.caches.conftest import opened

SAMPLED = {**ANSWER, "choices": [{**ANSWER["choices"][0], "message": {"role": "assistant", "content": "你好 hi"}}]}


@pytest.fixture
async def cached(house, tmp_path):
    """A house whose model `small` is cached."""
    tmp_path.chmod(0o700)
    made = []

    def build(reply):
        built = house(reply)
        cache = opened(tmp_path, None, models="exact", sampled="always")
        made.append(cache)
        built.rooms = msgspec.structs.replace(built.rooms, cache=cache)
        return built

    yield build
    for cache in made:
        await cache.aclose()


async def test_a_hit_is_marked_and_costs_nothing(cached):
    here = cached(whole(SAMPLED))
    first, second = await here.chat(), await here.chat()
    assert "x-zhongshu-cache" not in first.headers
    assert (second.headers["x-zhongshu-cache"], second.headers["x-zhongshu-cost"]) == ("exact", "0 CNY")
    told = second.json()["zhongshu"]
    assert (told["cache"], told["similarity"], told["cost"]["amount"]) == ("exact", 1.0, "0")
    assert told["saved"] == first.json()["zhongshu"]["cost"]["amount"] != "0"
    for field in ("content", "role"):
        assert second.json()["choices"][0]["message"][field] == first.json()["choices"][0]["message"][field]
    assert second.json()["usage"]["total_tokens"] == first.json()["usage"]["total_tokens"]
    assert len(here.transport.requests) == 1


async def test_a_hit_is_streamed_whole_with_its_end(cached):
    here = cached(
        streamed(chunk({"role": "assistant", "content": "one "}), chunk({"content": "two"}), chunk({}, "stop"))
    )
    await here.chat(stream=True)
    again = await here.chat(stream=True, stream_options={"include_usage": True})
    assert again.headers["x-zhongshu-cache"] == "exact"
    *events, done = again.events()
    assert done == "[DONE]"
    pieces = [json.loads(event) for event in events]
    text = "".join(c["delta"].get("content") or "" for piece in pieces for c in piece["choices"])
    reasons = [c["finish_reason"] for piece in pieces for c in piece["choices"] if c["finish_reason"]]
    assert (text, reasons) == ("one two", ["stop"])
    assert any(piece.get("usage") for piece in pieces)
    assert any(piece.get("zhongshu", {}).get("cache") == "exact" for piece in pieces)
    assert (await here.chat()).json()["choices"][0]["message"]["content"] == "one two"


@pytest.mark.parametrize(
    ("headers", "fields", "hit"),
    [
        ({}, {}, True),
        ({"cache-control": "no-store"}, {}, False),
        ({"cache-control": "no-cache"}, {}, False),
        ({"cache-control": "max-age=3600"}, {}, True),
        ({}, {"zhongshu": {"cache": "no-store"}}, False),
        ({}, {"zhongshu": {"cache": "refresh"}}, False),
        ({}, {"zhongshu": {"priority": "low"}}, True),
        ({}, {"user": "somebody else"}, True),
        ({}, {"temperature": 0.1}, False),
    ],
)
async def test_what_the_caller_says(cached, headers, fields, hit):
    here = cached(whole(SAMPLED))
    await here.chat()
    assert ("x-zhongshu-cache" in (await here.chat(headers=headers, **fields)).headers) is hit


async def test_litellm_29086_another_key_of_another_tenant_gets_no_answer_of_this_one(cached):
    here = cached(whole(SAMPLED))
    await here.chat()
    here.gate.caller = msgspec.structs.replace(here.gate.caller, tenant="another")
    assert "x-zhongshu-cache" not in (await here.chat()).headers


async def test_without_a_cache_nothing_is_looked_for(house):
    here = house(whole(SAMPLED))
    for _ in range(2):
        assert "x-zhongshu-cache" not in (await here.chat()).headers
    assert len(here.transport.requests) == 2


async def test_an_answer_cut_off_by_its_limit_is_asked_again(cached):
    cut = {**SAMPLED, "choices": [{**SAMPLED["choices"][0], "finish_reason": "length"}]}
    here = cached(whole(cut))
    for _ in range(2):
        assert "x-zhongshu-cache" not in (await here.chat()).headers
