"""What follows from what: retries, fallbacks, empty replies, context windows, deadlines. Each test plays upstreams."""

import asyncio

import pytest

from tests.upstreams.dispatch.conftest import FAST, SAYS, Actor, codes, error, offer
from zhongshu.core.answers import Answer, Choice, StopDelta, TextDelta, ThoughtDelta, ToolCallStart, Usage, UsageDelta
from zhongshu.core.problems import LEFT, Fault, fault
from zhongshu.core.turns import Message, Sampling
from zhongshu.upstreams.dispatch.board import ModelRules
from zhongshu.upstreams.dispatch.moves import MOVES
from zhongshu.upstreams.dispatch.settings import DispatchSettings

UNREACHABLE = fault("upstream_unreachable", upstream="a")
LIMITED = fault("upstream_rate_limited", upstream="a")
REFUSED = fault("upstream_refused", upstream="a", why="no", status=422)
TIMEOUT = fault("upstream_timeout", upstream="a", phase="first byte", limit_s=1)
CONTEXT = fault("context_length_exceeded", needed=9, model="m", limit=4)


async def drained(stream):
    return [event async for batch in stream.batches() for event in batch]


async def test_one_upstream_in_order_is_asked_once(desk):
    a = Actor("a")
    d = desk(a)
    asking = d.asking()
    assert await d.complete(asking) == "a"
    (attempt,) = asking.attempts
    assert (attempt.upstream, attempt.model, attempt.status, attempt.error, attempt.why) == ("a", "m", 200, "", "")


@pytest.mark.parametrize(
    "broken", [error(), error(status=529), UNREACHABLE, LIMITED, fault("upstream_malformed", upstream="a", why="x")]
)
async def test_what_may_be_tried_again_is(desk, broken):
    d = desk(Actor("a", broken, "ok"))
    asking = d.asking()
    assert await d.complete(asking) == "a"
    assert codes(asking) == [("a", broken.problem.code, ""), ("a", "", "retry")]


@pytest.mark.parametrize(
    "broken",
    [
        REFUSED,
        CONTEXT,
        fault("model_cannot", model="m", what="x", remedy=""),
        fault("invalid_value", field="x", why="y"),
        TIMEOUT,  # the same replica would only be asked twice for what it is already busy with
        fault("upstream_auth", upstream="a"),
    ],
)
async def test_what_may_not_be_tried_again_is_not(desk, broken):
    a = Actor("a", broken, "ok")
    d = desk(a)
    with pytest.raises(Fault) as raised:
        await d.complete(d.asking())
    assert (raised.value, len(a.calls)) == (broken, 1)


@pytest.mark.parametrize("broken", [error(), TIMEOUT, UNREACHABLE, fault("upstream_auth", upstream="a")])
async def test_another_replica_first(desk, broken):
    a, b = Actor("a", broken), Actor("b")
    d = desk(a, b, rules=DispatchSettings(balance="weighted"))
    only_a_at_first = ((offer("a", weight=1e6), offer("b", weight=1e-6)),)
    asking = d.asking(*only_a_at_first)
    assert await d.complete(asking) == "b"
    assert codes(asking) == [("a", broken.problem.code, ""), ("b", "", "retry")]
    assert asking.offer.release.upstream == "b"


async def test_retries_end(desk):
    a = Actor("a", error())
    d = desk(a)
    asking = d.asking()
    with pytest.raises(Fault, match="upstream_error"):
        await d.complete(asking)
    assert len(a.calls) == 1 + FAST.retries


async def test_a_replica_asking_for_a_pause_gets_it_or_is_let_be(desk, monkeypatch):
    slept = []
    real = asyncio.sleep

    async def sleep(seconds):
        slept.append(seconds)
        d.clock.advance(seconds)
        await real(0)

    short = fault("upstream_rate_limited", upstream="a", retry_after_s=3.0)
    long = fault("upstream_rate_limited", upstream="a", retry_after_s=11.0)
    d = desk(Actor("a", short, "ok"))
    monkeypatch.setattr(asyncio, "sleep", sleep)
    assert await d.complete(d.asking()) == "a"
    assert slept == [pytest.approx(3.0)]
    slept.clear()
    d = desk(Actor("a", long, "ok"))
    with pytest.raises(Fault) as raised:
        await d.complete(d.asking())
    assert (raised.value, slept) == (long, [])
    # with another model to go to nobody waits
    slept.clear()
    d = desk(Actor("a", short, "ok"), Actor("b"))
    assert await d.complete(d.asking((offer("a"),), (offer("b", "n"),))) == "b"
    assert slept == []


async def test_fallbacks_in_order(desk):
    a, b, c = Actor("a", error("a")), Actor("b", error("b")), Actor("c")
    d = desk(a, b, c, rules=DispatchSettings(retries=0))
    asking = d.asking((offer("a"),), (offer("b", "n"),), (offer("c", "o"),))
    assert await d.complete(asking) == "c"
    assert codes(asking) == [("a", "upstream_error", ""), ("b", "upstream_error", "fallback"), ("c", "", "fallback")]
    assert asking.offer.release.name == "o@1"


async def test_the_last_failure_is_told(desk):
    d = desk(Actor("a", error("a")), Actor("b", UNREACHABLE), rules=DispatchSettings(retries=0))
    with pytest.raises(Fault, match="upstream_unreachable"):
        await d.complete(d.asking((offer("a"),), (offer("b", "n"),)))


@pytest.mark.parametrize("broken", [REFUSED, fault("model_cannot", model="m", what="x", remedy="")])
async def test_the_callers_own_mistake_moves_to_nobody(desk, broken):
    b = Actor("b")
    d = desk(Actor("a", broken), b)
    with pytest.raises(Fault):
        await d.complete(d.asking((offer("a"),), (offer("b", "n"),)))
    assert not b.calls


async def test_a_model_the_upstream_does_not_know_moves_on(desk):
    gone = fault("upstream_refused", upstream="a", why="no such model", status=404)
    d = desk(Actor("a", gone), Actor("b"))
    assert await d.complete(d.asking((offer("a"),), (offer("b", "n"),))) == "b"


def test_every_code_that_moves_is_a_code():
    from zhongshu.core.problems import codes as known

    assert set(MOVES) - {"empty"} <= set(known())


# Streams ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before",
    [
        (error(),),
        ([], error()),  # a role alone
        ([UsageDelta(Usage(3, 0))], error()),
        ([TextDelta(0, "")], fault("upstream_cut", upstream="a")),
    ],
)
async def test_litellm_6532_an_error_before_the_first_content_falls_back(desk, before):
    d = desk(Actor("a", before), Actor("b"), rules=DispatchSettings(retries=0))
    asking = d.asking((offer("a"),), (offer("b", "n"),), stream=True)
    stream = await d.dispatcher.stream(asking)
    assert (await drained(stream))[0].deltas == (TextDelta(0, "hi"),)
    d.dispatcher.ended(asking, None)
    assert [why for _, _, why in codes(asking)] == ["", "fallback"]
    assert d.actors["a"].closed == 1, "the broken one's connection is let go"


@pytest.mark.parametrize("content", [TextDelta(0, "x"), ThoughtDelta(0, "x"), ToolCallStart(0, 0, "c", "f")])
async def test_one_api_1197_nothing_is_tried_again_once_content_was_sent(desk, content):
    """Content counts whatever it is made of: a client must not get the beginning of one answer and the whole of another."""
    b = Actor("b")
    d = desk(Actor("a", ([content], error())), b)
    asking = d.asking((offer("a"),), (offer("b", "n"),), stream=True)
    stream = await d.dispatcher.stream(asking)
    got = []
    with pytest.raises(Fault, match="upstream_error"):
        async for batch in stream.batches():
            got += batch
    d.dispatcher.ended(asking, error().problem)
    assert [event.deltas for event in got] == [(content,)]
    assert not b.calls
    assert codes(asking) == [("a", "upstream_error", "")]


async def test_nothing_of_a_stream_is_lost_or_doubled(desk):
    script = ([], [UsageDelta(Usage(1, 0))], [TextDelta(0, "a")], [TextDelta(0, "b")], [StopDelta(0, "stop")])
    d = desk(Actor("a", script))
    asking = d.asking(stream=True)
    events = await drained(await d.dispatcher.stream(asking))
    d.dispatcher.ended(asking, None)
    assert [event.deltas for event in events] == [tuple(batch) for batch in script]


async def test_new_api_4184_who_left_is_neither_waited_for_nor_asked_again(desk):
    a, b = Actor("a", 60), Actor("b")
    d = desk(a, b)
    asking = d.asking((offer("a"),), (offer("b", "n"),))
    task = asyncio.create_task(d.dispatcher.complete(asking))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (a.cancelled, len(b.calls), codes(asking)) == (1, 0, [("a", "left", "")])
    assert d.replica("a").breaker.failed == 0, "it is nobody's fault"


async def test_who_leaves_a_stream_frees_its_place(desk):
    d = desk(Actor("a"))
    asking = d.asking(stream=True)
    stream = await d.dispatcher.stream(asking)
    assert d.busy == 1
    d.dispatcher.ended(asking, LEFT)
    d.dispatcher.ended(asking, LEFT)
    await stream.aclose()
    assert (d.busy, codes(asking)) == (0, [("a", "left", "")])


# Empty replies ---------------------------------------------------------------------------------------------------

NOTHING = Answer((Choice(0, ""),), Usage(3, 0), "a")


async def test_an_empty_reply_is_tried_again_and_given_if_nobody_does_better(desk):
    d = desk(Actor("a", NOTHING, "ok"))
    asking = d.asking()
    assert await d.complete(asking) == "a"
    assert codes(asking) == [("a", "empty", ""), ("a", "", "retry")]
    d = desk(Actor("a", NOTHING))
    assert await d.complete(d.asking()) == ""


async def test_an_empty_stream_likewise(desk):
    nothing = ([], [StopDelta(0, "stop")])
    d = desk(Actor("a", nothing, SAYS))
    asking = d.asking(stream=True)
    assert (await drained(await d.dispatcher.stream(asking)))[0].deltas == (TextDelta(0, "hi"),)
    d.dispatcher.ended(asking, None)
    d = desk(Actor("a", nothing))
    asking = d.asking(stream=True)
    events = await drained(await d.dispatcher.stream(asking))
    d.dispatcher.ended(asking, None)
    assert events[-1].deltas == (StopDelta(0, "stop"),)


@pytest.mark.parametrize("stop", ["length", "content_filter", "tool_calls"])
async def test_a_reply_that_is_empty_for_a_reason_is_an_answer(desk, stop):
    a = Actor("a", Answer((Choice(0, "", stop=stop),), Usage(3, 0)), "ok")
    d = desk(a)
    assert await d.complete(d.asking()) == ""
    a.script = [([StopDelta(0, stop)],), SAYS]
    asking = d.asking(stream=True)
    assert len(await drained(await d.dispatcher.stream(asking))) == 1
    d.dispatcher.ended(asking, None)
    assert len(a.calls) == 2


async def test_a_reply_billed_for_tokens_said_something_we_cannot_read(desk):
    a = Actor("a", Answer((Choice(0, ""),), Usage(3, 40)), "ok")
    d = desk(a)
    assert await d.complete(d.asking()) == ""
    a.script = [([StopDelta(0, "stop")], [UsageDelta(Usage(3, 40))]), SAYS]
    asking = d.asking(stream=True)
    assert len(await drained(await d.dispatcher.stream(asking))) == 2
    d.dispatcher.ended(asking, None)
    assert len(a.calls) == 2


async def test_of_sound_and_pictures_every_event_is_content(desk):
    import msgspec

    d = desk(Actor("a", ([], error())))
    asking = d.asking(stream=True)
    asking.turn = msgspec.structs.replace(asking.turn, kind="speech")
    stream = await d.dispatcher.stream(asking)
    with pytest.raises(Fault):
        await drained(stream)
    d.dispatcher.ended(asking, error().problem)
    assert codes(asking) == [("a", "upstream_error", "")]


async def test_stop_words_may_leave_nothing(desk):
    a = Actor("a", NOTHING, "ok")
    d = desk(a)
    assert await d.complete(d.asking(sampling=Sampling(stop=("h",)))) == ""
    assert len(a.calls) == 1


# Context windows -------------------------------------------------------------------------------------------------


async def test_what_does_not_fit_is_tried_where_nobody_knows_how_much_does(desk):
    d = desk(Actor("a", CONTEXT), Actor("b"), Actor("c"))
    unknown = ((offer("a"),), (offer("c", "o"),))
    asking = d.asking(*unknown)
    assert await d.complete(asking) == "c"
    assert codes(asking) == [("a", "context_length_exceeded", ""), ("c", "", "context")]
    known = ((offer("a", context=4096),), (offer("b", "n", context=4096),), (offer("c", "o"),))
    asking = d.asking(*known)
    assert await d.complete(asking) == "c"
    assert codes(asking) == [("a", "context_length_exceeded", ""), ("c", "", "context")]


async def test_what_does_not_fit_goes_to_the_first_longer_context(desk):
    d = desk(Actor("a", CONTEXT), Actor("b"), Actor("c"))
    tiers = ((offer("a", context=4096),), (offer("b", "n", context=4096),), (offer("c", "o", context=32_768),))
    asking = d.asking(*tiers)
    assert await d.complete(asking) == "c"
    assert codes(asking) == [("a", "context_length_exceeded", ""), ("c", "", "context")]
    with pytest.raises(Fault, match="context_length_exceeded"):
        await d.complete(d.asking(*tiers[:2]))


@pytest.mark.parametrize(
    ("text", "asked"),
    [("word " * 2000, ["c"]), ("字" * 4000, ["c"]), ("word " * 1000, ["a"]), ("short", ["a"])],
)
async def test_a_window_that_is_certainly_too_short_is_not_asked(desk, text, asked):
    a, c = Actor("a"), Actor("c")
    d = desk(a, c)
    asking = d.asking(
        (offer("a", context=1000),), (offer("c", "o", context=100_000),), text=text, body_bytes=len(text.encode()) + 50
    )
    assert await d.complete(asking) == asked[0]
    assert [name for name, actor in d.actors.items() if actor.calls] == asked
    if asked == ["c"]:
        assert codes(asking) == [("a", "context_length_exceeded", ""), ("c", "", "context")]


async def test_pictures_make_nothing_certain(desk):
    """A large body alone says little: only its text counts."""
    d = desk(Actor("a"), Actor("c"))
    tiers = ((offer("a", context=1000),), (offer("c", "o", context=100_000),))
    assert await d.complete(d.asking(*tiers, messages=(Message("user", "look"),), body_bytes=5_000_000)) == "a"


async def test_a_short_window_without_a_longer_one_is_asked_all_the_same(desk):
    a = Actor("a", CONTEXT)
    d = desk(a)
    with pytest.raises(Fault, match="context_length_exceeded"):
        await d.complete(d.asking((offer("a", context=10),), text="word " * 100, body_bytes=600))
    assert len(a.calls) == 1


# Time ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
async def test_a_try_that_is_too_slow_is_given_up(desk, stream):
    a, b = Actor("a", ([], 60) if stream else 60), Actor("b")
    d = desk(a, b, models={"m": ModelRules(try_s=0.02)})
    asking = d.asking((offer("a"),), (offer("b", "n"),), stream=stream)
    ask = d.dispatcher.stream if stream else d.dispatcher.complete
    await ask(asking)
    d.dispatcher.ended(asking, None)
    assert codes(asking) == [("a", "upstream_timeout", ""), ("b", "", "fallback")]
    assert a.cancelled == 1


async def test_nothing_is_tried_past_the_deadline(desk):
    class Slow(Actor):
        async def complete(self, call):
            d.clock.advance(10)
            return await super().complete(call)

    a, b = Slow("a", error()), Actor("b")
    d = desk(a, b, rules=DispatchSettings(deadline_s=5, backoff_s=0))
    with pytest.raises(Fault):
        await d.complete(d.asking((offer("a"),), (offer("b", "n"),)))
    assert (len(a.calls), len(b.calls)) == (1, 0)


# Storms ----------------------------------------------------------------------------------------------------------


async def test_a_storm_of_failures_is_not_multiplied(desk):
    a = Actor("a", error())
    d = desk(a, rules=DispatchSettings(retries=2, retry_share=0.1, backoff_s=0, breaker=False))
    for _ in range(500):
        with pytest.raises(Fault):
            await d.complete(d.asking())
    assert 500 <= len(a.calls) <= 500 + 10 + 50


async def test_light_traffic_always_has_its_retries(desk):
    a = Actor("a", *[error(), "ok"] * 50)
    d = desk(a, rules=DispatchSettings(retry_share=0.0, backoff_s=0, breaker=False))
    for _ in range(50):
        assert await d.complete(d.asking()) == "a"
        d.clock.advance(1)


async def test_going_over_to_a_replica_in_order_is_always_free(desk):
    a, b = Actor("a", error()), Actor("b")
    d = desk(a, b, rules=DispatchSettings(retry_share=0.0, breaker=False, balance="weighted", backoff_s=0))
    for _ in range(100):
        assert await d.complete(d.asking((offer("a", weight=1e6), offer("b", weight=1e-6)))) == "b"
