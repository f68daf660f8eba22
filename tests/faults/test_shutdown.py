"""SIGTERM under load: readiness turns first, streams go on, new turns are refused by name, nobody is left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.faults.asking import ask, begin, chat
from tests.faults.conftest import port_of, settings_over
from tests.faults.judging import lost, processes_of, turns, verified
from tests.faults.load import SCRIPTED, load
from tests.running import SMOL, environment, platform

LONG = chat("mock", stream=True, mock={"text": "word " * 60, "each_s": 0.05})


async def until(true, seconds: float = 20) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


@pytest.mark.engine
async def test_a_drain(scripted, smol, tmp_path):
    with platform(tmp_path, settings_over(scripted)) as running:
        port, home = port_of(running), running.home
        assert (await ask(port, b"", path="/readyz", method="GET")).status == 200
        streams = [await begin(port, LONG) for _ in range(8)]
        local = await begin(port, chat(SMOL, "Count from one to a hundred.", max_tokens=60, stream=True))
        plain = asyncio.create_task(ask(port, chat("mock", mock={"first_s": 1.5})))
        await asyncio.sleep(0.1)
        running.process.send_signal(signal.SIGTERM)
        codes: list[tuple[int, str]] = []
        while len(codes) < 20 and "draining" not in (code for _, code in codes):
            ready = await ask(port, b"", path="/readyz", method="GET")
            late = await ask(port, chat("mock"))
            codes.append((ready.status, late.code))
            await asyncio.sleep(0.1)
        assert codes[0][0] == 503 or codes[1][0] == 503, "readiness turns before anything else does"
        assert codes[0][1] == "", "who has not noticed yet is still answered"
        assert codes[-1] == (503, "draining"), codes
        replies = [await asking.rest() for asking in (*streams, local)] + [await plain]
        assert all(reply.acknowledged for reply in replies), "no stream is cut within the grace period"
        assert all(reply.text.startswith("word word") for reply in replies[:8])
        assert await asyncio.to_thread(running.process.wait, 20) == 0
        assert not processes_of(home)
        assert not lost(home, [reply.trace for reply in replies])
        verified(running)
        assert "Traceback" not in running.log.read_text()


async def test_a_stream_longer_than_the_grace_period_is_cut_and_recorded(scripted, tmp_path):
    settings = settings_over(scripted, server="[server]\ndrain_s = 1.5\n", profile="none")
    with platform(tmp_path, settings) as running:
        endless = await begin(port_of(running), chat("mock-hang-mid", stream=True))
        waiting = asyncio.create_task(ask(port_of(running), chat("mock-hang")))
        await asyncio.sleep(0.1)
        running.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(running.process.wait, 15) == 0
        assert not processes_of(running.home)
        reply = await endless.rest()
        assert (reply.code, reply.done, reply.acknowledged) == ("draining", True, False)
        said = (await waiting).json["error"]["code"]
        assert said == "draining"
        assert [(row.outcome, row.error) for row in turns(running.home)] == [("cut", "draining")] * 2
        assert reply.trace in {row.trace for row in turns(running.home)}


@pytest.mark.engine
async def test_ctrl_c_reaches_everyone_and_cuts_nothing(scripted, smol, tmp_path):
    with platform(tmp_path, settings_over(scripted)) as running:
        asking = await begin(port_of(running), LONG)
        local = await begin(port_of(running), chat(SMOL, "Count from one to a hundred.", max_tokens=60, stream=True))
        for pid in processes_of(running.home):
            os.kill(pid, signal.SIGINT)
        assert (await asking.rest()).acknowledged
        assert (await local.rest()).acknowledged
        assert await asyncio.to_thread(running.process.wait, 20) == 0


async def test_a_stop_under_load_loses_nothing(scripted, tmp_path):
    with platform(tmp_path, settings_over(scripted, server="[server]\nworkers = 2\n", profile="none")) as running:
        async with load(lambda: port_of(running), SCRIPTED) as seen:
            await until(lambda: len(seen.acknowledged) > 20)
            running.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(running.process.wait, 20) == 0
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
        assert process.wait(20) in (0, -signal.SIGTERM)
        asyncio.run(until(lambda home=home: not processes_of(home)))
