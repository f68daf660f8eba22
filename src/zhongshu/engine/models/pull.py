"""Bringing a model here: the sources in the user's order, verified by size and SHA-256, once for all processes."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from zhongshu.core.problems import Fault, Said, fault
from zhongshu.engine.models import store
from zhongshu.engine.models.failures import NotOffered, SourceFailed, WrongContent
from zhongshu.engine.models.progress import Progress
from zhongshu.engine.models.rows import LocalModel
from zhongshu.engine.models.sources import Source

# Left free for the rest of the machine: filling the last block of a disk stops more than a download.
_SPARE_BYTES = 64 << 20


def pull(row: LocalModel, sources: Sequence[Source], cache_dir: Path, progress: Progress) -> Path:
    """The path of the model's verified file, fetched if it is not here yet.

    Raises Fault: model_fetch_failed (every source failed; says how each did), model_no_space, model_cache_unwritable.
    """
    if path := store.find(row, cache_dir):
        return path
    try:
        with store.hold(row, cache_dir, waiting=lambda: _say_waiting(progress)):
            path = store.find(row, cache_dir) or _adopt(row, cache_dir) or _fetch(row, sources, cache_dir, progress)
    except OSError as error:
        raise _disk_fault(row, cache_dir, error) from error
    progress.done()
    return path


def _say_waiting(progress: Progress) -> None:
    progress.note("Another process is fetching this model; waiting for it.", "另一进程正在获取此模型，正在等待。")


def _adopt(row: LocalModel, cache_dir: Path) -> Path | None:
    """A file that lies in its place unmarked, put there by hand or from before: taken over when it is the right one."""
    path = store.path_of(row, cache_dir)
    if not path.is_file() or not store.verify(row, path):
        return None
    store.mark(row, path)
    return path


def _fetch(row: LocalModel, sources: Sequence[Source], cache_dir: Path, progress: Progress) -> Path:
    part = store.part_of(row, cache_dir)
    failures: list[tuple[str, SourceFailed]] = []
    for source in sources:
        try:
            return _fetch_from(row, source, part, cache_dir, progress)
        except SourceFailed as failed:
            failures.append((source.name, failed))
            if not isinstance(failed, NotOffered):
                progress.note(f"{source.name}: {failed.en}", f"{source.name}：{failed.zh}")
    raise _all_failed(row, failures, cache_dir)


def _fetch_from(row: LocalModel, source: Source, part: Path, cache_dir: Path, progress: Progress) -> Path:
    try:
        return _fetch_and_verify(row, source, part, cache_dir, progress)
    except WrongContent as wrong:
        part.unlink(missing_ok=True)
        if not wrong.pieced:
            raise
    # What was left from an earlier run, or the server's file changing meanwhile, may be what is wrong: once from nothing.
    try:
        return _fetch_and_verify(row, source, part, cache_dir, progress)
    except WrongContent:
        part.unlink(missing_ok=True)
        raise


def _fetch_and_verify(row: LocalModel, source: Source, part: Path, cache_dir: Path, progress: Progress) -> Path:
    _check_room(row, source.room(row, part), cache_dir)
    pieced = source.fetch(row, part, progress)
    if not store.verify(row, part):
        why = Said("the file does not have its published SHA-256", "文件的 SHA-256 与发布值不符")
        raise WrongContent(*why, pieced=pieced)
    return store.put(row, part, cache_dir)


def _check_room(row: LocalModel, needed: int, cache_dir: Path) -> None:
    free = shutil.disk_usage(cache_dir).free
    if needed and needed + _SPARE_BYTES > free:
        raise _no_space(row, needed + _SPARE_BYTES, free, cache_dir)


def _no_space(row: LocalModel, needed: int, free: int, cache_dir: Path) -> Fault:
    return fault(
        "model_no_space", model=row.name, needed_mb=-(-needed // 1_000_000), free_mb=free // 1_000_000, folder=cache_dir
    )


def _disk_fault(row: LocalModel, cache_dir: Path, error: OSError) -> Fault:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _no_space(row, row.bytes, shutil.disk_usage(cache_dir).free, cache_dir)
    return fault("model_cache_unwritable", folder=cache_dir, why=os.strerror(error.errno or errno.EIO))


def _all_failed(row: LocalModel, failures: Sequence[tuple[str, SourceFailed]], cache_dir: Path) -> Fault:
    return fault(
        "model_fetch_failed",
        model=row.name,
        why="; ".join(f"{name}: {failed.en}" for name, failed in failures),
        why_zh="；".join(f"{name}：{failed.zh}" for name, failed in failures),
        place=store.path_of(row, cache_dir),
    )
