"""Replies that come whole where a stream was asked for, and the rest of a body that is not a stream: alike in every
wire format."""

from __future__ import annotations

from collections.abc import AsyncIterator

from zhongshu.core.answers import Event
from zhongshu.core.problems import fault
from zhongshu.upstreams.transport import Opened


class WholeStream:
    """The EventStream of an answer that came whole."""

    def __init__(self, *events: Event) -> None:
        self._events = events

    async def batches(self) -> AsyncIterator[tuple[Event, ...]]:
        """All at once."""
        yield self._events

    async def aclose(self) -> None:
        """Nothing is left open."""


async def rest(opened: Opened, limit: int, upstream: str) -> bytes:
    """What is left of a body; `opened` is closed. Raises Fault("upstream_malformed") past `limit` bytes."""
    chunks: list[bytes] = []
    size = 0
    try:
        while chunk := await opened.read():
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                raise fault("upstream_malformed", upstream=upstream, why=f"the body is over {limit} bytes")
    finally:
        await opened.aclose()
    return b"".join(chunks)
