"""No room for the journal: new turns are refused by name, nothing acknowledged is lost, and it mends itself."""

import asyncio
import contextlib
import os
import subprocess

import pytest

from tests.faults.asking import ask, chat
from tests.faults.conftest import port_of, settings_over
from tests.faults.judging import lost, verified
from tests.faults.load import SCRIPTED, load
from tests.running import platform
from tests.waiting import eventually

LONG = chat("mock", "x" * 60_000)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 12 MB where the journal will be; skipped where mounting is not allowed."""
    journal = tmp_path / "home" / "journal"
    journal.mkdir(parents=True, mode=0o700)
    (tmp_path / "home").chmod(0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m,mode=0700", "tmpfs", str(journal)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not let us mount a small disk")
    yield journal
    subprocess.run(["umount", "-l", str(journal)], check=False)


@pytest.fixture(params=[0, 2_000_000], ids=["to the last byte", "with a reserve"])
def reserve(request) -> int:
    return request.param


async def refused(port: int) -> bool:
    """Whether a turn is, for want of room; nothing else may become of it."""
    reply = await ask(port, LONG)
    assert reply.acknowledged or reply.code == "journal_unavailable", reply.body
    return not reply.acknowledged


async def test_a_full_disk(scripted, small_disk, tmp_path, reserve):
    ledger = f"[ledger]\nmin_free_bytes = {reserve}\nsegment_bytes = 1000000\n"
    with platform(tmp_path, settings_over(scripted, ledger=ledger, profile="none")) as running:
        port, filler = port_of(running), small_disk / "filler"
        async with load(lambda: port, (*SCRIPTED, LONG)) as seen:
            await asyncio.sleep(0.5)
            with filler.open("wb") as file, contextlib.suppress(OSError):
                while os.write(file.fileno(), b"\0" * 10_000):
                    pass
            await eventually(lambda: refused(port))
            late = await ask(port, chat("mock"))
            while late.acknowledged:  # small ones may still find a gap
                late = await ask(port, LONG)
            assert late.status == 503
            assert int(late.headers["retry-after"]) >= 1

            async def not_ready() -> bool:  # readiness is remembered for two seconds
                status, _, parts = await asyncio.to_thread(running.ask, "/readyz")
                return (status, parts["parts"]["journal"]) == (503, "journal_unavailable")

            async def mended() -> bool:
                return (await ask(port, LONG)).acknowledged

            await eventually(not_ready)
            await eventually(lambda: seen.codes)
            filler.unlink()
            await eventually(mended, "it does not mend itself")
        assert set(seen.codes) == {"journal_unavailable"}
        assert not seen.wrong
        assert not lost(running.home, seen.acknowledged)
        verified(running)
        running.wait_ready()
        assert "Traceback" not in running.log.read_text()
