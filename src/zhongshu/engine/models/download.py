"""One file over HTTP, into a `.part` file that survives cut-offs and restarts. Knows nothing of models.

The part file is the only state: its length says where to go on. A server that ignores Range makes it begin again.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import time
from pathlib import Path

from zhongshu.engine.models.failures import SourceFailed, WrongContent
from zhongshu.engine.models.progress import Progress
from zhongshu.engine.models.web import Reply, StatusFailed, Web, host

_CHUNK = 1 << 20
_PAUSES_S = (0.2, 0.5, 1.0, 2.0, 4.0)
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


def download(
    web: Web, url: str, part: Path, size: int, progress: Progress, attempts: int, headers: dict[str, str] | None = None
) -> None:
    """Make `part` hold the `size` bytes at `url`, going on from what it holds already.

    Takes the transfer up again after a cut-off, giving up after `attempts` tries in a row that brought no byte.
    Raises WrongContent when the server's file has another size, SourceFailed when it cannot be had.
    """
    idle = 0
    while (have := _length(part)) < size:
        try:
            _take(web, url, part, size, progress, headers or {})
        except _Cut as cut:
            idle = 0 if _length(part) > have else idle + 1
            if idle >= attempts:
                raise cut.failure from cut
            if idle:
                time.sleep(_PAUSES_S[min(idle, len(_PAUSES_S)) - 1])
    if have > size:
        raise _wrong_size(url, have, size)


class _Cut(Exception):
    """The transfer stopped early; another try may bring more."""

    def __init__(self, failure: SourceFailed) -> None:
        super().__init__(failure.en)
        self.failure = failure


def _take(web: Web, url: str, part: Path, size: int, progress: Progress, headers: dict[str, str]) -> None:
    have = _length(part)
    reply = _open(web, url, have, headers)
    try:
        have = _where_to_go_on(reply, url, have, size, progress)
        with part.open("r+b" if have else "wb") as out:
            out.seek(have)
            out.truncate()
            while have < size:
                chunk = _read(reply, url)
                have += len(chunk)
                if have > size:
                    raise _wrong_size(url, have, size)
                out.write(chunk)
                progress.advance(len(chunk))
    finally:
        reply.close()


def _open(web: Web, url: str, have: int, headers: dict[str, str]) -> Reply:
    try:
        return web.open(url, {**headers, "Range": f"bytes={have}-"} if have else headers)
    except StatusFailed as failed:
        if failed.status == 416 and have:  # the server's file ends before ours does
            raise WrongContent(failed.en, failed.zh) from failed
        if failed.status >= 500 or failed.status in (408, 429):
            raise _Cut(failed) from failed
        raise
    except SourceFailed as failed:
        if have:
            raise _Cut(failed) from failed
        raise


def _where_to_go_on(reply: Reply, url: str, have: int, size: int, progress: Progress) -> int:
    """The offset of the first byte of this reply. Refuses a file of another size before a byte of it is read."""
    length = reply.headers.get("Content-Length")
    if reply.status == 206:
        match = _CONTENT_RANGE.match(reply.headers.get("Content-Range") or "")
        if not match or int(match[1]) != have:
            raise WrongContent(f"{host(url)} answered with a wrong range", f"{host(url)} 返回了错误的字节范围")
        total = None if match[2] == "*" else int(match[2])
    else:
        total = int(length) if length and length.isdigit() else None
        progress.advance(-have)
        have = 0
    if total is not None and total != size:
        raise _wrong_size(url, total, size)
    return have


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


def _wrong_size(url: str, got: int, size: int) -> WrongContent:
    return WrongContent(
        f"{host(url)} has a file of {got:,} bytes where {size:,} were published",
        f"{host(url)} 的文件为 {got:,} 字节，而发布的为 {size:,} 字节",
    )


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
