"""What is remembered of a turn, as values. The bytes are a protocol's own; this room never looks into them."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["queued", "running", "done", "cancelled", "lost"]
"""queued, running: somebody is at work on it. lost: whoever was at work on it is gone."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A turn as it is remembered. asked: what was new in it; answered: what came back, or what is known so far.

    previous: the turn it goes on from. items: names of its parts, by which a later turn may refer to them.
    """

    id: str
    tenant: str
    created_ns: int
    state: State = "done"
    previous: str | None = None
    asked: bytes = b""
    answered: bytes = b""
    items: tuple[str, ...] = ()


class Pieces(msgspec.Struct, frozen=True):
    """Part of a stream that was kept: the numbers of its first and last piece, and their bytes."""

    first: int
    last: int
    data: bytes


class Total(msgspec.Struct, frozen=True):
    """What is remembered of one tenant. unfinished: turns that somebody is at work on; text_bytes: sealed."""

    tenant: str
    turns: int
    unfinished: int
    oldest_ns: int
    newest_ns: int
    text_bytes: int
