"""Reading an input file: one request a line, checked before any is asked, with the number of the line that is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import msgspec
from msgspec import Raw

from zhongshu.batches.settings import BatchSettings
from zhongshu.batches.values import Mistake, Request

_MOST_MISTAKES = 100
_LONGEST_ID = 512


class _Line(msgspec.Struct):
    custom_id: Any = None
    method: Any = None
    url: Any = None
    body: Raw = Raw(b"")


_decode = msgspec.json.Decoder(_Line).decode
Opens = Callable[[], BinaryIO]
"""Opens an input file for reading from its beginning."""


class Checked(msgspec.Struct, frozen=True):
    """What an input file holds: how many requests, or what is wrong with it."""

    total: int
    mistakes: tuple[Mistake, ...]


def check(opens: Opens, endpoint: str, settings: BatchSettings) -> Checked:
    """Read the whole file once. Stops at a hundred mistakes. Raises what opening and reading it raise."""
    mistakes: list[Mistake] = []
    seen: dict[str, int] = {}
    total = 0
    for number, line in _lines(opens, settings.max_line_bytes):
        found = _read(number, line, endpoint, settings)
        if isinstance(found, Mistake):
            mistakes.append(found)
        elif found.custom_id in seen:
            first = seen[found.custom_id]
            mistakes.append(
                _wrong(
                    number, "duplicate_custom_id", "custom_id", f"is that of line {first} too", f"与第 {first} 行相同"
                )
            )
        else:
            seen[found.custom_id] = number
        total += 1
        if total > settings.max_requests:
            limit = settings.max_requests
            en, zh = f"The file holds more than {limit} requests; split it.", f"文件中的请求超过 {limit} 个，请拆分。"
            return Checked(total, (Mistake("too_many_requests", en, zh),))
        if len(mistakes) >= _MOST_MISTAKES:
            break
    if not total:
        return Checked(0, (Mistake("empty_file", "The file holds no request.", "文件中没有请求。"),))
    return Checked(total, tuple(mistakes))


def requests(opens: Opens, endpoint: str, settings: BatchSettings) -> Iterator[Request]:
    """The requests of a file that `check` found good, in order."""
    for number, line in _lines(opens, settings.max_line_bytes):
        found = _read(number, line, endpoint, settings)
        if isinstance(found, Request):
            yield found


def _lines(opens: Opens, limit: int) -> Iterator[tuple[int, bytes]]:
    """Numbers from 1 and lines; blank ones are left out. A line over the limit comes cut, one byte too long."""
    with opens() as file:
        number = 0
        while line := file.readline(limit + 1):
            number += 1
            if len(line) > limit and not line.endswith(b"\n"):
                while (rest := file.readline(1 << 20)) and not rest.endswith(b"\n"):
                    pass
            if line.strip():
                yield number, line


def _read(number: int, line: bytes, endpoint: str, settings: BatchSettings) -> Request | Mistake:
    if len(line) > settings.max_line_bytes:
        limit = settings.max_line_bytes
        return _wrong(number, "line_too_long", None, f"is longer than {limit} bytes", f"超过 {limit} 字节")
    try:
        read = _decode(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
    except RecursionError:
        return _wrong(number, "invalid_json_line", None, "is nested too deep to be read", "嵌套过深，无法读取")
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _wrong(
            number, "invalid_json_line", None, "is not one JSON object in UTF-8", "不是一个 UTF-8 编码的 JSON 对象"
        )
    custom_id, body = read.custom_id, bytes(read.body)
    if not isinstance(custom_id, str) or not 0 < len(custom_id) <= _LONGEST_ID:
        en, zh = f"must be a text of 1 to {_LONGEST_ID} characters", f"须为 1 到 {_LONGEST_ID} 个字符的文本"
        return _wrong(number, "invalid_custom_id", "custom_id", en, zh)
    if read.method != "POST":
        return _wrong(number, "invalid_method", "method", "must be POST", "须为 POST")
    if read.url != endpoint:
        return _wrong(
            number,
            "mismatched_url",
            "url",
            f"must be the batch's endpoint, {endpoint}",
            f"须为批次的 endpoint：{endpoint}",
        )
    if not body.startswith(b"{"):
        return _wrong(number, "invalid_body", "body", "must be a JSON object", "须为 JSON 对象")
    return Request(number, custom_id, body)


def _wrong(number: int, code: str, field: str | None, en: str, zh: str) -> Mistake:
    named, named_zh = (f": `{field}` ", f"：`{field}` ") if field else (" ", "")
    return Mistake(code, f"Line {number}{named}{en}.", f"第 {number} 行{named_zh}{zh}。", number, field)
