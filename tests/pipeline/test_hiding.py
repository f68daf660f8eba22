"""Thoughts hidden by policy: what leaves has none, what is recorded, counted and charged has them all."""

from __future__ import annotations

import msgspec
import pytest

from tests.pipeline.conftest import PRICE, Path
from zhongshu.access.fake import SOMEBODY
from zhongshu.api.extra import extra_of
from zhongshu.core.answers import Answer, Choice, Event, Fold, StopDelta, TextDelta, ThoughtDelta, Usage, UsageDelta
from zhongshu.core.models import Price
from zhongshu.core.turns import Thought, ToolCall
from zhongshu.pipeline.answer import answer, stream
from zhongshu.pipeline.stages import Closing

USED = Usage(prompt=10, completion=30, thinking=20)
SIGNED = Choice(
    0,
    text="42",
    thought="six by seven",
    thoughts=(Thought("six by seven", "anthropic:sig"),),
    tool_calls=(ToolCall("c", "f", "{}", "gemini:s"),),
)


class Thinker:
    """An upstream that thinks aloud, in its own exact form; its thought was closed for it."""

    name = "fake"

    async def complete(self, call):
        call.thought_ended = "settled"
        return Answer((SIGNED,), USED, "m", b'{"exact":1}', "openai.chat")

    async def stream(self, call):
        call.thought_ended = "settled"
        return self

    async def batches(self):
        yield (Event((ThoughtDelta(0, "six by "),), b'{"exact":1}', "openai.chat"),)
        yield (Event((ThoughtDelta(0, "seven", "anthropic:sig"), TextDelta(0, "42")), b'{"exact":2}', "openai.chat"),)
        yield (Event((StopDelta(0, "stop"), UsageDelta(USED)), b'{"exact":3}', "openai.chat"),)

    async def aclose(self):
        return None


def hiding(hidden_from):
    way = Path(Thinker())
    assume = msgspec.structs.replace(way.rooms.assume, thoughts_hidden_from=frozenset(hidden_from))
    way.rooms = msgspec.structs.replace(way.rooms, assume=assume)
    return way


HIDDEN = [("*",), (SOMEBODY.tenant,), (SOMEBODY.key_id, "another")]
SHOWN = [(), ("another",)]


@pytest.mark.parametrize("hidden_from", [*HIDDEN, *SHOWN])
async def test_a_plain_answer(hidden_from):
    way = hiding(hidden_from)
    done = await answer(way.rooms, way.arrived())
    reply = done.answered.answer
    (choice,) = reply.choices
    if hidden_from in HIDDEN:
        assert (choice.thought, choice.thoughts, reply.wire) == ("", (), None)
    else:
        assert (choice, reply.wire) == (SIGNED, b'{"exact":1}')
    assert (choice.text, choice.tool_calls) == (SIGNED.text, SIGNED.tool_calls)
    extra = extra_of(done.answered.routed, done.label, done.answered.usage, done.answered.cost_nano, 0.0)
    assert (extra.thought_ended, extra.usage.thinking) == ("settled", 20)
    record_has_it_all(way)


@pytest.mark.parametrize("hidden_from", [*HIDDEN, *SHOWN])
async def test_a_stream(hidden_from):
    way = hiding(hidden_from)
    fold, wires = Fold(), []
    async for batch in (await stream(way.rooms, way.arrived(stream=True))).batches():
        if isinstance(batch, Closing):
            assert batch.usage == USED
            continue
        for event in batch:
            fold.add(event)
            wires.append(event.wire)
    (choice,) = fold.answer().choices
    hidden = hidden_from in HIDDEN
    assert (choice.text, choice.thought) == ("42", "" if hidden else "six by seven")
    assert any(wires) is not hidden, "what was changed is written anew"
    record_has_it_all(way)


def record_has_it_all(way):
    (record,) = way.journal.records
    assert b"six by seven" in record.answer
    assert (record.usage, record.thought_ended) == (USED, "settled")
    assert record.cost_nano == PRICE.cost_nano(USED, 5)


def test_thoughts_are_priced_apart_where_the_price_says_so():
    apart = Price(input=2, output=8, thinking=4)
    assert PRICE.cost_nano(USED) - apart.cost_nano(USED) == 20 * (8 - 4) * 1000, "a million tokens cost so many yuan"
