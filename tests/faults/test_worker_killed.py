"""A worker that dies: others serve, its money is accounted for by the journal, its seats are free, nobody is lied to."""

import asyncio
import os
import random
import signal

import pytest

from tests.faults.asking import ask, begin, chat
from tests.faults.conftest import port_of
from tests.faults.judging import lost, turns
from tests.faults.keys import new_key, spent_nano
from tests.faults.load import load
from tests.waiting import eventually

WORKER = "zhongshu.app.worker"
PAID = chat("mock", max_tokens=20)
PAID_STREAM = chat("mock", max_tokens=20, stream=True, mock={"each_s": 0.005})
MOST_NANO = 1_000_000  # of one such turn, generously


def one_worker(running) -> int:
    return random.choice(running.children()[WORKER])


async def kill_one(running) -> None:
    """Kill a worker that works, and wait until both work again."""
    await eventually(lambda: len(running.children().get(WORKER, ())) == 2)
    pid = one_worker(running)
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: pid not in running.children().get(WORKER, ()))
    await eventually(lambda: _all_ready(running))


def _all_ready(running) -> bool:
    pids = running.children().get(WORKER, ())
    return len(pids) == 2 and all(b"ready, pid %d\n" % pid in running.log.read_bytes() for pid in pids)


async def test_others_serve_while_one_is_dead(pair):
    await eventually(lambda: _all_ready(pair))
    os.kill(one_worker(pair), signal.SIGKILL)
    replies = await asyncio.gather(*(ask(port_of(pair), chat("mock")) for _ in range(20)))
    whole = [reply for reply in replies if reply.whole]
    assert all(reply.acknowledged for reply in whole)
    assert len(whole) >= 10
    await eventually(lambda: _all_ready(pair))


async def test_money_is_what_the_journal_says(pair):
    key, clients, kills = new_key(pair, budget="50", budget_period="total"), 8, 3
    async with load(lambda: port_of(pair), (PAID, PAID_STREAM) * (clients // 2), key=key.secret) as seen:
        for _ in range(kills):
            await asyncio.sleep(0.3)
            await kill_one(pair)
        await asyncio.sleep(0.3)
    assert not seen.wrong
    assert not seen.codes
    assert not lost(pair.home, seen.acknowledged)
    journal = sum(row.cost_nano for row in turns(pair.home, key=key.id))
    assert journal >= len(seen.acknowledged) * MOST_NANO // 20
    await eventually(lambda: spent_nano(pair, key) >= journal)
    # A turn that a worker had paid for when it was killed, but not yet written down, may be charged and not recorded.
    assert spent_nano(pair, key) <= journal + kills * clients * MOST_NANO


async def test_seats_of_a_dead_worker_are_free(pair):
    key = new_key(pair, concurrency=3)
    hanging = chat("mock-hang-mid", stream=True)
    held = await asyncio.gather(*(begin(port_of(pair), hanging, key=key.secret) for _ in range(3)))
    full = await ask(port_of(pair), chat("mock"), key=key.secret)
    assert (full.status, full.code) == (429, "concurrency_exceeded")
    for pid in pair.children()[WORKER]:
        os.kill(pid, signal.SIGKILL)
    for asking in held:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await asking.rest()
        assert not asking.reply.acknowledged, "a reset, never a wrong answer"
    await eventually(lambda: _all_ready(pair))

    async def seated() -> bool:
        replies = await asyncio.gather(*(ask(port_of(pair), chat("mock"), key=key.secret) for _ in range(3)))
        return all(reply.acknowledged for reply in replies)

    await eventually(seated)
