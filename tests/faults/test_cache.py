"""The answer cache when things break: killed writers, a damaged file, a full disk. No turn fails for it."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.conftest import LEDGER, SERVER
from tests.faults.judging import turns
from tests.running import over, platform
from tests.waiting import until

CACHED = (
    '[[models]]\nname = "kept"\nupstream = "scripted"\nupstream_model = "mock-echo"\ncache = "exact"\n'
    "price = { input = 2.0, output = 8.0 }\n"
)
WORKER = "zhongshu.app.worker"


def settings_of(scripted) -> str:
    server = SERVER + "workers = 2\n"
    return over(scripted.port, {"mock": "mock"}, server + LEDGER, "none") + CACHED


@pytest.fixture(scope="module")
def kept(scripted, tmp_path_factory):
    """Two workers and a cached model."""
    with platform(tmp_path_factory.mktemp("kept"), settings_of(scripted)) as running:
        yield running


def ask(running, text, **fields):
    """One turn whose answer must hold its question; how it was answered."""
    status, headers, body = running.chat("kept", text, temperature=0, **fields)
    assert status == 200, body
    assert text in body["choices"][0]["message"]["content"]
    return {name.lower(): value for name, value in headers.items()}.get("x-zhongshu-cache", "")


def until_hit(running, text):
    """Ask until it is answered from the cache."""
    until(lambda: ask(running, text) == "exact", running.log)


def exact(home):
    """The recorded turns that the cache answered."""
    return [row for row in turns(home) if row.cache == "exact"]


def whole(running):
    """Whether the file is sound."""
    with contextlib.closing(sqlite3.connect(running.home / "cache.db")) as db:
        return db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_both_workers_and_the_ledger_know_of_hits(kept):
    until_hit(kept, "a first question")
    hits, end = 0, time.monotonic() + 60
    while len({row.stream for row in exact(kept.home)}) < 2:  # which worker takes a connection is the kernel's affair
        with ThreadPoolExecutor(8) as together:
            answered = list(together.map(lambda _: ask(kept, "a first question"), range(16)))
        assert answered == ["exact"] * 16
        hits += 16
        assert time.monotonic() < end, "one worker answered them all"
    rows = exact(kept.home)
    assert len(rows) >= hits
    assert {row.stream for row in rows} == {"worker-0", "worker-1"}
    assert all(row.cost_nano == 0 < row.saved_nano for row in rows)
    assert "100.0%" not in kept.cli("cache", "stats")


def test_workers_killed_while_they_write(kept):
    for round_ in range(6):
        for number in range(12):
            with contextlib.suppress(OSError, AssertionError):
                ask(kept, f"round {round_} question {number} " + "x" * 2000)
        victims = kept.children().get(WORKER, [])
        for pid in victims[:1]:
            os.kill(pid, signal.SIGKILL)
        kept.wait_ready()
    assert whole(kept)
    until_hit(kept, "after the killing")
    assert "Traceback" not in kept.log.read_text()


def test_a_file_overwritten_while_the_server_runs(kept):
    until_hit(kept, "before the damage")
    for ending in ("", "-wal"):
        path = kept.home / f"cache.db{ending}"
        if path.exists():
            path.write_bytes(os.urandom(max(8192, path.stat().st_size)))
    for number in range(20):
        ask(kept, f"question {number} over a damaged file")
    until_hit(kept, "after the damage")
    until(lambda: sound(kept))
    assert "Traceback" not in kept.log.read_text()


def sound(running):
    """Whether the file is, after one more turn."""
    ask(running, f"one more {time.monotonic()}")
    with contextlib.suppress(sqlite3.DatabaseError):
        return whole(running)
    return False


def test_a_full_disk(scripted, tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    options = ["-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", str(small)]
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let us mount a small disk")
    try:
        (tmp_path / "home").mkdir(mode=0o700)
        (tmp_path / "home" / "cache.db").symlink_to(small / "cache.db")
        with platform(tmp_path, settings_of(scripted)) as running:
            began = time.monotonic()
            for number in range(30):
                ask(running, f"question {number} " + "y" * 20_000)
            until(lambda: "the answer cache cannot write for now" in running.log.read_text())
            log, minutes = running.log.read_text(), 1 + (time.monotonic() - began) // 60
            assert "Traceback" not in log
            assert log.count("the answer cache cannot") <= 4 * minutes  # each worker, reading and writing
    finally:
        subprocess.run(["umount", "-l", str(small)], check=False)
