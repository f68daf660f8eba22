"""What has come of a batch so far, on the disk: one line for each request that is done, durable before it counts.

A spool is held by one process at a time, through a lock that the system frees when its holder dies, however it dies:
no clock, no heartbeat, and a successor can begin at once. A line is `number outcome result`; a last line without its end
was being written when the holder died, and is cut off: that request is asked again. So no request is in the output
twice, and one in flight at a kill may be asked twice. Results are sealed; one that does not open any more, because its
key was shredded, was never there. What is kept after a key was shredded is never sealed with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from zhongshu.storage.database import private_folder

_PIECE = 1 << 20

Outcome = Literal["failed", "ok", "expired"]
_OUTCOMES: tuple[Outcome, ...] = ("failed", "ok", "expired")  # a line has the number


class Seals(Protocol):
    """Seals what is kept, bound to the number of its line. Blocking."""

    def seal(self, number: int, result: bytes) -> bytes: ...
    def stands(self, sealed: bytes) -> bool:
        """Whether its key has not been shredded up to now."""
        ...

    def open(self, number: int, sealed: bytes) -> bytes | None:
        """None when its key was shredded."""
        ...


class ResultsErased(Exception):
    """The key of results that were kept has been shredded since: `forget_erased` them."""


class _Place(NamedTuple):
    offset: int
    length: int
    outcome: Outcome


class Spool:
    """One batch's. Open it with `take`. failed: of requests that got an answer or gave up; expired: that got none in
    time."""

    def __init__(self, folder: Path, lock: int, seals: Seals) -> None:
        self._folder = folder
        self._lock = lock
        self._seals = seals
        self._places: dict[int, _Place] = {}
        self.completed = 0
        self.failed = 0
        self.expired = 0
        self._file = os.open(folder / "done", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._end = 0
        self._read()

    def __contains__(self, number: int) -> bool:
        """Whether the request of this line is done."""
        return number in self._places

    def add(self, number: int, outcome: Outcome, result: bytes) -> None:
        """Keep what came of a request; on disk when this returns. `result` is one line of JSON. Raises OSError,
        sqlite3.Error and ValueError, and then nothing was kept."""
        head = b"%d %d " % (number, _OUTCOMES.index(outcome))
        kept = self._kept(head, number, result)
        while kept is None:  # texts were erased since its key was looked up, and this came later
            kept = self._kept(head, number, result)
        self._note(number, _Place(self._end + len(head), len(kept), outcome))
        self._end += len(head) + len(kept) + 1

    def _kept(self, head: bytes, number: int, result: bytes) -> bytes | None:
        """A result as it is on the disk now, behind the last line; None, and nothing is, when its key stands no more."""
        sealed = self._seals.seal(number, result)
        kept = b64encode(sealed)
        stands = False
        try:
            self._write(b"%b%b\n" % (head, kept))
            stands = self._seals.stands(sealed)
        finally:
            if not stands:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._file, self._end)
        return kept if stands else None

    def _write(self, data: bytes) -> None:
        written = 0
        while written < len(data):
            written += os.pwrite(self._file, data[written:], self._end + written)
        os.fdatasync(self._file)

    def results(self, *, ok: bool) -> Iterator[bytes]:
        """The results that went well or did not, each with its line end, in the order of the input. Raises
        ResultsErased."""
        for number, place in sorted(self._places.items()):
            if (place.outcome == "ok") == ok:
                result = self._at(number, place)
                if result is None:
                    raise ResultsErased
                yield result + b"\n"

    def forget_erased(self) -> None:
        """What does not open any more is not done, as it would not be for the next holder."""
        for number, place in list(self._places.items()):
            if self._at(number, place) is None:
                del self._places[number]
                self._count(place.outcome, -1)

    def close(self) -> None:
        """Let another process have it."""
        os.close(self._file)
        os.close(self._lock)

    def remove(self) -> None:
        """The batch is over."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _at(self, number: int, place: _Place) -> bytes | None:
        return self._opened(number, os.pread(self._file, place.length, place.offset))

    def _opened(self, number: int, kept: bytes) -> bytes | None:
        """A result; a plain one is from before results were sealed."""
        return kept if kept.startswith(b"{") else self._seals.open(number, b64decode(kept))

    def _note(self, number: int, place: _Place) -> None:
        self._places[number] = place
        self._count(place.outcome, 1)

    def _count(self, outcome: Outcome, by: int) -> None:
        if outcome == "ok":
            self.completed += by
        elif outcome == "failed":
            self.failed += by
        else:
            self.expired += by

    def _read(self) -> None:
        """What an earlier holder kept, up to its last whole line."""
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(0)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                number, outcome, kept = line[:-1].split(b" ", 2)
                head = len(number) + len(outcome) + 2
                if int(number) not in self._places and self._opened(int(number), kept) is not None:
                    self._note(int(number), _Place(self._end + head, len(kept), _OUTCOMES[int(outcome)]))
                self._end += len(line)
        os.ftruncate(self._file, self._end)


def take(folder: Path, seals: Seals) -> Spool | None:
    """The spool in `folder`, made if it is not there; None while another holds it. Raises OSError, sqlite3.Error."""
    private_folder(folder)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return Spool(folder, lock, seals)
    except BlockingIOError:
        os.close(lock)
        return None
    except BaseException:
        os.close(lock)
        raise
