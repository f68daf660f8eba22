"""The pieces of one turn, numbered, kept for as long as a client may come back for them, within a size."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple


class Piece(NamedTuple):
    """One message of a turn. seq counts from 1."""

    seq: int
    kind: str
    payload: bytes


class Lost(Exception):
    """The pieces asked for are not kept any more."""


class Tape:
    """Written by the turn, read by its client. A client that reads slowly, or is away, makes the turn wait once
    `limit_bytes` are unread; what was read is kept as long as there is room."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._pieces: deque[Piece] = deque()
        self._size = 0
        self._last = 0
        self._read_to = 0
        self._over = False
        self._changed = asyncio.Event()

    async def add(self, kind: str, payload: bytes) -> None:
        """Write a piece, when there is room for it."""
        while not self._room(len(payload)):
            await self._wait()
        self.put(kind, payload)

    def put(self, kind: str, payload: bytes = b"") -> None:
        """Write a piece now: the last ones are small and must not wait."""
        self._last += 1
        self._pieces.append(Piece(self._last, kind, payload))
        self._size += len(payload)
        self._tell()

    def end(self) -> None:
        """Nothing more will be written."""
        self._over = True
        self._tell()

    async def after(self, seq: int) -> list[Piece]:
        """The pieces behind `seq`, waiting for the next when there is none; empty at the end. Raises Lost."""
        self._read_to = max(self._read_to, seq)
        self._tell()
        while self._last <= seq and not self._over:
            await self._wait()
        first = self._pieces[0].seq if self._pieces else self._last + 1
        if seq + 1 < first or seq > self._last:
            raise Lost
        return [piece for piece in self._pieces if piece.seq > seq]

    def _room(self, size: int) -> bool:
        """Let the oldest pieces go that were read, as far as `size` needs. One alone may be larger than the limit."""
        pieces = self._pieces
        while pieces and self._size + size > self._limit:
            if pieces[0].seq > self._read_to:
                return False
            self._size -= len(pieces.popleft().payload)
        return True

    def _tell(self) -> None:
        self._changed.set()

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()
