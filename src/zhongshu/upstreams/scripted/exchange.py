"""One request to the scripted upstream and its reply, with the ways to break it. Knows no behaviour."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from zhongshu.upstreams.scripted.script import Break

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

TRANSPORT = "zhongshu.transport"
_JSON = "application/json"
_TYPES = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error"}
_encode = msgspec.json.Encoder().encode


class Gone(Exception):
    """The client left, or the script broke the connection."""


class Exchange:
    """sent: told the size of each piece of a body. error: what an error's body is in the protocol that is spoken.
    left: the client has gone away. connection: tells connections apart."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, sent: Callable[[int], None]) -> None:
        self._sent = sent
        self._transport = scope.get(TRANSPORT)
        self._receive = receive
        self._send = send
        self._left: asyncio.Task[None] | None = None
        self.error: Callable[..., bytes] = error_body
        self.left = False
        self.connection = id(self._transport) if self._transport else hash(scope.get("client"))

    async def body(self) -> bytes:
        """The request's whole body."""
        message = await self._receive()
        if not message.get("more_body"):
            return message.get("body", b"")
        parts = [message.get("body", b"")]
        while message.get("more_body"):
            message = await self._receive()
            parts.append(message.get("body", b""))
        return b"".join(parts)

    async def reply(
        self, status: int, body: bytes, content_type: str = _JSON, extra: Mapping[str, str] | None = None
    ) -> None:
        """A whole reply."""
        await self.start(status, content_type, {**(extra or {}), "content-length": str(len(body))})
        await self.send_body(body, more=False)

    async def start(self, status: int, content_type: str, extra: Mapping[str, str]) -> None:
        """The head of a reply."""
        headers = [("content-type", content_type), *extra.items()]
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def send_body(self, body: bytes, more: bool = True) -> None:
        """Some of the body."""
        self._sent(len(body))
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    def watch(self) -> None:
        """Notice from now on when the client leaves."""
        if self._left is None:
            self._left = asyncio.create_task(self._until_left())

    def still_there(self) -> None:
        """Stop when the client has left."""
        if self._left is not None and self._left.done():
            self.left = True
            raise Gone

    async def wait(self, seconds: float | None) -> None:
        """Wait, but not for a client that leaves. None waits for that alone."""
        self.watch()
        assert self._left is not None
        await asyncio.wait((self._left,), timeout=seconds)
        self.still_there()

    def forget(self) -> None:
        """Nobody waits for the client to leave any more."""
        if self._left is not None:
            self._left.cancel()

    async def break_off(self, broken: Break) -> None:
        """Break as the script says, at this place."""
        match broken.how:
            case "hang":
                await self.wait(None)
            case "cut" | "reset":
                self._sever(reset=broken.how == "reset")
            case "error":
                await self.send_body(b"data: " + self.error(500, "the model stopped working") + b"\n\n", more=False)
            case "json":
                await self.send_body(b'data: {"choices": [{"index": 0, "delta": {\n\ndata: [DONE]\n\n', more=False)
            case "bytes":
                chunk = b'data: {"choices":[{"index":0,"delta":{"content":"\xff\xfe"}}]}\n\ndata: [DONE]\n\n'
                await self.send_body(chunk, more=False)
            case "junk":
                await self.send_body(b"this is not an event stream\n\nnor is this\n\n", more=False)

    async def break_body(self, body: bytes, broken: Break) -> None:
        """Break in the middle of a whole reply."""
        if broken.how in ("error", "json", "bytes", "junk"):
            return await self.reply(200, body[: len(body) // 2])
        await self.start(200, _JSON, {"content-length": str(len(body))})
        await self.send_body(body[: len(body) // 2])
        await self.break_off(broken)

    def _sever(self, *, reset: bool) -> None:
        if self._transport is not None:
            if reset:
                _linger_not(self._transport)
                self._transport.abort()
            else:
                self._transport.close()
        raise Gone

    async def _until_left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


def error_body(status: int, message: str = "") -> bytes:
    """An error in OpenAI's form."""
    message = message or f"the scripted upstream answers {status}"
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return _encode({"error": {"message": message, "type": kind, "param": None, "code": f"mock_{status}"}})


def _linger_not(transport: Any) -> None:
    """Closing shall send RST: SO_LINGER with a time of zero."""
    own = transport.get_extra_info("socket")
    if own is None:
        return
    with socket.socket(fileno=os.dup(own.fileno())) as double:
        double.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
