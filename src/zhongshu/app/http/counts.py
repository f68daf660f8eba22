"""How many connections each worker of one installation has open, in a small file that all of them have in memory.

A worker that is not there counts for nothing: its place is empty until it tells a number, and is emptied when it leaves
or when its parent sees it dead. What stands there is a hint that is read without locks: wrong for a moment, it makes the
spread of connections uneven for a moment, and nobody waits for a number to change.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

_EACH = 4  # bytes: an int in the machine's own order; 0: nobody is there, n + 1: n connections are open


def counts_file(home: Path) -> Path:
    """Where the counts of this installation lie."""
    return home / "run" / "connections"


def lay_out(path: Path, workers: int) -> None:
    """An empty place for each worker, in a file of its own: whoever still has an older one in memory keeps that."""
    path.unlink(missing_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, bytes(_EACH * workers))
    finally:
        os.close(fd)


def gone(path: Path, number: int) -> None:
    """This worker died: empty its place, so that the others do not leave connections to it."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(fd, bytes(_EACH), _EACH * number)
    finally:
        os.close(fd)


class OpenCounts:
    """The counts as one worker sees them; `number` is its own place. Raises OSError when nobody laid them out."""

    def __init__(self, path: Path, number: int) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self._places = memoryview(self._memory).cast("i")
        self._number = number

    def tell(self, connections: int) -> None:
        """This worker has so many open."""
        self._places[self._number] = connections + 1

    def leave(self) -> None:
        """This worker takes no more."""
        self._places[self._number] = 0

    def others(self) -> list[int]:
        """What each of the other workers that are there has open."""
        own = self._number
        return [told - 1 for number, told in enumerate(self._places) if told and number != own]
