"""The folder of model files: where each lies, which are verified, and who may change one. Knows no source.

FILE                    the model, complete
FILE.verified           what was verified and when: hash, size, mtime. While size and mtime hold, so does the hash
.partial/               files on their way, and one lock per model
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Generator
from pathlib import Path

import msgspec

from zhongshu.core.times import SECOND_NS, date_of
from zhongshu.engine.models import rows
from zhongshu.engine.models.download import sha256_of
from zhongshu.engine.models.rows import LocalModel


class Marker(msgspec.Struct, frozen=True):
    """What a file was when its hash was last taken."""

    sha256: str
    bytes: int
    mtime_ns: int


def path_of(row: LocalModel, cache_dir: Path) -> Path:
    """Where the model's file lies once it is here."""
    return cache_dir / row.file


def part_of(row: LocalModel, cache_dir: Path) -> Path:
    """Where the model's file grows."""
    return cache_dir / ".partial" / f"{row.file}.part"


def installed(name: str, cache_dir: Path) -> Path | None:
    """The verified file of a shipped model, or None. Costs two stat calls and no hashing."""
    row = rows.find(name)
    return find(row, cache_dir) if row else None


def find(row: LocalModel, cache_dir: Path) -> Path | None:
    """The model's file if it is here and unchanged since it was verified."""
    path = path_of(row, cache_dir)
    try:
        marker = msgspec.json.decode(_marker_path(path).read_bytes(), type=Marker)
        seen = path.stat()
    except (OSError, msgspec.MsgspecError):
        return None
    same = marker == Marker(row.sha256, seen.st_size, seen.st_mtime_ns)
    return path if same and seen.st_size == row.bytes else None


def verify(row: LocalModel, path: Path) -> bool:
    """Whether the file is the published one, by size and then by SHA-256."""
    return path.stat().st_size == row.bytes and sha256_of(path) == row.sha256


def mark(row: LocalModel, path: Path) -> None:
    """Remember that `path` was just verified."""
    seen = path.stat()
    _replace(_marker_path(path), msgspec.json.encode(Marker(row.sha256, seen.st_size, seen.st_mtime_ns)))


def verified_on(path: Path) -> str:
    """The day on which the hash of a file that `find` gave was last taken: "2026-11-22"."""
    try:
        taken_s = _marker_path(path).stat().st_mtime
    except OSError:
        return "?"
    return date_of(int(taken_s) * SECOND_NS).strftime("%Y-%m-%d")


def unmark(row: LocalModel, cache_dir: Path) -> None:
    """Forget a verification that no longer holds."""
    _marker_path(path_of(row, cache_dir)).unlink(missing_ok=True)


def distrust(path: Path) -> None:
    """Forget that this file was ever verified, where it can be forgotten."""
    with contextlib.suppress(OSError):
        _marker_path(path).unlink()


def put(row: LocalModel, part: Path, cache_dir: Path) -> Path:
    """Move a verified part into its place: durable, and whole or not at all."""
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    path = path_of(row, cache_dir)
    part.replace(path)
    _sync_folder(cache_dir)
    mark(row, path)
    return path


def remove(row: LocalModel, cache_dir: Path) -> int:
    """Delete the model's file and whatever was on its way. Returns the bytes set free."""
    partial = part_of(row, cache_dir).parent
    names = {f"{row.file}.part", f"{row.name}.joined.part", *(f"{wheel.filename}.part" for wheel in row.wheels)}
    freed = 0
    for path in (path_of(row, cache_dir), *(partial / name for name in sorted(names))):
        if path.exists():
            freed += path.stat().st_size
            path.unlink()
    unmark(row, cache_dir)
    return freed


@contextlib.contextmanager
def hold(row: LocalModel, cache_dir: Path, waiting: Callable[[], None]) -> Generator[None]:
    """Be the only process that changes this model. `waiting` is called once when another one is at it.

    The lock is the kernel's (flock): it ends with the process that held it, so nothing is left to clean up.
    """
    folder = cache_dir / ".partial"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{row.name}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _marker_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified")


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.write_bytes(content)
    fresh.replace(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
