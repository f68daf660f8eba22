"""How bytes reach an upstream: one small interface, the real client behind it, and what can go wrong on the way.

    Transport.send(Request)  -> Response   the whole reply
    Transport.open(Request)  -> Opened     status and headers now, body as it arrives

Knows HTTP, connections and clocks; knows no dialect, no model and no key. Foreign errors become ours:

    no connection, DNS, TLS, proxy  upstream_unreachable
    a phase over its limit          upstream_timeout (pool, connect, first byte, idle, total)
    broken off in the body          upstream_cut
    not HTTP, or a body too large   upstream_malformed

The client is our own, on asyncio and httptools. pyreqwest was tried first (0.15.1, 2026-11): cancelling a request
before its reply had begun did not stop it, so that an upstream went on working for a client that had left, and a
request cost 34-37 microseconds of CPU in two threads against 9-11 here (both bare, plain chat, 32 connections).
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from zhongshu.core.deadlines import Deadlines
from zhongshu.core.problems import Fault, fault
from zhongshu.upstreams.connection import Connection, Stale
from zhongshu.upstreams.dialling import Dialler

Headers = tuple[tuple[str, str], ...]

_UNSENDABLE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
# Servers and firewalls forget connections that nobody uses; many do after a minute.
_KEEP_S = 50.0
_EOF_WITHIN_S = 0.05
_MOST_HEADS = 64


class Request(msgspec.Struct, frozen=True):
    """What is sent. `path` is joined to the transport's base address; `headers` are added to its own."""

    method: str
    path: str
    body: bytes = b""
    headers: Headers = ()


class Response(Protocol):
    """A whole reply."""

    @property
    def status(self) -> int: ...
    @property
    def body(self) -> bytes: ...
    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        ...


class Opened(Protocol):
    """A reply whose body is still arriving. `aclose` resets the connection at once unless the body has been read."""

    @property
    def status(self) -> int: ...
    def header(self, name: str) -> str | None: ...
    def read(self) -> Awaitable[bytes]:
        """The next bytes as the network cut them; empty at the end. Raises Fault("upstream_cut") when broken off."""
        ...

    def flow(self, take: Callable[[bytes], bool]) -> Awaitable[None]:
        """Hand over what arrives, in the moment it does, until `take` says False or the reply ends or breaks; `read`
        goes on from there. `take` must not wait; what it raises is raised here."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...


class Transport(Protocol):
    """A way to one upstream. Cancelling the awaiting task resets the connection."""

    async def send(self, request: Request) -> Response: ...
    async def open(self, request: Request) -> Opened: ...
    async def aclose(self) -> None: ...


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one upstream's transport keeps to. Seconds; None means no limit.

    connect_s: also for a free one of `connections`. first_byte_s: from sending to the first byte of the reply.
    idle_s: between two pieces. body_bytes: of a whole reply.
    """

    connect_s: float = 10.0
    first_byte_s: float = 300.0
    idle_s: float = 60.0
    total_s: float | None = None
    connections: int | None = None
    body_bytes: int = 64 * 1024 * 1024


class HttpTransport:
    """A pooled HTTP/1.1 client of one upstream.

    name: the upstream's, for problems. base_url: up to the version. headers: sent with every request. proxy, ca_file:
    see Dialler. Redirects are not followed: a key must not travel to another address.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        headers: Headers = (),
        limits: Limits | None = None,
        proxy: str | None = None,
        ca_file: str = "",
    ) -> None:
        self.name = name
        self.limits = limits = limits or Limits()
        self._dialler = Dialler(base_url, proxy, ca_file)
        self._base = urlsplit(base_url)
        self._headers = (("User-Agent", "zhongshu"), ("Accept", "*/*"), *self._dialler.proxy_headers, *headers)
        self._heads: dict[tuple[str, str, Headers], bytes] = {}
        self._deadlines = Deadlines(min(limits.first_byte_s, limits.idle_s, limits.total_s or limits.idle_s))
        self._idle: deque[Connection] = deque()
        self._busy: set[Connection] = set()
        self._queue: deque[asyncio.Future[None]] = deque()
        self._connecting = 0
        self._head("GET", "", ())

    async def send(self, request: Request) -> Response:
        """The whole reply, read within every limit."""
        connection = await self._asked(request, whole=True)
        status, headers, body = connection.status, connection.headers(), connection.body()
        self._release(connection)
        return WholeResponse(status, headers, body)

    async def open(self, request: Request) -> Opened:
        """The reply's head; its body follows piece by piece, each as soon as it arrives."""
        return _HttpOpened(self, await self._asked(request, whole=False))

    async def aclose(self) -> None:
        """Close every connection."""
        self._deadlines.close()
        for connection in (*self._idle, *self._busy):
            connection.abort()
        self._idle.clear()

    def done_with(self, connection: Connection) -> None:
        """An opened reply was read to its end, or left."""
        self._release(connection)

    async def _asked(self, request: Request, *, whole: bool) -> Connection:
        """The connection on which the request was answered. A kept one that turns out to be closed is replaced."""
        head = self._heads.get((request.method, request.path, request.headers))
        if head is None:
            head = self._head(request.method, request.path, request.headers)
        connection = self._kept()
        while True:
            connection = connection or await self._connected()
            self._busy.add(connection)
            self._deadlines.add(connection)
            try:
                connection.ask(head, request.body, whole=whole, body_limit=self.limits.body_bytes)
                await connection.answered()
                return connection
            except Stale:  # only a connection that has answered before can be
                self._release(connection)
                connection = None
            except BaseException:
                self._release(connection)
                raise

    def _kept(self) -> Connection | None:
        """A connection that has answered before and is still open."""
        now = monotonic()
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and now - connection.kept_since < _KEEP_S:
                return connection
            connection.abort()
        return None

    async def _connected(self) -> Connection:
        """A new connection, or one that comes free when there may be no more."""
        limits = self.limits
        phase = "connect"
        try:
            async with asyncio.timeout(limits.connect_s):
                if limits.connections is not None:
                    phase = "pool"
                    while len(self._busy) + self._connecting >= limits.connections:
                        await self._turn()
                        if kept := self._kept():
                            return kept
                    phase = "connect"
                return await self._dial()
        except TimeoutError:
            raise fault("upstream_timeout", upstream=self.name, phase=phase, limit_s=limits.connect_s) from None
        except OSError:
            raise fault("upstream_unreachable", upstream=self.name) from None

    async def _dial(self) -> Connection:
        self._connecting += 1
        try:
            return await self._dialler.connect(self._made)
        finally:
            self._connecting -= 1

    async def _turn(self) -> None:
        """Wait until a connection has come free."""
        waiter = asyncio.get_running_loop().create_future()
        self._queue.append(waiter)
        try:
            await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled():
                self._next()
            raise
        finally:
            if waiter in self._queue:
                self._queue.remove(waiter)

    def _next(self) -> None:
        while self._queue:
            waiter = self._queue.popleft()
            if not waiter.done():
                return waiter.set_result(None)
        return None

    def _release(self, connection: Connection) -> None:
        """Keep a connection whose reply was read; reset any other."""
        self._busy.discard(connection)
        self._deadlines.remove(connection)
        if connection.reusable:
            now = monotonic()
            connection.rest(now)
            self._idle.append(connection)
            self._weed(now)
        else:
            connection.leave()
        if self._queue:
            self._next()

    def _weed(self, now: float) -> None:
        """Let go of connections that lie unused since a busier time. The last used is used first, so the oldest are in
        front."""
        idle = self._idle
        while idle and (idle[0].closed or now - idle[0].kept_since >= _KEEP_S):
            idle.popleft().abort()

    def _made(self) -> Connection:
        limits = self.limits
        return Connection(self.name, limits.first_byte_s, limits.idle_s, limits.total_s)

    def _head(self, method: str, path: str, headers: Headers) -> bytes:
        """A request's head up to its length, built once for each kind of request."""
        base = self._base
        target = base.path.rstrip("/") + path or "/"
        if self._dialler.absolute_form:
            target = f"{base.scheme}://{_host(base.netloc)}{target}"
        lines = [f"{method} {target} HTTP/1.1", f"Host: {_host(base.netloc)}"]
        lines += [f"{name}: {value}" for name, value in (*self._headers, *headers)]
        if any(_UNSENDABLE.search(line) for line in lines) or " " in target:
            raise ValueError("a header or address holds a character that cannot be sent")
        head = ("\r\n".join(lines) + "\r\n").encode("latin-1")
        if len(self._heads) < _MOST_HEADS:  # a form's boundary makes a head that never comes again
            self._heads[method, path, headers] = head
        return head


class WholeResponse(msgspec.Struct):
    """A whole reply."""

    status: int
    _headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        return _header(self._headers, name)


class _HttpOpened:
    """A reply whose body is still arriving. Once it has ended, its connection may be somebody else's."""

    __slots__ = ("_connection", "_ended", "_headers", "_owner", "status")

    def __init__(self, owner: HttpTransport, connection: Connection) -> None:
        self.status = connection.status
        self._headers = connection.headers()
        self._connection = connection
        self._owner = owner
        self._ended = False

    def header(self, name: str) -> str | None:
        return _header(self._headers, name)

    def read(self) -> Awaitable[bytes]:
        return self._connection.read(self._over) if not self._ended else _nothing()

    def flow(self, take: Callable[[bytes], bool]) -> Awaitable[None]:
        return self._connection.flow(take) if not self._ended else _over_already()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self.read():
            yield data

    async def aclose(self) -> None:
        self._over()

    def _over(self) -> None:
        if not self._ended:
            self._ended = True
            self._owner.done_with(self._connection)


async def _nothing() -> bytes:
    return b""


async def _over_already() -> None:
    """Nothing more arrives."""


async def drain(opened: Opened, within_s: float = _EOF_WITHIN_S) -> None:
    """After a stream's own end marker: read the end of the body so that the connection can be used again, but do not
    wait for a server that keeps it open."""
    try:
        async with asyncio.timeout(within_s):
            while await opened.read():
                pass
    except (TimeoutError, Fault):
        pass
    await opened.aclose()


def _host(netloc: str) -> str:
    return netloc.rpartition("@")[2]


def _header(headers: list[tuple[bytes, bytes]], name: str) -> str | None:
    wanted = name.lower().encode("latin-1")
    return next((value.decode("latin-1") for key, value in headers if key.lower() == wanted), None)
