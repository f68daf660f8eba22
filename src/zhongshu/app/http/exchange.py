"""One request and its reply on a connection: ASGI's `receive` and `send`, with shorter ways for what comes most often.

The head waits for the first piece of the body and leaves with it in one write, so a whole reply costs one system call
instead of two. Names and values of headers are not searched one by one for what cannot be in them; the finished head
is checked once for lines that nobody meant to write.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Protocol

_BODILESS = (204, 304)
_LONG_BODY = 65_536
_SHORT = 1024
_SIZES = tuple([b"%x\r\n" % size for size in range(_SHORT)])
"""What the pieces of a chunked body begin with, by their size."""


def _status_line(status: int) -> bytes:
    known = {each.value: each.phrase for each in HTTPStatus}
    return f"HTTP/1.1 {status} {known.get(status, '')}\r\n".encode()


_STATUS_LINES = {status: _status_line(status) for status in range(100, 600)}


class Wire(Protocol):
    """The connection, as an exchange sees it. write_paused: the client reads more slowly than it is written to."""

    write_paused: bool

    def write(self, data: bytes) -> None:
        """Send this to the client."""
        ...

    def pause_reading(self) -> None:
        """Enough has arrived that nobody has read."""
        ...

    def resume_reading(self) -> None:
        """More may arrive."""
        ...

    async def drained(self) -> None:
        """Return when the client has read enough of what was written."""
        ...

    def answered(self, exchange: Exchange) -> None:
        """The reply is written to its end."""
        ...

    def cut(self) -> None:
        """The reply cannot be ended as it was begun: close the connection."""
        ...


class Exchange:
    """What an application receives from and sends to. It is ASGI's `send` itself, so that who has it unwrapped may use
    `reply` and `piece` too.

    started, complete: of the reply. disconnected: nobody waits for it any more. keep_alive: whether another request may
    follow. head_only: the request was HEAD. expects: the client waits to be told to send its body.
    """

    __slots__ = (
        "_arrived_whole", "_chunked", "_head", "_left", "_pieces", "_received_whole", "_size", "_waiter", "_wire",
        "complete", "disconnected", "expects", "head_only", "keep_alive", "started",
    )  # fmt: skip

    def __init__(self, wire: Wire, body: bytes | None = None) -> None:
        """body: all of it, where it has come with the head."""
        self._wire = wire
        self._pieces: list[bytes] = [body] if body else []
        self._arrived_whole = body is not None
        self.started = self.complete = self.disconnected = self.head_only = self.expects = False
        self.keep_alive = True
        self._received_whole = self._chunked = False
        self._size = self._left = 0
        self._waiter: asyncio.Future[None] | None = None
        self._head = b""

    # The request ---------------------------------------------------------------------------------------------

    def arrived(self, piece: bytes) -> None:
        """Some of the body is here."""
        if self.complete:
            return
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > _LONG_BODY:
            self._wire.pause_reading()
        self.wake()

    def arrived_whole(self) -> None:
        """All of the body is here."""
        self._arrived_whole = True
        self.wake()

    def left(self) -> None:
        """The client is gone, or is no longer listened to."""
        self.disconnected = True
        self.wake()

    def wake(self) -> None:
        """Something has happened that `receive` may wait for."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def receive(self) -> dict[str, Any]:
        """ASGI's receive."""
        if self.expects:
            self.expects = False
            if not self.disconnected:
                self._wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if not (self._pieces or self._arrived_whole):
            self._wire.resume_reading()
        while not (self.disconnected or self.complete):
            if self._pieces or (self._arrived_whole and not self._received_whole):
                return self._next()
            self._wire.resume_reading()
            await self._something()
        return {"type": "http.disconnect"}

    def _next(self) -> dict[str, Any]:
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._received_whole = self._arrived_whole
        return {"type": "http.request", "body": body, "more_body": not self._arrived_whole}

    async def _something(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    # The reply -----------------------------------------------------------------------------------------------

    async def __call__(self, message: Any) -> None:
        """ASGI's send. A client that reads slowly makes it wait; one that is gone is written nothing more."""
        if self._wire.write_paused and not self.disconnected:
            await self._wire.drained()
        if self.disconnected:
            return
        if not self.started:
            self._start(message["status"], message.get("headers", ()))
        elif not self.complete:
            self._write(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError("the response is already complete")

    def reply(self, status: int, head: bytes, body: bytes) -> bool:
        """A whole reply at once. head: its header lines but for the length, each with its end. False when it must go
        the long way: nothing was written then."""
        if self.started or self.head_only or self._wire.write_paused or not self.keep_alive:
            return self.disconnected
        if not self.disconnected:
            self.started = True
            line = _STATUS_LINES[status]
            self._wire.write(b"%b%bcontent-length: %d\r\n\r\n%b" % (line, head, len(body), body))
            self._end()
        return True

    def piece(self, body: bytes) -> bool:
        """One more piece of a body under way, not the last. False when it must go the long way."""
        if self._wire.write_paused or self.complete or self._head or not (self._chunked and body):
            return False
        if not self.disconnected:
            size = len(body)
            self._wire.write((_SIZES[size] if size < _SHORT else b"%x\r\n" % size) + body + b"\r\n")
        return True

    def _start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.started = True
        self.expects = False
        measured = False
        lines = [_STATUS_LINES[status]]
        for name, value in headers:
            if name == b"content-length":
                measured = True
                self._left = int(value)
            elif name == b"connection" and b"close" in value.lower():
                self.keep_alive = False
                continue
            lines += (name, b": ", value, b"\r\n")
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        if not measured and not self.head_only and status not in _BODILESS:
            self._chunked = True
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        self._head = b"".join(lines)
        # The status line and each single line of ours are one piece of `lines`, each header is four.
        if self._head.count(b"\n") != 1 + (len(lines) - 1) // 4 + (len(lines) - 1) % 4:
            raise RuntimeError("a header holds a line break")

    def _write(self, body: bytes, *, more: bool) -> None:
        head, self._head = self._head, b""
        if self.head_only:
            self._left, body = 0, b""
        elif self._chunked:
            framed = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            body = framed if more else framed + b"0\r\n\r\n"
        else:
            self._left -= len(body)
        if head or body:
            self._wire.write(head + body if head else body)
        if not more:
            if self._left:
                self._wire.cut()
                raise RuntimeError("the body is not as long as its content-length said")
            self._end()

    def _end(self) -> None:
        self.complete = True
        if self._waiter is not None:
            self.wake()
        self._wire.answered(self)
