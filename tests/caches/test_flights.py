"""The same question asked by many at once is asked once; nobody is worse off for having waited."""

import asyncio

import pytest

from tests.caches.conftest import Cached
from zhongshu.caches.flights import Flights
from zhongshu.core.problems import Fault, fault
from zhongshu.core.turns import Sampling, Wishes


class Counted(Flights):
    """Counts who comes."""

    def __init__(self):
        super().__init__()
        self.came = 0

    async def join(self, key, rank):
        self.came += 1
        return await super().join(key, rank)


class Held:
    """A pipeline with a cache, over a model that answers when it is let."""

    def __init__(self, cache, **of_model):
        self.way = Cached(cache, **of_model)
        self.flights = cache.flights = Counted()
        self.gates = []
        self.model = self.way.model
        complete = self.model.complete

        async def held(call):
            gate = asyncio.get_running_loop().create_future()
            self.gates.append(gate)
            await gate
            return await complete(call)

        self.model.complete = held

    def ask(self, *args, **how):
        return asyncio.create_task(self.way.ask(*args, **how))

    async def until(self, *, came, asked):
        """Until so many have come to the flights and so many have reached the model; then what can move has moved."""
        async with asyncio.timeout(60):
            while self.flights.came < came or len(self.gates) < asked:
                await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(self.gates) == asked

    def let(self, number):
        self.gates[number].set_result(None)

    @property
    def kinds(self):
        return sorted((record.outcome, record.cache) for record in self.way.journal.records)


async def test_ten_at_once_are_one_question(caches):
    held = Held(caches())
    asked = [held.ask() for _ in range(10)]
    await held.until(came=10, asked=1)
    held.let(0)
    await asyncio.gather(*asked)
    assert held.kinds == [("answered", "")] + [("answered", "exact")] * 9
    paid = [record for record in held.way.journal.records if not record.cache]
    spared = [record for record in held.way.journal.records if record.cache]
    assert {record.saved_nano for record in spared} == {paid[0].cost_nano}
    assert {record.answer for record in spared} == {paid[0].answer}
    assert sum(permit.released for permit in held.way.gate.permits) == 9
    assert not held.flights


@pytest.mark.parametrize(
    "other",
    [
        {"tenant": "other"},
        {"text": "something else"},
        {"sampling": Sampling(temperature=0.0, max_tokens=5)},
        {"wishes": Wishes(cache="no-store")},
        {"wishes": Wishes(cache="refresh")},
        {"headers": {b"cache-control": b"no-cache"}},
    ],
    ids=["tenant", "question", "parameters", "no-store", "refresh", "no-cache"],
)
async def test_others_do_not_wait(caches, other):
    held = Held(caches())
    first = held.ask()
    await held.until(came=1, asked=1)
    second = held.ask(**{"text": "hello there", **other})
    await held.until(came=1, asked=2)
    held.let(0), held.let(1)
    await asyncio.gather(first, second)
    assert held.kinds == [("answered", "")] * 2


async def test_who_asked_goes_away_and_one_of_those_who_wait_asks_in_its_place(caches):
    held = Held(caches())
    first = held.ask()
    await held.until(came=1, asked=1)
    others = [held.ask() for _ in range(3)]
    await held.until(came=4, asked=1)
    first.cancel()
    await held.until(came=4, asked=2)
    held.let(1)
    await asyncio.gather(*others)
    assert held.kinds == [("answered", ""), ("answered", "exact"), ("answered", "exact"), ("left", "")]


async def test_one_who_waits_may_go_away(caches):
    held = Held(caches())
    first = held.ask()
    await held.until(came=1, asked=1)
    second, third = held.ask(), held.ask()
    await held.until(came=3, asked=1)
    second.cancel()
    await asyncio.wait([second])
    held.let(0)
    await asyncio.gather(first, third)
    assert held.kinds == [("answered", ""), ("answered", "exact"), ("left", "")]


async def test_where_asking_fails_each_asks_for_itself(caches):
    held = Held(caches(), fails=fault("upstream_refused", upstream="fake", why="no", upstream_status=400))
    asked = [held.ask() for _ in range(3)]
    await held.until(came=3, asked=1)
    held.let(0)
    await held.until(came=3, asked=3)
    held.model.fails = None
    held.let(1), held.let(2)
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(one, Fault) for one in done] == [True, False, False]
    assert held.kinds == [("answered", ""), ("answered", ""), ("failed", "")]
    assert not held.flights


async def test_an_answer_that_is_not_kept_is_nobody_elses(caches):
    held = Held(caches(entry_bytes=10))
    asked = [held.ask(), held.ask()]
    await held.until(came=2, asked=1)
    held.let(0)
    await held.until(came=2, asked=2)
    held.let(1)
    await asyncio.gather(*asked)
    assert held.kinds == [("answered", "")] * 2


async def test_who_is_served_sooner_does_not_wait_for_who_is_served_later(caches):
    held = Held(caches())
    low = held.ask(wishes=Wishes(priority="low"))
    await held.until(came=1, asked=1)
    high, also_low = held.ask(wishes=Wishes(priority="high")), held.ask(wishes=Wishes(priority="low"))
    await held.until(came=3, asked=2)
    held.let(0), held.let(1)
    await asyncio.gather(low, high, also_low)
    assert held.kinds == [("answered", ""), ("answered", ""), ("answered", "exact")]


async def test_a_stream_neither_waits_nor_is_waited_for(caches):
    held = Held(caches())
    first = held.ask()
    await held.until(came=1, asked=1)
    assert (await held.way.ask(stream=True)).cache == ""
    held.let(0)
    await first
    assert held.flights.came == 1


async def test_misses_are_counted(caches):
    cache = caches()
    way = Cached(cache)
    for text in ("a question", "another", "a question"):
        await way.ask(text)
    await way.ask("a question", wishes=Wishes(cache="no-store"))
    assert cache.missed == {"m@1": 2}
