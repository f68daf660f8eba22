"""Reads journals back: entries of one stream or of all, from anywhere, without locking and without a writer.

Reading never follows a torn end and never waits for it: what is not whole is not there yet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from zhongshu.ledger.frames import GENESIS, MAGIC, Frame
from zhongshu.ledger.payloads import Happening, Kept, decode
from zhongshu.ledger.segments import (
    Mark,
    Scan,
    read_frame,
    read_header,
    segment_path,
    segments,
    stream_folder,
    streams,
)

_SEGMENTS_OPEN = 16

Progress = Callable[[int], None]
"""Called with the number of bytes just read."""


class Entry(msgspec.Struct, frozen=True):
    """One frame, decoded, and where it stands. written_ns: wall clock UTC when it was made durable."""

    stream: str
    segment: int
    frame: int
    offset: int
    written_ns: int
    content: Kept | Happening


class Place(msgspec.Struct, frozen=True):
    """Where a record stands in the journal."""

    stream: str
    segment: int
    frame: int
    offset: int


def journal_bytes(home: Path) -> int:
    """The size of all segments, for a progress bar."""
    return sum(
        segment_path(stream_folder(home, stream), number).stat().st_size
        for stream in streams(home)
        for number in segments(stream_folder(home, stream))
    )


def frames_after(home: Path, stream: str, mark: Mark | None) -> Iterator[tuple[Mark, Frame, tuple[str, ...]]]:
    """Every whole record frame of a stream after `mark` (None: from its beginning), across segments.

    Yields the mark behind each frame, the frame, and its segment's field names. Segments whose header cannot be read
    are passed over; the chain is not checked.
    """
    folder = stream_folder(home, stream)
    for number in segments(folder):
        if mark is not None and number < mark.segment:
            continue
        path = segment_path(folder, number)
        if mark is not None and number == mark.segment and path.stat().st_size <= mark.offset:
            continue
        header = read_header(path)
        if header is None:
            continue
        here = mark if mark is not None and number == mark.segment else Mark(number, -1, len(MAGIC), GENESIS)
        scan = Scan(path, here, check=False)
        for frame in scan:
            if frame.number > 0:
                yield scan.mark, frame, header.fields


def entries(home: Path, stream: str, mark: Mark | None = None, progress: Progress | None = None) -> Iterator[Entry]:
    """Every record of a stream, decoded, after `mark`."""
    for at, frame, fields in frames_after(home, stream, mark):
        if progress:
            progress(frame.end - frame.offset)
        content = _decoded(frame, fields)
        if content is not None:
            yield Entry(stream, at.segment, frame.number, frame.offset, frame.written_ns, content)


class Places:
    """Reads single records by their place, from any thread. Keeps a few segments open: those asked for stand close
    together."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = threading.Lock()
        self._open: dict[tuple[str, int], tuple[BinaryIO, tuple[str, ...]]] = {}

    def at(self, place: Place) -> Entry:
        """The record at a known place. Raises LookupError when it is no longer there or cannot be read."""
        name = f"{place.stream}/{place.segment:08d}.zsj"
        try:
            with self._lock:
                file, fields = self._segment(place.stream, place.segment)
                frame = read_frame(file.fileno(), place.offset)
        except (OSError, ValueError):
            raise LookupError(f"{name} no longer holds frame {place.frame}") from None
        content = _decoded(frame, fields)
        if content is None:
            raise LookupError(f"frame {place.frame} of {name} cannot be read")
        return Entry(place.stream, place.segment, place.frame, place.offset, frame.written_ns, content)

    def _close(self) -> None:
        for file, _ in self._open.values():
            file.close()
        self._open.clear()

    def _segment(self, stream: str, number: int) -> tuple[BinaryIO, tuple[str, ...]]:
        found = self._open.get((stream, number))
        if found is None:
            if len(self._open) >= _SEGMENTS_OPEN:
                self._close()
            path = segment_path(stream_folder(self._home, stream), number)
            header = read_header(path)
            if header is None:
                raise ValueError("the segment's header cannot be read")
            found = self._open[stream, number] = (path.open("rb", buffering=0), header.fields)
        return found


def _decoded(frame: Frame, fields: tuple[str, ...]) -> Kept | Happening | None:
    try:
        return decode(frame.payload, fields)
    except (msgspec.MsgspecError, ValueError, IndexError, TypeError):
        return None  # a changed frame: verification says so, reading goes on
