"""Segment files of one stream: their names, how one is scanned, created, and picked up again after a crash.

A scan tells three ends apart: clean; torn (the last frame is incomplete, as a kill in mid-write leaves it - such a
frame was never acknowledged); broken (a whole frame does not follow from the one before: somebody changed it).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Literal

import msgspec

from zhongshu.ledger.frames import (
    FORMAT_VERSION,
    GENESIS,
    HEAD_BYTES,
    MAGIC,
    MAX_PAYLOAD,
    Frame,
    Header,
    chain,
    decode_header,
    first_bytes,
    unpack_head,
)

_NAME = re.compile(r"(\d{8})\.zsj")
_BLOCK = 1 << 17

End = Literal["clean", "torn", "broken"]


def stream_folder(home: Path, stream: str) -> Path:
    """Where a stream's segments lie."""
    return home / "journal" / stream


def segment_path(folder: Path, number: int) -> Path:
    """The file of segment `number`, counted from 1."""
    return folder / f"{number:08d}.zsj"


def streams(home: Path) -> list[str]:
    """Every stream that has a folder."""
    root = home / "journal"
    return sorted(entry.name for entry in root.iterdir() if entry.is_dir()) if root.is_dir() else []


def segments(folder: Path) -> list[int]:
    """The segment numbers present, ascending."""
    if not folder.is_dir():
        return []
    return sorted(int(match[1]) for entry in os.listdir(folder) if (match := _NAME.fullmatch(entry)))


class Mark(msgspec.Struct, frozen=True):
    """A place in a stream: after frame `frame` of `segment`, at byte `offset`, with the chain at `head`."""

    segment: int
    frame: int
    offset: int
    head: bytes


class Scan:
    """Iterates the frames of one segment from `start` (default: its beginning, header included).

    With check=True the chain is followed. A frame that does not follow ends the scan as "broken", unless
    `resume` is true: then it is put into `bad` and the scan goes on from the chain value the frame itself claims.
    After iteration: `end`, and `mark` behind the last good frame.
    """

    def __init__(self, path: Path, start: Mark | None = None, *, check: bool = True, resume: bool = False) -> None:
        self._path = path
        self._check = check
        self._resume = resume
        self._start = start
        self.end: End = "clean"
        self.why = ""
        self.bad: list[int] = []
        self.header: Header | None = None
        self.size = 0
        self.mark = start or Mark(0, -1, len(MAGIC), GENESIS)

    def __iter__(self) -> Iterator[Frame]:
        with self._path.open("rb", buffering=_BLOCK) as file:
            self.size = os.fstat(file.fileno()).st_size
            if self._start is None and file.read(len(MAGIC)) != MAGIC:
                self._stop("broken" if self.size >= len(MAGIC) else "torn", "the file does not begin as a journal")
                return
            file.seek(self.mark.offset)
            number, offset, prev = self.mark.frame, self.mark.offset, self.mark.head
            while raw := file.read(HEAD_BYTES):
                if len(raw) < HEAD_BYTES:
                    return self._stop("torn", "the last frame is incomplete")
                length, written_ns, head = unpack_head(raw)
                if length > MAX_PAYLOAD or (length == 0 and head == GENESIS):
                    return self._unreadable(file.read(), raw)
                payload = file.read(length)
                if len(payload) < length:
                    return self._stop("torn", "the last frame is incomplete")
                number += 1
                if number == 0 and (trouble := self._read_header(payload)):
                    return self._stop("broken", trouble)
                if number == 0 and self.header:
                    prev = self.header.prev_head
                if self._check and chain(prev, raw[:12], sha256(payload).digest()) != head:
                    self.bad.append(number)
                    if not self._resume:
                        return self._stop("broken", f"frame {number} does not follow from the one before it")
                frame = Frame(number, offset, written_ns, head, payload)
                offset, prev = frame.end, head
                self.mark = Mark(self.mark.segment, number, offset, head)
                yield frame

    def _read_header(self, payload: bytes) -> str:
        try:
            self.header = decode_header(payload)
        except (msgspec.DecodeError, ValueError) as error:
            return f"its header cannot be read: {error}"
        self.mark = Mark(self.header.segment, -1, self.mark.offset, self.mark.head)
        return ""

    def _unreadable(self, rest: bytes, raw: bytes) -> None:
        # Some file systems fill the end with zeros after a power cut.
        if not raw.strip(b"\0") and not rest.strip(b"\0"):
            self._stop("torn", "the end is filled with zeros")
        else:
            self._stop("broken", f"frame {self.mark.frame + 1} has an impossible length")

    def _stop(self, end: End, why: str) -> None:
        self.end, self.why = end, why


def read_header(path: Path) -> Header | None:
    """A segment's header, or None when it cannot be read."""
    scan = Scan(path)
    for _ in scan:
        break
    return scan.header


def read_frame(fd: int, offset: int) -> Frame:
    """The frame that begins at `offset`, unchecked. Its number is not known here (-1). Raises OSError, ValueError."""
    raw = os.pread(fd, HEAD_BYTES, offset)
    if len(raw) < HEAD_BYTES:
        raise ValueError("no frame begins here")
    length, written_ns, head = unpack_head(raw)
    payload = os.pread(fd, length, offset + HEAD_BYTES) if length <= MAX_PAYLOAD else b""
    if len(payload) != length or length == 0:
        raise ValueError("no frame begins here")
    return Frame(-1, offset, written_ns, head, payload)


def sync_folder(folder: Path) -> None:
    """Make names in `folder` durable."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class Segment:
    """A segment open for appending. `frames` and `size` count only what is known to be on disk.

    The file is opened with O_DSYNC: a write returns when its data are on disk, as write and fdatasync together would,
    with one system call and so one hand-over of the GIL instead of two.
    """

    def __init__(self, path: Path, header: Header) -> None:
        """Create the file with its header, durable, under its own name only when whole. Raises OSError."""
        self.path = path
        self.number = header.segment
        self.frames = 0
        data, self.head = first_bytes(header)
        self.size = len(data)
        draft = path.with_suffix(".new")
        self._fd = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_DSYNC, 0o600)
        try:
            _write_all(self._fd, data)
            os.fsync(self._fd)
            os.rename(draft, path)
            sync_folder(path.parent)
        except OSError:
            os.close(self._fd)
            draft.unlink(missing_ok=True)
            raise

    def append(self, data: bytes, frames: int, head: bytes) -> None:
        """Write whole frames and return once they are on disk. Raises OSError; nothing then counts as appended."""
        _write_all(self._fd, data)
        self.size += len(data)
        self.frames += frames
        self.head = head

    def cut_back(self) -> None:
        """Remove what a failed append left behind. Raises OSError."""
        if os.fstat(self._fd).st_size > self.size:
            os.ftruncate(self._fd, self.size)
            os.fsync(self._fd)

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _write_all(fd: int, data: bytes) -> None:
    done = os.write(fd, data)
    while done < len(data):
        done += os.write(fd, memoryview(data)[done:])


def next_header(last: Mark, stream: str, now_ns: int, fields: tuple[str, ...]) -> Header:
    """The header of the segment that follows `last`."""
    return Header(FORMAT_VERSION, stream, last.segment + 1, last.head, max(0, last.frame), now_ns, fields)


def pick_up(folder: Path) -> Mark:
    """Where a stream stands after whatever happened: the end of its last segment.

    A torn end is cut off (it was never acknowledged). A broken one is left as it is, for verification to find; the
    stream goes on from the last frame that does follow. Raises OSError.
    """
    for leftover in folder.glob("*.new"):
        leftover.unlink()
    numbers = segments(folder)
    if not numbers:
        return Mark(0, 0, 0, GENESIS)
    path = segment_path(folder, numbers[-1])
    scan = Scan(path)
    for _ in scan:
        pass
    if scan.end == "torn" and scan.mark.frame >= 0:
        os.truncate(path, scan.mark.offset)
    return Mark(numbers[-1], max(0, scan.mark.frame), scan.mark.offset, scan.mark.head)
