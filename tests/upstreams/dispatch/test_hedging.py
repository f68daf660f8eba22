"""A second replica is asked when the first is slow to begin; the first content wins, the loser is cancelled at once."""

import asyncio

import pytest

from tests.upstreams.dispatch.conftest import SAYS, Actor, codes, error, offer
from zhongshu.core.answers import Answer, Choice, Usage
from zhongshu.core.models import ModelCard, Offer, Price, Release
from zhongshu.core.problems import Fault
from zhongshu.core.records import Attempt
from zhongshu.core.turns import Sampling
from zhongshu.upstreams.dispatch import hedging, trying
from zhongshu.upstreams.dispatch.board import ModelRules
from zhongshu.upstreams.dispatch.choosing import Candidate
from zhongshu.upstreams.dispatch.settings import DispatchSettings

ALONE = DispatchSettings(balance="weighted", backoff_s=0)
BOTH = ((offer("a", weight=1e6), offer("b", weight=1e-6)),)


def hedged(desk, *actors, after_s=0.01):
    return desk(*actors, rules=ALONE, models={"m": ModelRules(hedge_s=after_s)})


@pytest.mark.parametrize("stream", [False, True])
async def test_the_rival_wins_and_the_slow_one_is_cancelled(desk, stream):
    a, b = Actor("a", ([], 60) if stream else 60), Actor("b")
    d = hedged(desk, a, b)
    asking = d.asking(*BOTH, stream=stream)
    await (d.dispatcher.stream if stream else d.dispatcher.complete)(asking)
    d.dispatcher.ended(asking, None)
    assert codes(asking) == [("b", "", "hedge"), ("a", "outrun", "")]
    assert (a.cancelled, asking.offer.release.upstream) == (1, "b")
    assert d.replica("a").breaker.failed == 0, "slow is not broken"


async def test_what_the_loser_may_have_cost_is_stated(desk):
    def priced(upstream, weight):
        release = Release(model="m", version="1", upstream=upstream, upstream_model="m", weight=weight)
        return Offer(release, ModelCard(name="m", price=Price(input=2.0, output=8.0)))

    d = hedged(desk, Actor("a", 60), Actor("b"))
    asking = d.asking((priced("a", 1e6), priced("b", 1e-6)), text="word " * 400)
    await d.complete(asking)
    assert [attempt.cost_nano for attempt in asking.attempts] == [0, 500 * 2000]


@pytest.mark.parametrize(
    ("stream", "most", "tokens"),
    [(False, None, 250), (False, 100, 100), (True, None, 0)],
)
def test_a_loser_has_made_as_much_as_its_pace_says(desk, stream, most, tokens):
    d = desk(Actor("a"))
    replica = d.replica("a")
    asking = d.asking(stream=stream, sampling=Sampling(max_tokens=most))
    assert trying._begun_tokens(asking, replica, 1_000_000) == 0, "nothing is known of its pace yet"
    replica.token_us = 4000
    assert trying._begun_tokens(asking, replica, 1_000_000) == tokens


async def test_two_answers_in_the_same_moment_are_both_paid_and_one_is_outrun(desk):
    def priced(upstream, weight):
        release = Release(model="m", version="1", upstream=upstream, upstream_model="m", weight=weight)
        return Offer(release, ModelCard(name="m", price=Price(input=2.0, output=8.0)))

    d = desk(Actor("a"), Actor("b"))
    asking = d.asking((priced("a", 1), priced("b", 1)))
    seats = [hedging.Seat(Candidate(one, d.replica(one.release.upstream))) for one in asking.tiers[0]]
    both = asyncio.Event()

    async def run(seat, why):
        if why != "hedge":
            await both.wait()
        both.set()
        asking.attempts.append(Attempt(seat.candidate.offer.release.upstream, "m", 200, "", 5, why))
        seat.candidate.replica.leave(seat.trial)
        return Answer((Choice(0, "hi"),), Usage(1000, 100))

    await hedging.race(seats[0], "", 0, lambda: seats[1], run, asking)
    cost_nano = 1000 * 2000 + 100 * 8000
    assert sorted((a.error, a.cost_nano) for a in asking.attempts) == [("", 0), ("outrun", cost_nano)]


class Behind(Actor):
    """Answers a moment after its rival was asked, however late that is."""

    def __init__(self, name, rival):
        super().__init__(name, 1.0)
        self.rival = rival

    async def pause(self, seconds):
        while not self.rival.calls:
            await asyncio.sleep(0.001)
        for _ in range(50):
            await asyncio.sleep(0)


async def test_who_is_quick_has_no_rival(desk):
    b = Actor("b")
    d = hedged(desk, Actor("a"), b, after_s=30)
    assert await d.complete(d.asking(*BOTH)) == "a"
    assert not b.calls


async def test_the_first_may_still_win(desk):
    b = Actor("b", 60)
    d = hedged(desk, Behind("a", b), b)
    asking = d.asking(*BOTH)
    assert await d.complete(asking) == "a"
    assert codes(asking) == [("a", "", ""), ("b", "outrun", "hedge")]
    assert (b.cancelled, asking.offer.release.upstream) == (1, "a")


async def test_a_rival_that_fails_leaves_the_first_at_work(desk):
    b = Actor("b", error("b"))
    d = hedged(desk, Behind("a", b), b)
    asking = d.asking(*BOTH)
    assert await d.complete(asking) == "a"
    assert codes(asking) == [("b", "upstream_error", "hedge"), ("a", "", "")]


async def test_when_both_fail_it_goes_on_as_ever(desk):
    a, b, c = Actor("a", ([], 0.03, error("a"))), Actor("b", error("b")), Actor("c", SAYS)
    d = hedged(desk, a, b, c)
    asking = d.asking(*BOTH, (offer("c", "n"),), stream=True)
    stream = await d.dispatcher.stream(asking)
    assert [batch async for batch in stream.batches()]
    d.dispatcher.ended(asking, None)
    assert codes(asking)[-1] == ("c", "", "fallback")


async def test_who_leaves_cancels_both(desk):
    a, b = Actor("a", 60), Actor("b", 60)
    d = hedged(desk, a, b)
    task = asyncio.create_task(d.dispatcher.complete(d.asking(*BOTH)))
    while not b.calls:
        await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (a.cancelled, b.cancelled) == (1, 1)


async def test_who_leaves_before_anything_began_leaves_no_place_taken(desk):
    d = hedged(desk, Actor("a", 60), Actor("b"))
    task = asyncio.create_task(d.dispatcher.complete(d.asking(*BOTH)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_rival_is_never_one_that_rests(desk):
    a, b = Actor("a", 0.05), Actor("b")
    d = hedged(desk, a, b)
    d.replica("b").breaker.force("open")
    assert await d.complete(d.asking(*BOTH)) == "a"
    assert not b.calls


def test_the_delay_by_what_was_seen(desk):
    replica = desk(Actor("a")).replica("a")
    for took_us in range(1, hedging.ENOUGH):
        hedging.seen(replica, took_us * 1000)
    assert hedging.after_s(replica, 0.0) is None, "too few to tell"
    for took_us in range(hedging.ENOUGH, 201):
        hedging.seen(replica, took_us * 1000)
    assert hedging.after_s(replica, 0.0) == pytest.approx(0.196), "of the last hundred, 101 to 200 ms"
    assert hedging.after_s(replica, 3.0) == 3.0


async def test_without_the_option_nobody_is_hedged(desk):
    b = Actor("b")
    d = desk(Actor("a", 0.05), b, rules=ALONE)
    await d.complete(d.asking(*BOTH))
    assert not b.calls
    with pytest.raises(Fault):
        await d.complete(d.asking((offer("nowhere"),)))
