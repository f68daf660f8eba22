"""What has come of a batch so far, on the disk: one line for each request that is done, durable before it counts.

A spool is held by one process at a time, through a lock that the system frees when its holder dies, however it dies:
no clock, no heartbeat, and a successor can begin at once. A line is `number ok result`; a last line without its end
was being written when the holder died, and is cut off: that request is asked again. So no request is in the output
twice, and one in flight at a kill may be asked twice.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from zhongshu.storage.database import private_folder

_PIECE = 1 << 20


class _Place(NamedTuple):
    offset: int
    length: int
    ok: bool


class Spool:
    """One batch's. Open it with `take`."""

    def __init__(self, folder: Path, lock: int) -> None:
        self._folder = folder
        self._lock = lock
        self._places: dict[int, _Place] = {}
        self.completed = 0
        self.failed = 0
        self._file = os.open(folder / "done", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._end = 0
        self._read()

    def __contains__(self, number: int) -> bool:
        """Whether the request of this line is done."""
        return number in self._places

    def add(self, number: int, *, ok: bool, result: bytes) -> None:
        """Keep what came of a request; on disk when this returns. `result` is one line of JSON. Raises OSError, and
        then nothing was kept."""
        head = b"%d %d " % (number, ok)
        data = b"%b%b\n" % (head, result)
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._file, data[written:], self._end + written)
            os.fdatasync(self._file)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._end)
            raise
        self._note(number, _Place(self._end + len(head), len(result), ok))
        self._end += len(data)

    def results(self, *, ok: bool) -> Iterator[bytes]:
        """The results that went well or did not, each with its line end, in the order of the input."""
        for _, place in sorted(self._places.items()):
            if place.ok == ok:
                yield os.pread(self._file, place.length + 1, place.offset)

    def close(self) -> None:
        """Let another process have it."""
        os.close(self._file)
        os.close(self._lock)

    def remove(self) -> None:
        """The batch is over."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _note(self, number: int, place: _Place) -> None:
        self._places[number] = place
        if place.ok:
            self.completed += 1
        else:
            self.failed += 1

    def _read(self) -> None:
        """What an earlier holder kept, up to its last whole line."""
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                number, ok, _ = line.split(b" ", 2)
                head = len(number) + len(ok) + 2
                if int(number) not in self._places:
                    self._note(int(number), _Place(self._end + head, len(line) - head - 1, ok == b"1"))
                self._end += len(line)
        os.ftruncate(self._file, self._end)


def take(folder: Path) -> Spool | None:
    """The spool in `folder`, made if it is not there; None while another holds it. Raises OSError."""
    private_folder(folder)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return Spool(folder, lock)
    except BlockingIOError:
        os.close(lock)
        return None
    except BaseException:
        os.close(lock)
        raise
