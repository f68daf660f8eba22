"""One HTTP/1.1 connection to an upstream: asks, collects the reply, tells how it broke.

Parsing is llhttp's (through httptools, which the server stands on too). Knows no pool, no proxy and no dialect; the
owner decides what is asked on it and when it is used again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import cast

import httptools

from zhongshu.core.deadlines import NEVER
from zhongshu.core.problems import Fault, fault

_MOST_HEAD_BYTES = 256 * 1024
_PAUSE_AT_BYTES = 256 * 1024


class Stale(Exception):
    """A kept connection had been closed by the server before anything of the reply arrived: asking again is safe."""


class Connection(asyncio.Protocol):
    """A connection that answers one request after another. `upstream` names it in problems.

    reused: whether it has answered before. due, expire: see Deadlines.
    """

    __slots__ = (
        "_body_limit",
        "_buffered",
        "_chunks",
        "_complete",
        "_error",
        "_first_byte_s",
        "_head_done",
        "_headers",
        "_idle_s",
        "_interim",
        "_keep",
        "_loop",
        "_parser",
        "_paused",
        "_phase",
        "_received",
        "_surplus",
        "_take",
        "_total_due",
        "_total_s",
        "_transport",
        "_upstream",
        "_waiter",
        "_whole",
        "closed",
        "due",
        "kept_since",
        "reused",
        "status",
    )

    def __init__(self, upstream: str, first_byte_s: float, idle_s: float, total_s: float | None) -> None:
        self._upstream = upstream
        self._first_byte_s = first_byte_s
        self._idle_s = idle_s
        self._total_s = total_s
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[None] | None = None
        self._take: Callable[[bytes], bool] | None = None
        self._paused = False
        self.closed = False
        self.reused = False
        self.kept_since = 0.0
        self._forget()

    # What its owner does -------------------------------------------------------------------------------------

    def ask(self, head: bytes, body: bytes, *, whole: bool, body_limit: int) -> None:
        """Send a request. `whole`: wait for the end of the reply, not for its head; it may have `body_limit` bytes."""
        self._forget()
        self._whole = whole
        self._body_limit = body_limit
        now = monotonic()
        if self._total_s is not None:
            self._total_due = now + self._total_s
        self._phase = "first byte"
        first_due, total_due = now + self._first_byte_s, self._total_due
        self.due = first_due if first_due < total_due else total_due
        data = b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)
        if self.closed:
            self._lost(None)
        else:
            self._transport.write(data)

    async def answered(self) -> None:
        """Return when the reply is whole, or its head is there, as asked for. Raises Fault, or Stale."""
        while not (self._complete if self._whole else self._head_done):
            if self._error is not None:
                raise self._error
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        self.due = NEVER

    async def read(self, over: Callable[[], None]) -> bytes:
        """What has arrived of the body, or the next that does; empty at the end. Raises Fault. `over` is called when
        nothing more will be read, before this returns or raises."""
        try:
            while not self._chunks:
                if self._complete:
                    over()
                    return b""
                if self._error is not None:
                    raise self._error
                self._phase = "idle"
                self.due = min(monotonic() + self._idle_s, self._total_due)
                self._waiter = self._loop.create_future()
                try:
                    await self._waiter
                finally:
                    self._waiter = None
                self.due = NEVER
        except BaseException:
            over()
            raise
        data = self.body()
        if self._complete:
            over()
        return data

    async def flow(self, take: Callable[[bytes], bool]) -> None:
        """Hand each piece of the body to `take` in the moment it arrives, until it says False, or the reply ends or
        breaks: `read` goes on from there. What `take` raises is raised here."""
        if self._chunks or self._complete or self._error is not None:
            return
        self._phase = "idle"
        self.due = min(monotonic() + self._idle_s, self._total_due)
        self._take = take
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = self._take = None
            self.due = NEVER

    def body(self) -> bytes:
        """All of the body that has arrived and was not read yet."""
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._buffered = 0
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        return data

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The reply's headers as they came."""
        return self._headers

    @property
    def reusable(self) -> bool:
        """Whether another request may be asked."""
        return self._complete and self._keep and not self._surplus and not self.closed

    def rest(self, now: float) -> None:
        """It is kept for another request."""
        self.reused = True
        self.kept_since = now
        self._whole = False

    def abort(self) -> None:
        """Reset the connection now; what the server still sends is refused."""
        self.closed = True
        self._transport.abort()

    def leave(self) -> None:
        """Reset it, and nobody asks or reads here any more."""
        self.abort()
        self._error = None  # once raised it leads to frames, and they lead back here

    def expire(self) -> None:
        """A limit has passed."""
        limit_s = self._first_byte_s if self._phase == "first byte" else self._idle_s
        phase = self._phase
        if self.due == self._total_due:
            phase, limit_s = "total", self._total_s or 0.0
        self.due = NEVER
        self._fail(fault("upstream_timeout", upstream=self._upstream, phase=phase, limit_s=limit_s))

    # What the event loop does --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open."""
        self._transport = cast("asyncio.Transport", transport)
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """Something arrived."""
        self._received += len(data)
        if self._complete or self._error is not None:
            return self.abort()
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return self._fail(fault("upstream_malformed", upstream=self._upstream, why="the reply is not HTTP/1.1"))
        if self._take is not None:
            return self._hand_over(self._take)
        if not self._head_done and self._received > _MOST_HEAD_BYTES:
            return self._fail(fault("upstream_malformed", upstream=self._upstream, why="the reply's head is too large"))
        if self._whole:
            if self._complete:
                self._wake()
            else:
                self._phase = "idle"
                self.due = min(monotonic() + self._idle_s, self._total_due)
        elif self._head_done and (self._chunks or self._complete or self._waiter is not None):
            self._wake()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone. Its parser leads back here: let go, nothing of the two waits for the garbage collector."""
        self.closed = True
        self._lost(exc)
        del self._parser

    # What the parser does ------------------------------------------------------------------------------------

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        if not self._complete:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is there. One with a 1xx status only announces another; one after the end was not asked for."""
        if self._complete:
            self._surplus = True
            return
        self.status = self._parser.get_status_code()
        self._interim = 100 <= self.status < 200
        if self._interim:
            self._headers.clear()
        else:
            self._head_done = True

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        if self._complete:
            return
        self._chunks.append(body)
        self._buffered += len(body)
        if self._whole:
            if self._buffered > self._body_limit:
                why = f"the body is over {self._body_limit} bytes"
                self._fail(fault("upstream_malformed", upstream=self._upstream, why=why))
        elif self._buffered > _PAUSE_AT_BYTES and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """The reply has ended."""
        if not self._interim and not self._complete:
            self._complete = True
            self._keep = self._parser.should_keep_alive()

    # ---------------------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        """Nothing has been asked and nothing received."""
        self.status = 0
        self.due = self._total_due = NEVER
        self._whole = self._head_done = self._complete = self._interim = self._keep = self._surplus = False
        self._error: Fault | Stale | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._buffered = self._received = self._body_limit = 0
        self._phase = ""

    def _hand_over(self, take: Callable[[bytes], bool]) -> None:
        """What arrived goes straight to who takes it; what is more than that is left to `read`."""
        if self._complete or self._error is not None:
            return self._wake()
        if not self._chunks:
            return None
        due = monotonic() + self._idle_s
        self.due = due if due < self._total_due else self._total_due
        try:
            if take(self.body()):
                return None
        # The border: the event loop would close the connection and tell nobody.
        except Exception as error:  # noqa: BLE001
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_exception(error)
        self._take = None
        return self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: Fault | Stale) -> None:
        if self._error is None and not self._complete:
            self._error = error
        self.abort()
        self._wake()

    def _lost(self, exc: Exception | None) -> None:
        """Closed, by the server or by us. A body without a stated length ends with its connection."""
        if self._complete or self._error is not None:
            return self._wake()
        if self._head_done:
            if exc is None and not self._measured():
                self._complete = True
            else:
                self._error = fault("upstream_cut", upstream=self._upstream)
        elif self.reused and not self._received:
            self._error = Stale()
        else:
            self._error = fault("upstream_unreachable", upstream=self._upstream)
        return self._wake()

    def _measured(self) -> bool:
        return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self._headers)
