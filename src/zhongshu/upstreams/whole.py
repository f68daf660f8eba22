"""What is alike in every wire format: replies that are no answer, replies that come whole where a stream was asked for,
and the rest of a body that is not a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from zhongshu.core.answers import Event
from zhongshu.core.problems import Fault, fault
from zhongshu.upstreams.transport import Opened, Response

_COMPLAINT_BYTES = 65_536

Explain = Callable[[str, str, int, bytes, Callable[[str], str | None]], Fault]
"""A wire format's own reading of a complaint: upstream, model, status, body, header -> the Fault."""


def good(response: Response, explain: Explain, upstream: str, model: str = "") -> Response:
    """The reply, if it is an answer. Raises what `explain` makes of it."""
    if response.status != 200:
        raise explain(upstream, model, response.status, response.body, response.header)
    return response


async def refusal(opened: Opened, explain: Explain, upstream: str, model: str) -> Fault:
    """What is wrong with a stream that has not begun with 200; it is read and closed."""
    body = await rest(opened, _COMPLAINT_BYTES, upstream)
    return explain(upstream, model, opened.status, body, opened.header)


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
