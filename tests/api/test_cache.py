"""What a client sees of an answer given before."""

import json

import msgspec
import pytest

from tests.api.conftest import ANSWER, chunk, streamed, whole
from tests.caches.conftest import opened
from zhongshu.api.extra import CostExtra, Extra, RouteExtra, UsageExtra
from zhongshu.api.openai.reply import body_again, body_of
from zhongshu.core.answers import Answer, Choice, Usage
from zhongshu.core.ports import Hit
from zhongshu.core.turns import ToolCall, Turn
from zhongshu.safety.settings import LabelSettings

USED = UsageExtra(3, 4, 1, 0, False)
SAMPLED = {**ANSWER, "choices": [{**ANSWER["choices"][0], "message": {"role": "assistant", "content": "你好 hi"}}]}


@pytest.fixture
async def cached(house, tmp_path):
    """A house whose model `small` is cached."""
    tmp_path.chmod(0o700)
    made = []

    def build(reply, **more):
        built = house(reply, **more)
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


def without_its_name(response):
    body = response.json()
    told = {name: value for name, value in body["zhongshu"].items() if name not in ("trace", "label", "overhead_ms")}
    return {name: value for name, value in body.items() if name not in ("id", "created")} | {"zhongshu": told}


@pytest.mark.parametrize("label", [None, LabelSettings(text="start"), LabelSettings(text="end")])
async def test_every_hit_says_and_records_the_same(cached, label):
    here = cached(whole(SAMPLED), label=label)
    first, *hits = [await here.chat() for _ in range(4)]
    assert without_its_name(hits[0]) == without_its_name(hits[1]) == without_its_name(hits[2])
    assert list(hits[0].json()) == ["id", "object", "created", "model", "choices", "usage", "zhongshu"]
    assert len({hit.json()["id"] for hit in hits}) == 3
    text = first.json()["choices"][0]["message"]["content"]
    assert {hit.json()["choices"][0]["message"]["content"] for hit in hits} == {text}
    assert (text == "你好 hi") is (label is None)
    asked, *again = [msgspec.json.decode(record.answer) for record in here.journal.records]
    assert all(answer == asked for answer in again)


CALLS = (Choice(0, stop="tool_calls", tool_calls=(ToolCall("c1", "look", '{"at":"\\u4e2d"}'),)), Choice(1, 'a "word"'))


@pytest.mark.parametrize("kind", ["chat", "completion"])
@pytest.mark.parametrize("choices", [(Choice(0, "你好"),), (Choice(0, thought="well", text="so"),), CALLS])
def test_what_is_written_of_a_hit_is_what_is_written_of_its_answer(kind, choices):
    hit = Hit(Answer(choices, None, "m"), "exact", 1.0, Usage(3, 4, 1), 5, 6)
    for trace in ("a" * 32, "b" * 32, "c" * 32):
        turn = Turn(trace, 7 * 10**9, kind, f"openai.{kind}", 'a "model"')
        extra = Extra(trace, RouteExtra("m@1", "u", "named", "", "", None), None, USED, CostExtra("0", "CNY"), 0.1)
        assert body_again(turn, hit, extra) == body_of(turn, hit.answer, hit.usage, extra)


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
