"""Heads of requests that come again: a client on a kept connection says the same of every request but its length.

What was parsed once is not parsed twice. A head that is the same byte for byte, but for the digits of its content
length, is known; with all of its body behind it the request is there, and no parser has looked at it. Whatever else a
connection brings goes through the parser, which alone decides what is HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from zhongshu.api.asgi import BY_NAME

_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,15})[ \t]*\r\n", re.IGNORECASE)
_MOST_BYTES = 16 * 1024
_LENGTH_NAME = b"content-length"
# Their presence means more than a body of a stated length.
_SPECIAL = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"trailer"})

Header = tuple[bytes, bytes]


class Known:
    """A head that may come again, in two halves around the digits of its length, and the scope that it made. Requests
    share its headers, so they are for reading only."""

    __slots__ = ("_again", "_begin", "_digits", "_end", "_place", "_scope", "_whole")

    def __init__(self, begin: bytes, digits: bytes, end: bytes, scope: Mapping[str, Any]) -> None:
        self._begin = begin
        self._digits = digits
        self._end = end
        self._scope = dict(scope)
        self._place = next(at for at, (name, _) in enumerate(scope["headers"]) if name == _LENGTH_NAME)
        self._scope[BY_NAME] = dict(scope["headers"])
        self._again = begin + digits + end
        self._whole = len(self._again) + int(digits)

    def body(self, data: bytes) -> bytes | None:
        """The body of a request that is this one again and all there; None for anything else."""
        if len(data) == self._whole and data.startswith(self._again):
            return data[len(self._again) :]
        begin = self._begin
        if not data.startswith(begin):
            return None
        at = len(begin)
        stop = data.find(b"\r", at, at + 16)
        digits = data[at:stop] if stop > at else b""
        if not digits.isdigit() or not data.startswith(self._end, stop):
            return None
        size = int(digits)
        if len(data) - stop - len(self._end) != size:
            return None
        if digits != self._digits:
            self._say(digits)
        return data[-size:] if size else b""

    def scope(self) -> dict[str, Any]:
        """A scope of its own for the request that `body` was asked about last."""
        return self._scope.copy()

    def _say(self, digits: bytes) -> None:
        """The length is another now. Requests before keep the headers they were given."""
        self._digits = digits
        self._again = self._begin + digits + self._end
        self._whole = len(self._again) + int(digits)
        headers: list[Header] = [*self._scope["headers"]]
        headers[self._place] = (_LENGTH_NAME, digits)
        self._scope["headers"] = headers
        self._scope[BY_NAME] = dict(headers)


def known(data: bytes, scope: Mapping[str, Any]) -> Known | None:
    """What to know a request again by, which began with the first byte of `data`; None for one of a kind that the
    parser is to see each time."""
    headers: list[Header] = scope["headers"]
    names = [name for name, _ in headers]
    if names.count(_LENGTH_NAME) != 1 or not _SPECIAL.isdisjoint(names):
        return None
    stop = data.find(_END, 0, _MOST_BYTES)
    head = data[: stop + len(_END)]
    # A line for each header, and nothing that ends a line in another way.
    if stop < 0 or head.count(b"\n") != len(headers) + 2 or head.count(b"\r\n") != len(headers) + 2:
        return None
    found = _LENGTH.search(head)
    if found is None:
        return None
    begin, end = found.span(1)
    return Known(head[:begin], found[1], head[end:], scope)
