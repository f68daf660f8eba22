"""Pruning: whole segments, oldest first, once all in them is older than the retention. Never inside the 183-day lock.

A signed tombstone is made durable, and anchored, before the first file goes, so verification can tell pruning from
deletion; a prune cut short by a crash is finished by the next one.
"""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import msgspec

from zhongshu.core.times import DAY_NS
from zhongshu.ledger.checkpoints import Signer, StreamState, Tombstone, checkpoint_file, read_line, read_lines
from zhongshu.ledger.segments import Scan, read_header, segment_path, segments, stream_folder, streams, sync_folder
from zhongshu.ledger.settings import LOCK_DAYS


class Pruned(msgspec.Struct, frozen=True):
    """What one prune did. segment: the last one gone; troubles: anchors that could not be reached."""

    stream: str
    segment: int
    troubles: tuple[str, ...]


def prune(home: Path, signer: Signer, *, now_ns: int, retention_days: int) -> list[Pruned]:
    """Prune every stream. Raises ValueError inside the lock, OSError when a file cannot be read or removed."""
    if retention_days < LOCK_DAYS:
        raise ValueError(f"retention_days: nothing younger than {LOCK_DAYS} days may be deleted")
    until_ns = now_ns - retention_days * DAY_NS
    done: list[Pruned] = []
    for stream in streams(home):
        end = _last_prunable(stream_folder(home, stream), until_ns)
        if end is not None:
            troubles = signer.tombstone(now_ns, stream, end, until_ns)
            _remove(stream_folder(home, stream), end.segment)
            done.append(Pruned(stream, end.segment, tuple(troubles)))
    return done


def finish_pruning(home: Path) -> None:
    """Remove what a tombstone already says is gone, after a crash between the two."""
    path = checkpoint_file(home)
    for line in read_lines(path) if path.exists() else ():
        body = read_line(line, None).body
        if isinstance(body, Tombstone):
            _remove(stream_folder(home, body.stream), body.state.segment)


def _last_prunable(folder: Path, until_ns: int) -> StreamState | None:
    """The end of the last segment that is wholly older. The last of all is never pruned: it may be being written."""
    numbers = segments(folder)[:-1]
    opened = ((number, read_header(segment_path(folder, number))) for number in numbers)
    begun_before = takewhile(lambda pair: pair[1] is not None and pair[1].opened_ns < until_ns, opened)
    for number in reversed([number for number, _ in begun_before]):
        scan = Scan(segment_path(folder, number), check=False)
        newest_ns = max((frame.written_ns for frame in scan), default=0)
        if newest_ns < until_ns:
            return StreamState(number, max(0, scan.mark.frame), scan.mark.head.hex())
    return None


def _remove(folder: Path, through: int) -> None:
    gone = [number for number in segments(folder) if number <= through]
    for number in gone:
        segment_path(folder, number).unlink()
    if gone:
        sync_folder(folder)
