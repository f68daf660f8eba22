"""A client that says exactly what it got: one request over one connection, read byte by byte, and what was complete.

A turn counts as acknowledged when its client could know that it is over: a plain reply with every byte that its
length promised, or a stream whose [DONE] arrived without an error before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from dataclasses import dataclass, field
from typing import Any

from tests.running import KEY


@dataclass
class Reply:
    """What came back. status 0: nothing did. whole: the body is as long as its head said."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False

    @property
    def trace(self) -> str:
        return self.headers.get("x-zhongshu-trace", "")

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of a stream, [DONE] left out; one that was cut off does not count."""
        found = [part[6:] for part in self.body.split(b"\n\n")[:-1] if part.startswith(b"data: ")]
        return [json.loads(data) for data in found if data != b"[DONE]"]

    @property
    def done(self) -> bool:
        """Whether a stream said that it is over."""
        return self.body.endswith(b"data: [DONE]\n\n")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error's code: of the body, or of the stream's last event. Empty for none."""
        with contextlib.suppress(ValueError, IndexError, KeyError, TypeError):
            said = self.events[-1] if self.streamed else self.json
            return said["error"]["code"]
        return ""

    @property
    def streamed(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    @property
    def acknowledged(self) -> bool:
        if self.status != 200 or not self.whole:
            return False
        return self.done and not self.code if self.streamed else True

    @property
    def text(self) -> str:
        """The first choice's text, of a plain reply or a stream."""
        if not self.streamed:
            return self.json["choices"][0]["message"]["content"]
        return "".join(
            choice["delta"].get("content") or ""
            for event in self.events
            for choice in event.get("choices", ())
            if choice["index"] == 0
        )


class Asking:
    """One request under way: `open` sends it, `head`, `events` and `rest` read on, `leave` goes away. ahead_bytes: as
    much is read before it is asked for."""

    def __init__(self, port: int, ahead_bytes: int = 1 << 24) -> None:
        self.port = port
        self.ahead_bytes = ahead_bytes
        self.reply = Reply()

    async def open(self, request: bytes) -> Asking:
        """Connect and send."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=self.ahead_bytes)
        self.writer.write(request)
        with contextlib.suppress(ConnectionError):  # refused before all was sent: the answer is still there to read
            await self.writer.drain()
        return self

    async def head(self) -> None:
        """Read the reply's head."""
        lines = ["HTTP/1.1 100"]
        while lines[0].split(" ")[1] == "100":
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        self.reply.status = int(lines[0].split(" ")[1])
        self.reply.headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:] if line)}

    async def events(self, number: int) -> None:
        """Read a stream until it has brought so many events, or is over."""
        while self.reply.body.count(b"\n\n") < number and not self.reply.whole:
            await self._chunk()

    async def rest(self) -> Reply:
        """Read to the end."""
        length = self.reply.headers.get("content-length")
        if length is not None:
            self.reply.body += await self.reader.readexactly(int(length))
            self.reply.whole = True
        while not self.reply.whole:
            await self._chunk()
        return self.reply

    async def _chunk(self) -> None:
        size = int(await self.reader.readuntil(b"\r\n"), 16)
        piece = await self.reader.readexactly(size + 2)
        self.reply.body += piece[:-2]
        self.reply.whole = size == 0

    def leave(self, *, reset: bool = False) -> None:
        """Go away without a word."""
        if reset:
            sock = self.writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort() if reset else self.writer.close()


def chat(model: str, text: str = "hello", **fields: Any) -> dict[str, Any]:
    """A chat request."""
    return {"model": model, "messages": [{"role": "user", "content": text}], **fields}


def request(
    body: object,
    *,
    path: str = "/v1/chat/completions",
    key: str = KEY,
    method: str = "POST",
    headers: dict[str, str] | None = None,
) -> bytes:
    """The bytes of one request. `body` as JSON, or as the bytes it is."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    said = {
        "host": "localhost",
        "authorization": f"Bearer {key}",
        "content-type": "application/json",
        "content-length": str(len(data)),
        "connection": "close",
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items() if value)
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + data


async def send(port: int, raw: bytes, *, within_s: float = 150) -> Reply:
    """Send these bytes; whatever came back, as far as it came."""
    asking = Asking(port)
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
        async with asyncio.timeout(within_s):
            await asking.open(raw)
            try:
                await asking.head()
                await asking.rest()
            finally:
                asking.writer.close()
    return asking.reply


async def ask(port: int, body: object, **how: Any) -> Reply:
    """One turn."""
    return await send(port, request(body, **how))


async def begin(port: int, body: object, events: int = 2, *, ahead_bytes: int = 1 << 24, **how: Any) -> Asking:
    """A stream that has brought its first events."""
    asking = await Asking(port, ahead_bytes).open(request(body, **how))
    await asking.head()
    await asking.events(events)
    return asking
