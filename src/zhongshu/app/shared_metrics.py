"""The counts of all workers of one installation, so that whichever is asked can tell the whole.

Each worker leaves its own counts in a small file every second; rendering adds the others' to one's own live ones. What a
worker left last stands for as long as it lives, however busy the machine keeps it from leaving more.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from zhongshu.ledger.exposition import render
from zhongshu.ledger.metrics import Snapshot
from zhongshu.storage.processes import alive, mark

_EVERY_S = 1.0
_STALE_S = 5.0
"""Of a worker that may live where its process cannot be looked at, in another container."""


class Left(msgspec.Struct, frozen=True):
    """What a worker leaves: its counts, and by what it is known whether it lives."""

    pid: int
    marked: str
    counts: Snapshot


class SharedMetrics:
    """folder: where the files lie. slot: this worker's name. take: its counts as they stand."""

    def __init__(self, folder: Path, slot: str, take: Callable[[], Snapshot]) -> None:
        self._folder = folder
        self._own = folder / f"metrics-{slot}"
        self._take = take
        self._marked = mark(os.getpid())
        self._task: asyncio.Task[None] | None = None
        self._leaving: asyncio.Future[None] | None = None

    def start(self) -> None:
        """Begin to leave counts for the others."""
        self._task = asyncio.create_task(self._tend(), name="metrics")

    async def aclose(self) -> None:
        """Stop, and take this worker's file away."""
        if self._task is not None:
            self._task.cancel()
        if self._leaving is not None:  # or it would put the file back
            await asyncio.wait([self._leaving])
        self._own.unlink(missing_ok=True)

    def render(self) -> bytes:
        """Everything counted, in Prometheus' text format."""
        others = [left.counts for file in self._folder.glob("metrics-*") if file != self._own and (left := _read(file))]
        return render([self._take(), *others])

    def each(self) -> dict[str, Snapshot]:
        """Every worker's own counts, by its name."""
        return {**read_all(self._folder), _worker(self._own): self._take()}

    async def _tend(self) -> None:
        """On a thread, as a disk that others keep busy takes its time even for a name (measured: 0.3 to 10 ms), and
        every turn and every chunk would wait with the loop."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_EVERY_S)
            data = msgspec.msgpack.encode(Left(os.getpid(), self._marked, self._take()))
            self._leaving = loop.run_in_executor(None, self._leave, data)
            with contextlib.suppress(OSError):
                await asyncio.shield(self._leaving)

    def _leave(self, data: bytes) -> None:
        new = self._own.with_name(f".{self._own.name}")
        new.write_bytes(data)
        new.rename(self._own)


def read_all(folder: Path) -> dict[str, Snapshot]:
    """What each living worker left last, by its name; empty when none is running."""
    found: dict[str, Snapshot] = {}
    for file in folder.glob("metrics-*"):
        with contextlib.suppress(OSError):
            if (left := _read(file)) and _lives(left, file.stat().st_mtime):
                found[_worker(file)] = left.counts
    return found


def _lives(left: Left, written_s: float) -> bool:
    lives = alive(left.pid, left.marked)
    return written_s >= time.time() - _STALE_S if lives is None else lives


def _worker(file: Path) -> str:
    return file.name.removeprefix("metrics-")


def _read(file: Path) -> Left | None:
    try:
        return msgspec.msgpack.decode(file.read_bytes(), type=Left)
    except (OSError, msgspec.MsgspecError):
        return None
