"""Settings exchanged under load: no turn is dropped, and a file with mistakes changes nothing and says why."""

import asyncio
import signal

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
    """The same by HTTP."""
    status, _, _ = await asyncio.to_thread(pair.ask, "/admin/v1/reload", method="POST")
    assert status in (200, 202, 204)
    assert (await ask(port_of(pair), chat("mock"))).acknowledged
