"""When a worker looks for cycles among all its objects."""

import asyncio
import contextlib

import pytest

from tests.waiting import eventually
from zhongshu.api.endpoint import Load
from zhongshu.app import worker


@pytest.fixture
async def sweeping(monkeypatch):
    """A load, the in-flight turns at each collection, and how often the time for one came."""
    load, collected, came = Load(), [], []
    sleep = asyncio.sleep

    async def short(seconds):
        if seconds == worker._SWEEP_S:
            came.append(1)
        await sleep(0)

    monkeypatch.setattr(worker.asyncio, "sleep", short)
    monkeypatch.setattr(worker.gc, "collect", lambda: collected.append(load.in_flight))
    task = asyncio.create_task(worker._sweep(load))
    yield load, collected, came
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_quiet_worker_collects_each_time(sweeping):
    load, collected, came = sweeping
    load.in_flight = worker._MANY
    await eventually(lambda: len(came) > 20)
    assert len(collected) == len(came) - 1


async def test_a_busy_one_puts_it_off_but_not_for_ever(sweeping):
    load, collected, came = sweeping
    load.in_flight = worker._MANY + 1
    times, put_off = len(came), worker._PUT_OFF_AT_MOST
    await eventually(lambda: len(came) > times + 5 * (put_off + 1))
    busy = collected.count(load.in_flight)
    assert abs(busy - (len(came) - times) / (put_off + 1)) <= 1
    load.in_flight = 0
    before = len(collected)
    await eventually(lambda: collected[before:] == [0] * (len(collected) - before) and len(collected) > before)
