"""The counts of all workers: whose stand, and for how long."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import msgspec
import pytest

from tests.waiting import eventually
from zhongshu.app import shared_metrics
from zhongshu.app.shared_metrics import Left, SharedMetrics, read_all
from zhongshu.ledger.metrics import Snapshot
from zhongshu.storage.processes import mark


def counts(in_flight: int) -> Snapshot:
    return Snapshot({}, {}, {}, {}, in_flight)


def leave(folder, name, pid, marked, in_flight, ago_s=0):
    file = folder / f"metrics-{name}"
    file.write_bytes(msgspec.msgpack.encode(Left(pid, marked, counts(in_flight))))
    at = file.stat().st_mtime - ago_s
    os.utime(file, (at, at))


@pytest.fixture
def dead():
    """A process that has ended, and its mark."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    marked = mark(process.pid)
    process.communicate(b"\n")
    return process.pid, marked


ELSEWHERE = f"{mark(os.getpid()).partition('/')[0]}/pid:[1] 5"  # this boot, another container


def test_what_a_worker_left_stands_as_long_as_it_lives(tmp_path, dead):
    leave(tmp_path, "busy", os.getpid(), mark(os.getpid()), 1, ago_s=3600)
    leave(tmp_path, "killed-just-now", *dead, 2)
    leave(tmp_path, "elsewhere", 1, ELSEWHERE, 3)
    leave(tmp_path, "elsewhere-and-silent", 1, ELSEWHERE, 4, ago_s=60)
    (tmp_path / "metrics-broken").write_bytes(b"half a")
    (tmp_path / "metrics-of-before").write_bytes(msgspec.msgpack.encode(counts(5)))
    assert {name: told.in_flight for name, told in read_all(tmp_path).items()} == {"busy": 1, "elsewhere": 3}


def test_ones_own_counts_are_live_and_the_others_are_what_they_left(tmp_path):
    leave(tmp_path, "worker-1", os.getpid(), mark(os.getpid()), 7, ago_s=3600)
    own = SharedMetrics(tmp_path, "worker-0", lambda: counts(2))
    assert {name: told.in_flight for name, told in own.each().items()} == {"worker-0": 2, "worker-1": 7}
    assert b"zhongshu_turns_in_flight 9.0" in own.render()


async def test_a_disk_that_takes_its_time_keeps_nobody_waiting_and_the_end_waits_for_it(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_metrics, "_EVERY_S", 0.01)
    slow = tmp_path / ".metrics-worker-0"
    os.mkfifo(slow)  # whoever writes to it waits until somebody reads
    own = SharedMetrics(tmp_path, "worker-0", lambda: counts(2))
    own.start()
    await eventually(lambda: own._leaving is not None)
    leaving = own._leaving
    ending = asyncio.create_task(own.aclose())
    await asyncio.sleep(0.05)
    assert not leaving.done()
    assert not ending.done()
    await asyncio.to_thread(slow.read_bytes)
    await ending
    assert list(tmp_path.iterdir()) == []
