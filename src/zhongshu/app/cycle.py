"""One request and its response on a connection: uvicorn's cycle, with a sending half that does less.

The head waits for the first piece of the body and leaves with it in one write, so a whole reply costs one system call
instead of two. Names and values of headers are not searched one by one for what cannot be in them; the finished head
is checked once for lines that nobody meant to write.
"""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

_BODILESS = (204, 304)


class Cycle(RequestResponseCycle):
    """What an application's `send` writes to."""

    _head = b""

    async def send(self, message: Any) -> None:
        """ASGI's send. A client that reads slowly makes it wait; one that is gone is written nothing more."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        if not self.response_started:
            self._start(message["status"], message.get("headers", ()))
        elif not self.response_complete:
            self._write(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError("the response is already complete")

    def _start(self, status: int, headers: Any) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        lines = [STATUS_LINE[status]]
        for name, value in headers:
            if name == b"content-length":
                self.chunked_encoding = False
                self.expected_content_length = int(value)
            elif name == b"connection" and b"close" in value.lower():
                self.keep_alive = False
                continue
            lines += (name, b": ", value, b"\r\n")
        if not self.keep_alive:
            lines.append(b"connection: close\r\n")
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in _BODILESS:
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        self._head = b"".join(lines)
        # The status line and each single line of ours are one piece of `lines`, each header is four.
        if self._head.count(b"\n") != 1 + (len(lines) - 1) // 4 + (len(lines) - 1) % 4:
            raise RuntimeError("a header holds a line break")

    def _write(self, body: bytes, *, more: bool) -> None:
        head, self._head = self._head, b""
        if self.scope["method"] == "HEAD":
            self.expected_content_length, body = 0, b""
        elif self.chunked_encoding:
            framed = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            body = framed if more else framed + b"0\r\n\r\n"
        else:
            self.expected_content_length -= len(body)
        if head or body:
            self.transport.write(head + body if head else body)
        if not more:
            self._complete()

    def _complete(self) -> None:
        if not self.chunked_encoding and self.expected_content_length != 0:
            self.transport.close()
            raise RuntimeError("the body is not as long as its content-length said")
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()
