"""Settings exchanged under load: no turn is dropped, and a file with mistakes changes nothing and says why."""

import asyncio
import json
import os
import signal
import subprocess
import sys

from tests.faults.asking import ask, begin, chat
from tests.faults.conftest import SERVER, port_of, settings_over
from tests.faults.judging import everywhere, lost
from tests.faults.keys import new_key
from tests.faults.load import SCRIPTED, load
from tests.running import platform
from tests.waiting import eventually


async def test_reloads_under_load(scripted, tmp_path):
    settings = settings_over(scripted, server=SERVER + "workers = 2\n", profile="none")
    with platform(tmp_path, settings) as running:
        port, log = port_of(running), running.log
        new = '\n[[models]]\nname = "new-{}"\nupstream = "scripted"\nupstream_model = "mock"\n'

        def reload(text: str) -> None:
            running.settings.write_text(text)
            running.process.send_signal(signal.SIGHUP)

        async def known(name: str) -> None:
            """Wait until both workers know it."""
            await everywhere(running, lambda: ask(port, chat(name)), lambda reply: reply.acknowledged)

        async with load(lambda: port, SCRIPTED) as seen:
            slow = await begin(port, chat("mock", stream=True, mock={"text": "word " * 200, "each_s": 0.02}))
            for number in range(5):
                settings += new.format(number)
                reload(settings)
                await known(f"new-{number}")

            for bad in (
                "profile = 7",
                settings + "\n[server]\nnonsense = 1\n",
                settings.replace("http://", "gopher://"),
            ):
                told = log.read_text().count("reload refused")
                reload(bad)
                await eventually(lambda told=told: log.read_text().count("reload refused") > told)
                await known("new-4")
            assert "profile" in log.read_text()
            assert (await slow.rest()).acknowledged, "a turn in flight keeps the settings it began with"

            key = await asyncio.to_thread(new_key, running)
            reload(settings + "\n[access]\nkey_requests_per_minute = 3\n")
            await eventually(lambda: _limited(port, key.secret))
        assert not seen.wrong
        assert set(seen.codes) <= {"rate_limit_exceeded"}, seen.codes
        assert not seen.broken
        assert not lost(running.home, seen.acknowledged)
        assert len(running.children()["zhongshu.app.worker"]) == 2
        assert "Traceback" not in log.read_text()


async def _limited(port: int, key: str) -> bool:
    return (await ask(port, chat("mock"), key=key)).code == "rate_limit_exceeded"


async def test_a_reload_by_an_administrator(pair):
    """The same by HTTP, which says what came of it."""
    status, _, told = await asyncio.to_thread(pair.ask, "/admin/v1/reload?wait_s=60", method="POST")
    assert (status, told["status"]) == (200, "taken")
    in_force = told["standing"]["generation"]
    assert in_force > 1
    assert [worker["refused"] for worker in told["standing"]["workers"]] == [[], []]
    _, _, now = await asyncio.to_thread(pair.ask, "/admin/v1/settings/workers")
    assert [worker["generation"] for worker in now["workers"]] == [in_force, in_force]
    assert (await ask(port_of(pair), chat("mock"))).acknowledged


async def test_settings_that_the_workers_cannot_use_are_not_in_force_for_anybody(scripted, tmp_path):
    """A variable that the command's user has and the running server has not: the command fails and names the field, every
    worker goes on with what it had, and one that dies is started again with that too."""
    settings = settings_over(scripted, server=SERVER + "workers = 2\n", profile="none")
    lacks = '[[upstreams]]\nname = "other"\nkind = "openai-compatible"\nbase_url = "http://127.0.0.1:9/v1"\nkey = "env:LACKING"\n'
    with platform(tmp_path, settings) as running:
        port = port_of(running)
        running.settings.write_text(settings + lacks)
        for _ in range(2):
            code, said = await asyncio.to_thread(told_to_reload, running)
            assert (code, "upstreams.other.key" in said, "LACKING" in said) == (2, True, True), said
            assert "worker-0, worker-1" in said
        status, _, told = await asyncio.to_thread(running.ask, "/admin/v1/reload?wait_s=60", method="POST")
        assert (status, told["error"]["code"]) == (409, "settings_refused")
        assert "upstreams.other.key" in told["error"]["message"]

        for pid in running.children()["zhongshu.app.worker"]:
            os.kill(pid, signal.SIGKILL)
        await eventually(lambda: asyncio.to_thread(both_run, running, 1))
        await everywhere(running, lambda: ask(port, chat("mock")), lambda reply: reply.acknowledged)

        running.settings.write_text(settings + lacks.replace("env:LACKING", "none"))
        code, said = await asyncio.to_thread(told_to_reload, running)
        assert code == 0, said
        assert both_run(running, json.loads(running.cli("config", "workers", "--json"))["generation"])
        assert "Traceback" not in running.log.read_text()


def told_to_reload(running):
    """The exit code of the command, run by somebody who has the variable, and what it said."""
    done = subprocess.run(
        [sys.executable, "-m", "zhongshu.cli", "config", "reload"], env=running.environ | {"LACKING": "x"},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def both_run(running, generation):
    """Whether both workers run the settings of this generation."""
    workers = json.loads(running.cli("config", "workers", "--json"))["workers"]
    return [worker["generation"] for worker in workers] == [generation, generation]
