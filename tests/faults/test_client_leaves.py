"""A client that goes away in mid-answer: the upstream is let go at once, and what was used is settled and recorded."""

import asyncio
import time

import pytest

from tests.faults.asking import Asking, ask, begin, chat, request
from tests.faults.conftest import port_of
from tests.faults.judging import quiet, turns
from tests.faults.keys import new_key, spent_nano
from tests.running import SMOL
from tests.waiting import eventually

ENDLESS = {"text": "word " * 20_000, "each_s": 0.01}


async def recorded(home, trace: str):
    """The turn of this trace, as soon as it is there."""
    return (await eventually(lambda: turns(home, trace=trace)))[0]


@pytest.mark.parametrize("reset", [False, True])
async def test_leaving_a_stream(pair, scripted, reset):
    await quiet(scripted)
    key, stats = new_key(pair, budget="5", budget_period="total", concurrency=4), scripted.app.stats
    before = stats.left
    body = chat("mock", stream=True, max_tokens=50_000, mock=ENDLESS)
    streams = [await begin(port_of(pair), body, events=5, key=key.secret) for _ in range(4)]
    for asking in streams:
        asking.leave(reset=reset)
    await eventually(lambda: stats.left >= before + 4, "the upstream is not let go")
    drawn = stats.tokens_sent
    await asyncio.sleep(0.5)
    assert stats.tokens_sent == drawn, "nothing more is drawn"
    rows = [await recorded(pair.home, asking.reply.trace) for asking in streams]
    assert {row.outcome for row in rows} == {"left"}
    assert all(5 <= row.completion_tokens < 5_000 and row.estimated for row in rows)
    assert all(row.cost_nano > 0 for row in rows)
    cost = sum(row.cost_nano for row in rows)
    await eventually(lambda: spent_nano(pair, key) == cost, "what was used is settled")
    replies = await asyncio.gather(*(ask(port_of(pair), chat("mock"), key=key.secret) for _ in range(4)))
    assert all(reply.acknowledged for reply in replies), "their seats and reservations are free"


async def test_leaving_before_the_first_byte(pair, scripted):
    await quiet(scripted)
    before, stats = scripted.app.stats.left, scripted.app.stats
    user = f"left-{time.time_ns()}"
    for stream in (False, True):
        asking = await Asking(port_of(pair)).open(request(chat("mock-hang", stream=stream, user=user)))
        await eventually(lambda: stats.in_flight)
        asking.leave()
        await quiet(scripted)
    await eventually(lambda: len(turns(pair.home, user=user)) == 2 and stats.left == before + 2)
    rows = turns(pair.home, user=user)
    assert {(row.outcome, row.cost_nano) for row in rows} == {("left", 0)}


@pytest.mark.engine
async def test_leaving_a_local_model(house):
    """The slot is free at once: the next turn does not wait for an answer that nobody reads."""
    body = chat(SMOL, "Write a very long story.", stream=True, max_tokens=400)
    streams = await asyncio.gather(*(begin(port_of(house), body, events=3) for _ in range(4)))
    for asking in streams:
        asking.leave()
    reply = await ask(port_of(house), chat(SMOL, max_tokens=2))
    assert reply.acknowledged
    for asking in streams:
        row = await recorded(house.home, asking.reply.trace)
        assert (row.outcome, row.completion_tokens < 400) == ("left", True)

    async def busy() -> list[int]:
        status, _, engine = await asyncio.to_thread(house.ask, "/admin/v1/engine")
        assert status == 200
        return [model["slots_busy"] for model in engine["models"] if model["model"] == SMOL]

    async def idle() -> bool:
        return await busy() == [0]

    await eventually(idle)
