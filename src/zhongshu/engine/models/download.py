"""One file over HTTP, into a `.part` file that survives cut-offs and restarts. Knows nothing of models.

The part file is the only state: its length says where to go on. A server that ignores Range, or cannot go on there,
makes it begin again; one that has no such file leaves it as it was, for the next source.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import time
from pathlib import Path

from zhongshu.core.problems import Said
from zhongshu.engine.models.failures import SourceFailed, WrongContent
from zhongshu.engine.models.progress import Progress
from zhongshu.engine.models.web import Reply, StatusFailed, Web, host

_CHUNK = 1 << 20
_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0)
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


def download(
    web: Web, url: str, part: Path, size: int, progress: Progress, attempts: int, headers: dict[str, str] | None = None
) -> bool:
    """Make `part` hold the `size` bytes at `url`, going on from what it holds already. Whether it came in pieces.

    Takes the transfer up again after a cut-off, giving up after `attempts` tries in a row that came no further.
    Raises WrongContent when what is in `part` is too long, SourceFailed when the file cannot be had.
    """
    idle, furthest, ranges, pieced = 0, _length(part), True, True
    while _length(part) < size:
        try:
            pieced = _take(web, url, part, size, progress, headers or {}, ranges=ranges)
        except _NoFurther:
            ranges = False
        except _Cut as cut:
            idle = 0 if _length(part) > furthest else idle + 1
            furthest = max(furthest, _length(part))
            if idle >= attempts:
                raise cut.failure from cut
            if idle:
                time.sleep(_PAUSES_S[min(idle, len(_PAUSES_S)) - 1])
    if (have := _length(part)) > size:
        raise WrongContent(*_wrong_size(url, have, size), pieced=True)
    return pieced


class _NoFurther(Exception):
    """The server will not, or cannot rightly, go on where the part ends; from the beginning it may."""


class _Cut(Exception):
    """The transfer stopped early; another try may bring more."""

    def __init__(self, failure: SourceFailed) -> None:
        super().__init__(failure.en)
        self.failure = failure


def _take(
    web: Web, url: str, part: Path, size: int, progress: Progress, headers: dict[str, str], *, ranges: bool
) -> bool:
    """One reply's worth. Whether it went on with what was there. ranges: whether the server may be asked to."""
    here = _length(part)
    reply = _open(web, url, here if ranges else 0, headers)
    try:
        went_on = _goes_on(reply, url, here, size)
        have = here if went_on else 0
        if not went_on:
            progress.advance(-here)
        with part.open("r+b" if have else "wb") as out:
            out.seek(have)
            out.truncate()
            while have < size:
                chunk = _read(reply, url)
                have += len(chunk)
                if have > size:
                    raise WrongContent(*_wrong_size(url, have, size), pieced=went_on)
                out.write(chunk)
                progress.advance(len(chunk))
    finally:
        reply.close()
    return went_on


def _open(web: Web, url: str, have: int, headers: dict[str, str]) -> Reply:
    try:
        return web.open(url, {**headers, "Range": f"bytes={have}-"} if have else headers)
    except StatusFailed as failed:
        if failed.status == 416 and have:  # it knows no ranges, or its file ends before ours does
            raise _NoFurther from failed
        if failed.status >= 500 or failed.status in (408, 429):
            raise _Cut(failed) from failed
        raise
    except SourceFailed as failed:
        if have:
            raise _Cut(failed) from failed
        raise


def _goes_on(reply: Reply, url: str, have: int, size: int) -> bool:
    """Whether this reply begins where the part ends; if not, it is the whole file. Refuses what cannot be the file before
    a byte of it is read."""
    if (reply.headers.get("Content-Type") or "").lower().startswith("text/html"):
        raise SourceFailed(
            f"{host(url)} answered with a web page in place of the file (a login page?)",
            f"{host(url)} 返回的是网页而不是文件（是否为登录页？）",
        )
    if reply.status == 206:
        match = _CONTENT_RANGE.match(reply.headers.get("Content-Range") or "")
        if not match or int(match[1]) != have or match[2] not in ("*", str(size)):
            raise _NoFurther
        return True
    length = reply.headers.get("Content-Length")
    if length and length.isdigit() and int(length) != size:
        raise SourceFailed(*_wrong_size(url, int(length), size))
    return False


def _read(reply: Reply, url: str) -> bytes:
    """What has arrived, up to a chunk: waiting for a whole one would lose it if the line went dead meanwhile."""
    try:
        chunk = reply.read1(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _cut(url) from error
    if not chunk:
        raise _cut(url)
    return chunk


def _cut(url: str) -> _Cut:
    return _Cut(SourceFailed(f"{host(url)} broke off in the middle", f"{host(url)} 在传输中途断开"))


def _wrong_size(url: str, got: int, size: int) -> Said:
    return Said(
        f"{host(url)} has a file of {got:,} bytes where {size:,} were published",
        f"{host(url)} 的文件为 {got:,} 字节，而发布的为 {size:,} 字节",
    )


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
