"""Do the segments of the journal join? A look at every file's two ends, cheap however long the journal is.

Of each stream: is every segment there that its neighbours, the newest checkpoint or a tombstone tell of, does each
begin with a header that is its own, and does each end with the very frame that the next header names. Reads no frame
in between and checks no signature: that is verification (verify.py).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from zhongshu.ledger.checkpoints import Checkpoint, Tombstone, checkpoint_file, read_line, read_lines
from zhongshu.ledger.findings import Finding, finding
from zhongshu.ledger.frames import HEAD_BYTES, Header, unpack_head
from zhongshu.ledger.segments import read_header, segment_path, segments, stream_folder, streams

_TOMBSTONE = b'"kind":"tombstone"'
_BEFORE_HEAD = HEAD_BYTES - 32  # a frame is its length and time, then its place in the chain, then what it holds


def joints(home: Path) -> Iterator[Finding]:
    """What does not join. Raises OSError for a file that cannot be read."""
    path = checkpoint_file(home)
    lines = read_lines(path) if path.exists() else []
    newest, gone = _newest(lines), _gone(lines)
    for stream in sorted({*streams(home), *newest}):
        yield from _stream(home, stream, gone.get(stream, 0), newest.get(stream, 0))


def _stream(home: Path, stream: str, gone: int, signed: int) -> Iterator[Finding]:
    """gone: the last segment that was pruned. signed: the last segment that the newest checkpoint saw."""
    folder = stream_folder(home, stream)
    if not folder.is_dir():
        yield finding("missing_stream", f"journal/{stream}")
        return
    present = segments(folder)
    for number in range(gone + 1, max([signed, *present], default=0) + 1):
        if number not in present:
            yield finding("missing_segment", _name(stream, number))
    before = -1
    for number in present:
        path = segment_path(folder, number)
        header = read_header(path) if path.exists() else None
        if header is None:
            if number >= min(segments(folder), default=number + 1):  # else it was pruned while we looked
                yield finding("header", _name(stream, number), why="it cannot be read")
        elif (header.stream, header.segment) != (stream, number):
            yield finding("header", _name(stream, number), why=f"it belongs to {header.stream}/{header.segment:08d}")
        elif before == number - 1 and not _ends_with(segment_path(folder, before), header):
            yield finding("unlinked", _name(stream, number))
        before = number


def _ends_with(path: Path, header: Header) -> bool:
    """Whether the file's last frame is the one that the next segment's header names."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
            begins = held.rfind(header.prev_head) - _BEFORE_HEAD
            if begins < 0:
                return False
            length = unpack_head(held[begins : begins + HEAD_BYTES])[0]
            return begins + HEAD_BYTES + length == len(held)
    except FileNotFoundError:  # pruned while we looked
        return True
    except ValueError:  # nothing is in it
        return False


def _newest(lines: list[bytes]) -> dict[str, int]:
    """The last segment of each stream, by the newest checkpoint."""
    for line in reversed(lines):
        if _TOMBSTONE not in line:
            body = read_line(line, None).body
            return {name: state.segment for name, state in body.streams.items()} if isinstance(body, Checkpoint) else {}
    return {}


def _gone(lines: list[bytes]) -> dict[str, int]:
    """The last segment of each stream that was pruned, by the tombstones."""
    bodies = [read_line(line, None).body for line in lines if _TOMBSTONE in line]
    return {body.stream: body.state.segment for body in bodies if isinstance(body, Tombstone)}


def _name(stream: str, number: int) -> str:
    return f"journal/{stream}/{number:08d}.zsj"
