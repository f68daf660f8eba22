"""kill -9 of every process at random moments under load: no acknowledged turn is lost, and the chain verifies.

ZHONGSHU_KILL_ROUNDS sets how many processes are killed. Each kind has a killer of its own: it waits until its victim
works (one time in ten it does not), then a random moment longer, and kills it; so all kinds also die within one
another's restarts.
"""

import asyncio
import os
import random
import signal
import time

import pytest

from tests.faults.asking import begin, chat
from tests.faults.conftest import SERVER, port_of, settings_over
from tests.faults.judging import lost, processes_of, turns, verified
from tests.faults.load import LOCAL, LOCAL_STREAM, SCRIPTED, load
from tests.running import free_port, platform
from tests.waiting import eventually

ROUNDS = int(os.environ.get("ZHONGSHU_KILL_ROUNDS", "200"))
SEED = 20260101
WORKER, KEEPER, ENGINE = "zhongshu.app.worker", "zhongshu.ledger.keeper", "zhongshu.engine.process"


class Killing:
    """Kills until there were enough, and some of each kind."""

    def __init__(self, running, rounds: int) -> None:
        self.running = running
        self.rounds = rounds
        self.least = rounds // 20 + 1
        self.killed = {WORKER: 0, KEEPER: 0, ENGINE: 0}
        self.dice = random.Random(SEED)

    def enough(self, name: str) -> bool:
        """Whether this kind was killed enough: however slowly it starts, it has its share."""
        return sum(self.killed.values()) >= self.rounds and self.killed[name] >= self.least

    async def all(self) -> None:
        """Until as many as asked for have been killed."""
        await asyncio.gather(*(self.one(name) for name in self.killed))

    async def one(self, name: str) -> None:
        """The killer of one kind."""
        last: set[int] = set()
        while not self.enough(name):
            victims = set(self.running.children().get(name, ())) - last
            if not victims or not (self.works(victims) or self.dice.random() < 0.1 / 20):
                await asyncio.sleep(0.05)
                continue
            await asyncio.sleep(self.dice.random() * 1.2)
            if not self.enough(name):
                last = {self.dice.choice(sorted(victims))}
                os.kill(*last, signal.SIGKILL)
                self.killed[name] += 1

    def works(self, pids: set[int]) -> bool:
        """Whether the log says that they are all ready."""
        log = self.running.log.read_bytes()
        return all(b"ready, pid %d\n" % pid in log for pid in pids)


@pytest.mark.engine
@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_nothing_acknowledged_is_lost_when_anything_is_killed(scripted, smol, tmp_path):
    with platform(tmp_path, settings_over(scripted, server=SERVER + "workers = 2\n")) as running:
        killing, since = Killing(running, ROUNDS), time.monotonic()
        async with load(lambda: port_of(running), (*SCRIPTED, LOCAL, LOCAL_STREAM)) as seen:
            await killing.all()
            running.wait_ready()
        print(
            f"{sum(killing.killed.values())} kills in {time.monotonic() - since:.0f} s {killing.killed}: "
            f"{len(seen.acknowledged)} acknowledged, {seen.broken} broken off, {dict(seen.codes)}"
        )
        assert not seen.wrong
        assert set(seen.codes) <= {"engine_crashed", "engine_unavailable"}
        assert not lost(running.home, seen.acknowledged)
        for trace in random.Random(SEED).sample(seen.acknowledged, 10):
            status, _, found = running.ask(f"/admin/v1/ledger/turns/{trace}")
            assert (status, found["trace"]) == (200, trace), found
        verified(running)


@pytest.mark.slow
async def test_the_supervisor_killed_under_load(scripted, tmp_path):
    """Its children end by themselves, once their turns have ended; the next start has the address and the books at
    once, beside those that still drain."""
    settings, acknowledged, port = settings_over(scripted, profile="none"), [], free_port()
    dice, held = random.Random(SEED), None
    long = chat("mock", stream=True, mock={"text": "word " * 50, "each_s": 0.04})
    for _ in range(4):
        with platform(tmp_path, settings, port=port) as running:
            assert held is None or (await held.rest()).acknowledged, "a stream that outlived its supervisor"
            async with load(lambda: port_of(running), SCRIPTED) as seen:
                await asyncio.sleep(0.1 + dice.random() * 0.5)
                held = await begin(port, long)
                running.process.kill()
                running.process.wait()
            acknowledged += [*seen.acknowledged, held.reply.trace]
            assert not seen.wrong
            assert set(seen.codes) <= {"draining"}
    assert (await held.rest()).acknowledged
    await eventually(lambda: not processes_of(running.home))
    with platform(tmp_path, settings, port=port) as running:
        assert not lost(running.home, acknowledged)
        assert len(turns(running.home)) >= len(acknowledged) > 0
        verified(running)
