"""Connections over two real workers: each has its part, and none waits for a worker that is stopped or dead."""

import asyncio
import contextlib
import os
import re
import signal
from pathlib import Path

from tests.faults.asking import ask, chat
from tests.faults.conftest import port_of
from tests.faults.test_worker_killed import WORKER, _all_ready, eventually
from zhongshu.app.http.counts import OpenCounts, counts_file

MANY = 64


def connections_of(pid: int, port: int) -> int:
    """How many connections to this port the process holds, as the system tells."""
    established = {
        fields[9]
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]
        if (fields := line.split())[3] == "01" and int(fields[1].split(":")[1], 16) == port
    }
    held = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry))
            held += found is not None and found[1] in established
    return held


def each(running) -> list[int]:
    return [connections_of(pid, port_of(running)) for pid in sorted(running.children()[WORKER])]


@contextlib.asynccontextmanager
async def connections(running, number: int):
    """So many, opened at once and kept."""
    opened = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port_of(running)) for _ in range(number)))
    try:
        yield
    finally:
        for _, writer in opened:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in opened), return_exceptions=True)


def _restarted(running, dead: int) -> bool:
    return dead not in running.children().get(WORKER, ()) and _all_ready(running)


async def nobody_connected(running) -> None:
    await eventually(lambda: _all_ready(running) and not any(each(running)))


async def test_each_worker_has_its_part(pair):
    """A worker that this machine keeps from running for some milliseconds gets fewer: so several tries."""
    seen = []
    while len(seen) < 10 and not (seen and abs(seen[-1][0] - seen[-1][1]) <= MANY // 8):
        await nobody_connected(pair)
        async with connections(pair, MANY):
            await eventually(lambda: sum(each(pair)) == MANY)
            seen.append(each(pair))
    assert abs(seen[-1][0] - seen[-1][1]) <= MANY // 8, seen


async def test_what_workers_tell_is_what_they_have(pair):
    await nobody_connected(pair)
    told = OpenCounts(counts_file(pair.home), -1)
    async with connections(pair, MANY):
        await eventually(lambda: sum(told.others()) == MANY)
        assert sorted(told.others()) == sorted(each(pair))
    await eventually(lambda: told.others() == [0, 0])


async def test_a_stopped_worker_keeps_nobody_waiting(pair):
    await nobody_connected(pair)
    stopped, works = sorted(pair.children()[WORKER])
    os.kill(stopped, signal.SIGSTOP)
    try:
        async with connections(pair, MANY):
            await eventually(lambda: connections_of(works, port_of(pair)) == MANY)
            assert (await ask(port_of(pair), chat("mock"))).acknowledged
    finally:
        os.kill(stopped, signal.SIGCONT)


async def test_a_dead_worker_has_no_place_and_the_next_one_has(pair):
    await nobody_connected(pair)
    told = OpenCounts(counts_file(pair.home), -1)
    dead = min(pair.children()[WORKER])
    async with connections(pair, MANY):
        await eventually(lambda: sum(told.others()) == MANY)
        os.kill(dead, signal.SIGKILL)
        await eventually(lambda: len(told.others()) == 1 or _restarted(pair, dead))
    await eventually(lambda: _restarted(pair, dead))
    await eventually(lambda: told.others() == [0, 0])
    assert (await ask(port_of(pair), chat("mock"))).acknowledged
