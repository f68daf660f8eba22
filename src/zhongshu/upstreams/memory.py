"""The transport's in-memory twin, for tests: replies come from a function, and what was asked and left is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import msgspec

from zhongshu.core.problems import Fault
from zhongshu.upstreams.transport import Opened, Request, Response


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What the twin answers. A `chunk` is a piece of the body, a Fault a break at that place, a number a pause in
    seconds. Header names are lower case."""

    status: int = 200
    headers: Mapping[str, str] = {}
    chunks: tuple[bytes | Fault | float, ...] = ()


class MemoryResponse(msgspec.Struct, frozen=True):
    """A whole reply."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    def header(self, name: str) -> str | None:
        """The header of that name."""
        return self.headers.get(name.lower())


class MemoryOpened:
    """A reply still arriving. `left` tells whether it was closed before its end."""

    def __init__(self, reply: Reply) -> None:
        self.status = reply.status
        self.left = False
        self._headers = reply.headers
        self._chunks = list(reply.chunks)

    def header(self, name: str) -> str | None:
        """The header of that name."""
        return self._headers.get(name.lower())

    async def read(self) -> bytes:
        """The next piece; empty at the end."""
        while self._chunks:
            chunk = self._chunks.pop(0)
            match chunk:
                case bytes():
                    return chunk
                case Fault():
                    raise chunk
                case _:
                    await asyncio.sleep(chunk)
        return b""

    async def flow(self, take: Callable[[bytes], bool]) -> None:
        """Hand over the pieces up to the next break or pause."""
        while self._chunks and isinstance(chunk := self._chunks[0], bytes):
            del self._chunks[0]
            if not take(chunk):
                return

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self.read():
            yield chunk

    async def aclose(self) -> None:
        """Drop what is left."""
        self.left = self.left or bool(self._chunks)
        self._chunks.clear()


class MemoryTransport:
    """Answers by calling `reply`. `requests` and `opened` keep what went by, for a test to look at."""

    def __init__(self, reply: Callable[[Request], Reply]) -> None:
        self._reply = reply
        self.requests: list[Request] = []
        self.opened: list[MemoryOpened] = []

    async def send(self, request: Request) -> Response:
        """The whole reply at once."""
        opened = await self._begin(request)
        body = b"".join([chunk async for chunk in opened])
        return MemoryResponse(opened.status, body, self._reply(request).headers)

    async def open(self, request: Request) -> Opened:
        """The reply piece by piece."""
        return await self._begin(request)

    async def aclose(self) -> None:
        """Nothing to close."""

    async def _begin(self, request: Request) -> MemoryOpened:
        self.requests.append(request)
        opened = MemoryOpened(self._reply(request))
        self.opened.append(opened)
        return opened
