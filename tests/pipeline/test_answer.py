"""The path of a turn: stages in order, refusals as values, everything recorded once, nothing reserved for ever."""

import asyncio
import contextlib

import msgspec
import pytest

from zhongshu.catalog.catalog import ModelCatalog, offer_of
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.answers import Answer, Choice, Event, StopDelta, TextDelta, Usage
from zhongshu.core.labels import TextMark
from zhongshu.core.models import Price
from zhongshu.core.money import Exchange, Rate
from zhongshu.core.problems import Fault, Refusal, fault, problem
from zhongshu.core.turns import Sampling
from zhongshu.pipeline.answer import answer, stream
from zhongshu.pipeline.estimate import ask_of, tokens_of, told_apart, usage_of
from zhongshu.pipeline.label import MarkedStream
from zhongshu.pipeline.stages import Closing
from zhongshu.upstreams.dispatch.board import Board, ModelRules, Rules
from zhongshu.upstreams.dispatch.dispatcher import UpstreamDispatcher
from zhongshu.upstreams.dispatch.settings import DispatchSettings
from zhongshu.upstreams.fake import FakeModel


async def drain(live):
    return [batch async for batch in live.batches()]


async def test_plain_and_streaming_come_to_the_same(path):
    plain, live = path(), path()
    whole = await answer(plain.rooms, plain.arrived())
    *batches, closing = await drain(await stream(live.rooms, live.arrived(stream=True)))
    text = "".join(d.text for batch in batches for event in batch for d in event.deltas if isinstance(d, TextDelta))
    assert text == whole.answered.answer.choices[0].text == "hello there"
    assert isinstance(closing, Closing)
    assert (closing.usage, closing.cost_nano) == (whole.answered.usage, whole.answered.cost_nano)
    first, second = plain.journal.records[0], live.journal.records[0]
    for field in ("outcome", "release", "rule", "stop", "usage", "cost_nano", "label", "answer", "settings"):
        assert getattr(first, field) == getattr(second, field), field


async def test_what_was_reserved_covers_the_dearest_and_is_settled_once(path):
    way = path()
    await answer(way.rooms, way.arrived(sampling=Sampling(max_tokens=50, n=2)))
    (permit,) = way.gate.permits
    assert permit.ask.tokens == 400 // 4 + 1 + 100
    assert permit.ask.cost_nano == 101 * 2000 + 100 * 8000
    assert permit.settled == (way.journal.records[0].usage, way.journal.records[0].cost_nano)


async def test_a_refusal_is_a_value_recorded_and_costs_nothing(path):
    way = path()
    refused = await answer(way.rooms, way.arrived(model="none"))
    assert isinstance(refused, Refusal)
    (record,) = way.journal.records
    assert (record.outcome, record.error, record.stage) == ("refused", "model_not_found", "admit")
    assert all(permit.released for permit in way.gate.permits)
    assert way.model.calls == []


async def test_an_upstream_that_is_not_there_costs_nothing(path):
    way = path()
    with pytest.raises(Fault, match="upstream_unreachable"):
        await answer(way.rooms, way.arrived(model="lost"))
    (record,) = way.journal.records
    assert (record.outcome, record.error, record.stage) == ("failed", "upstream_unreachable", "answer")
    assert all(permit.released for permit in way.gate.permits)


async def test_the_gates_refusal_reaches_nobody_else(path):
    way = path()
    way.gate.refusal = Refusal("admit", problem("concurrency_exceeded", scope="key", scope_zh="密钥", limit=1))
    assert await stream(way.rooms, way.arrived()) is way.gate.refusal
    assert (way.model.calls, way.journal.records[0].outcome) == ([], "refused")


async def test_a_failing_upstream_is_recorded_then_raised(path):
    for begin in (answer, stream):
        way = path(fails=fault("upstream_timeout", upstream="fake", phase="first byte", limit_s=1))
        with pytest.raises(Fault, match="upstream_timeout"):
            await begin(way.rooms, way.arrived())
        (record,) = way.journal.records
        assert (record.outcome, record.error, record.usage.total) == ("failed", "upstream_timeout", 0)
        assert way.gate.permits[0].released


async def test_a_stream_that_breaks_keeps_and_charges_what_was_sent(path):
    way = path(says="one two three", breaks=fault("upstream_cut", upstream="fake"), breaks_after=2)
    live = await stream(way.rooms, way.arrived())
    with pytest.raises(Fault, match="upstream_cut"):
        await drain(live)
    (record,) = way.journal.records
    assert (record.outcome, record.usage.estimated) == ("cut", True)
    assert b"one two" in record.answer
    assert way.gate.permits[0].settled[1] == record.cost_nano > 0


async def test_a_reader_that_leaves_cancels_the_upstream(path):
    way = path(says="one two three four")
    live = await stream(way.rooms, way.arrived())
    async with contextlib.aclosing(live.batches()) as batches:
        await anext(batches)
    assert way.model.left == 1
    assert way.journal.records[0].outcome == "left"
    assert way.gate.permits[0].settled is not None


async def test_a_cancelled_turn_is_recorded_too(path):
    way = path(says="one two", pause_s=30)
    task = asyncio.create_task(answer(way.rooms, way.arrived()))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert way.journal.records[0].outcome == "left"


async def test_an_answer_that_cannot_be_recorded_is_not_given(path):
    way = path()
    live = await stream(way.rooms, way.arrived())
    seen = []
    with pytest.raises(Fault, match="journal_unavailable"):
        async for batch in live.batches():
            seen.append(batch)
            way.journal.broken = "disk full"
    assert not any(isinstance(batch, Closing) for batch in seen)
    assert way.gate.permits[0].settled is not None


@pytest.mark.parametrize(("text", "least", "most"), [("", 1, 1), ("a" * 400, 90, 110), ("中" * 100, 60, 80)])
def test_estimates_by_size(text, least, most):
    assert least <= tokens_of(text) <= most


def test_an_estimate_says_that_it_is_one(path):
    turn = path().arrived("中文问题").turn
    assert usage_of(turn, None).estimated
    assert ask_of(turn, path().rooms.catalog.find("m"), 7).tokens == 400 // 4 + 1 + 7


@pytest.mark.parametrize(
    ("given", "thought", "thinking"),
    [
        (Usage(9, 100), "a" * 300, 75),
        (Usage(9, 100, thinking=20), "a" * 300, 20),
        (Usage(9, 100), "", 0),
        (Usage(9, 0), "a" * 300, 0),
    ],
)
def test_thoughts_that_an_upstream_counts_with_the_answer_are_told_apart(given, thought, thinking):
    told = told_apart(given, Answer((Choice(0, "b" * 99, thought),), given))
    assert (told.completion, told.thinking, told.estimated) == (given.completion, thinking, False)


def test_marks_go_around_the_text_of_each_choice_once():
    marked = MarkedStream(TextMark("<", ">"))
    events = [
        Event((TextDelta(0, "a"),), b"{}", "d"),
        Event((TextDelta(0, "b"), TextDelta(1, "c"))),
        Event((StopDelta(0, "stop"), StopDelta(1, "stop"))),
    ]
    out = [marked.mark(event) for event in events]
    texts = {0: "", 1: ""}
    for event in out:
        for delta in event.deltas:
            if isinstance(delta, TextDelta):
                texts[delta.index] += delta.text
    assert texts == {0: "<ab>", 1: "<c>"}
    assert out[0].wire is None  # what was changed no longer has the upstream's bytes


def test_a_choice_without_text_gets_no_words():
    event = Event((StopDelta(0, "tool_calls"),), b"{}", "d")
    assert MarkedStream(TextMark("<", ">")).mark(event) is event


@pytest.mark.parametrize("streamed", [False, True])
async def test_who_was_outrun_is_paid_too(path, streamed):
    way = path(says="quick")
    slow = FakeModel("slow", pause_s=60.0)
    rows = [
        ModelSettings(name="h", upstream="slow", weight=1e6, price=Price(input=2, output=8)),
        ModelSettings(name="h", upstream="fake", weight=1e-6, price=Price(input=1, output=1, currency="USD")),
    ]
    rules = Rules(dispatch=DispatchSettings(balance="weighted"), models={"h": ModelRules(hedge_s=0.01)})
    dispatcher = UpstreamDispatcher({"fake": way.model, "slow": slow}, way.clock, Board(way.clock, rules))
    exchange = Exchange("CNY", (Rate(0, "USD", "7"),))
    catalog = ModelCatalog([offer_of(row) for row in rows])
    way.rooms = msgspec.structs.replace(way.rooms, catalog=catalog, dispatcher=dispatcher, exchange=exchange)
    arrived = way.arrived("word " * 400, model="h", stream=streamed)
    if streamed:
        await drain(await stream(way.rooms, arrived))
    else:
        await answer(way.rooms, arrived)
    kept = way.journal.records[-1]
    lost = next(attempt for attempt in kept.attempts if attempt.error == "outrun")
    assert lost.cost_nano == 500 * 2000, "in its own currency"
    won_nano = (kept.usage.prompt + kept.usage.completion) * 1000
    assert (kept.currency, kept.cost_nano) == ("USD", won_nano + lost.cost_nano // 7)
    settled = way.gate.permits[0].settled
    assert settled is not None
    assert settled[1] == exchange.to_home(kept.cost_nano, "USD", arrived.turn.arrived_ns)
