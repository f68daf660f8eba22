"""Which replica: each strategy's promise, over many turns."""

from collections import Counter

import pytest

from tests.upstreams.dispatch.conftest import Actor, offer
from zhongshu.core.turns import Message
from zhongshu.upstreams.dispatch.settings import DispatchSettings


def by(balance, **more):
    return DispatchSettings(balance=balance, backoff_s=0, **more)


async def spread(d, turns, *tiers, **fields):
    return Counter([await d.complete(d.asking(*tiers, **fields)) for _ in range(turns)])


async def test_a_conversation_stays_where_it_is_cached(desk):
    d = desk(Actor("a"), Actor("b"), Actor("c"), rules=by("conversation"))
    began = (Message("system", "be brief"), Message("user", "hello"))
    longer = (*began, Message("assistant", "hi"), Message("user", "and now?"))
    (first,) = await spread(d, 20, messages=began)
    assert list(await spread(d, 20, messages=longer)) == [first], "as it grows"
    places = {await d.complete(d.asking(text=f"question {number}")) for number in range(40)}
    assert places == {"a", "b", "c"}, "other conversations go elsewhere"
    asked = [await d.complete(d.asking(messages=began, tenant=f"tenant {number}")) for number in range(40)]
    assert set(asked) == {"a", "b", "c"}, "and so do other tenants'"


async def test_a_conversation_moves_alone_when_its_replica_is_gone(desk):
    d = desk(Actor("a"), Actor("b"), Actor("c"), rules=by("conversation"))
    before = {text: await d.complete(d.asking(text=text)) for text in map(str, range(60))}
    for replica in [d.replica("b")]:
        replica.breaker.force("open")
    after = {text: await d.complete(d.asking(text=text)) for text in before}
    assert all(after[text] == place for text, place in before.items() if place != "b"), "the others stay"
    assert {after[text] for text, place in before.items() if place == "b"} == {"a", "c"}


async def test_a_conversation_leaves_a_replica_that_is_clearly_busier(desk):
    d = desk(Actor("a"), Actor("b"), rules=by("conversation"))
    home = await d.complete(d.asking())
    busy = d.replica(home)
    busy.in_flight += 3
    assert await d.complete(d.asking()) == home, "a little busier is no reason"
    busy.in_flight += 10
    assert await d.complete(d.asking()) != home
    busy.in_flight -= 13


async def test_weights(desk):
    d = desk(Actor("a"), Actor("b"), rules=by("weighted"))
    tiers = ((offer("a", weight=3), offer("b", weight=1)),)
    shares = await spread(d, 2000, *tiers)
    assert 0.70 < shares["a"] / 2000 < 0.80
    d = desk(Actor("a"), Actor("b"), rules=by("conversation"))
    asked = Counter([await d.complete(d.asking(*tiers, text=str(number))) for number in range(2000)])
    assert 0.70 < asked["a"] / 2000 < 0.80, "conversations are shared out by weight too"


async def test_least_busy(desk):
    d = desk(Actor("a"), Actor("b"), rules=by("least-busy"))
    tiers = ((offer("a", weight=4), offer("b", weight=1)),)
    d.replica("a").in_flight += 2
    assert set(await spread(d, 20, *tiers)) == {"a"}, "3 of 4 is less than 1 of 1"
    d.replica("a").in_flight += 4
    assert set(await spread(d, 20, *tiers)) == {"b"}
    d.replica("a").in_flight -= 6


async def test_the_fastest_takes_most_and_a_new_one_is_tried(desk):
    d = desk(Actor("a"), Actor("b"), Actor("c"), rules=by("fastest"))
    names = "abc"
    for name, first_us in zip(names, (1_000, 50_000, 60_000), strict=True):
        d.replica(name).first_us = first_us
    shares = await spread(d, 600)
    assert shares["a"] > 350, "it wins whenever it is one of the two"
    assert shares["b"] > shares["c"] > -1
    d.replica("c").first_us = d.replica("c").token_us = 0
    assert (await spread(d, 300))["c"] > 20, "one nobody has timed counts as quick"


@pytest.mark.parametrize("balance", ["conversation", "weighted", "least-busy", "fastest"])
async def test_what_has_no_conversation_is_spread_as_well(desk, balance):
    d = desk(Actor("a"), Actor("b"), rules=by(balance))
    assert set(await spread(d, 60, messages=())) == {"a", "b"}
