"""SIGTERM under load: readiness turns first, streams go on, new turns are refused by name, nobody is left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.faults.asking import ask, begin, chat
from tests.faults.conftest import ENGINE, LEDGER, port_of, settings_over
from tests.faults.judging import lost, processes_of, turns, verified
from tests.faults.load import SCRIPTED, load
from tests.holding import HELD, Holding
from tests.running import SMOL, environment, over, platform
from tests.waiting import eventually, until
from zhongshu.upstreams.scripted.script import Behaviour
from zhongshu.upstreams.scripted.serve import serving

LONG = chat("mock", stream=True, mock={"text": "word " * 60, "each_s": 0.05})
PATIENT = "[server]\ndrain_s = 120.0\n"  # nothing is cut because a machine is slow


@pytest.fixture
def holding():
    with serving(Holding()) as upstream:
        yield upstream


async def ready_of(port: int) -> int:
    """What a load balancer sees."""
    return (await ask(port, b"", path="/readyz", method="GET")).status


@pytest.mark.engine
async def test_a_drain(holding, smol, tmp_path):
    settings = over(holding.port, {"mock": "mock", HELD: HELD}, PATIENT + LEDGER + ENGINE, "tiny")
    with platform(tmp_path, settings) as running:
        port, home = port_of(running), running.home
        assert await ready_of(port) == 200
        streams = [await begin(port, chat(HELD, stream=True)) for _ in range(8)]
        local = await begin(port, chat(SMOL, "Count from one to a hundred.", max_tokens=60, stream=True))
        plain = asyncio.create_task(ask(port, chat(HELD)))
        await eventually(lambda: holding.app.stats.in_flight == 9)
        running.process.send_signal(signal.SIGTERM)
        since = time.monotonic()
        told, slowest = [], 0.0
        while not told or told[-1][1] != "draining":
            began = time.monotonic()
            assert began < since + 60, told
            before = await ready_of(port)
            late = await ask(port, chat("mock"))
            told.append((before, late.code, await ready_of(port)))
            slowest = max(slowest, time.monotonic() - began)
        assert {code for _, code, _ in told} <= {"", "draining"}
        assert told[-1][2] == 503, "readiness turns before anything else does"
        gentle = any((before, code) == (503, "") for before, code, _ in told)
        assert gentle or slowest > 0.4, "who has not noticed yet is still answered"
        holding.app.let_go()
        replies = [await asking.rest() for asking in (*streams, local)] + [await plain]
        assert all(reply.acknowledged for reply in replies), "no stream is cut within the grace period"
        assert {reply.text for reply in replies[:8]} == {Behaviour().text}
        assert await asyncio.to_thread(running.process.wait, 60) == 0
        assert not processes_of(home)
        assert not lost(home, [reply.trace for reply in replies])
        verified(running)
        assert "Traceback" not in running.log.read_text()


async def test_a_stream_longer_than_the_grace_period_is_cut_and_recorded(holding, tmp_path):
    settings = over(holding.port, {HELD: HELD}, "[server]\ndrain_s = 1.5\n" + LEDGER)
    with platform(tmp_path, settings) as running:
        endless = await begin(port_of(running), chat(HELD, stream=True))
        waiting = asyncio.create_task(ask(port_of(running), chat(HELD)))
        await eventually(lambda: holding.app.stats.in_flight == 2)
        running.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(running.process.wait, 60) == 0
        assert not processes_of(running.home)
        reply = await endless.rest()
        assert (reply.code, reply.done, reply.acknowledged) == ("draining", True, False)
        said = (await waiting).json["error"]["code"]
        assert said == "draining"
        assert [(row.outcome, row.error) for row in turns(running.home)] == [("cut", "draining")] * 2
        assert reply.trace in {row.trace for row in turns(running.home)}


@pytest.mark.engine
async def test_ctrl_c_reaches_everyone_and_cuts_nothing(scripted, smol, tmp_path):
    with platform(tmp_path, settings_over(scripted, server=PATIENT)) as running:
        asking = await begin(port_of(running), LONG)
        local = await begin(port_of(running), chat(SMOL, "Count from one to a hundred.", max_tokens=60, stream=True))
        for pid in processes_of(running.home):
            os.kill(pid, signal.SIGINT)
        assert (await asking.rest()).acknowledged
        assert (await local.rest()).acknowledged
        assert await asyncio.to_thread(running.process.wait, 60) == 0


async def test_a_stop_under_load_loses_nothing(scripted, tmp_path):
    with platform(tmp_path, settings_over(scripted, server="[server]\nworkers = 2\n", profile="none")) as running:
        async with load(lambda: port_of(running), SCRIPTED) as seen:
            await eventually(lambda: len(seen.acknowledged) > 20)
            running.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(running.process.wait, 60) == 0
        assert not seen.wrong
        assert set(seen.codes) <= {"draining"}
        assert not lost(running.home, seen.acknowledged)
        assert not processes_of(running.home)


def test_told_to_stop_while_starting(scripted, tmp_path):
    """SIGTERM at any moment of the start ends it, leaving nobody."""
    file = tmp_path / "zhongshu.toml"
    file.write_text(settings_over(scripted, profile="none"))
    for wait_s in (0.2, 0.7, 1.2):
        home = tmp_path / f"home-{wait_s}"
        process = subprocess.Popen(
            [sys.executable, "-m", "zhongshu.cli", "up", "--json", "--port", "0"],
            env=environment(home, file), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(wait_s)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) in (0, -signal.SIGTERM)
        until(lambda home=home: not processes_of(home))
