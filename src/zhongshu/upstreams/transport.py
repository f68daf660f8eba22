"""How bytes reach an upstream: one small interface, the real client behind it, and what can go wrong on the way.

    Transport.send(Request)  -> Response   the whole reply
    Transport.open(Request)  -> Opened     status and headers now, body as it arrives

Knows HTTP, connections and clocks; knows no dialect, no model and no key. Foreign errors become ours here:

    no connection, DNS, TLS         upstream_unreachable
    a phase over its limit          upstream_timeout (connect, pool, first byte, idle, total)
    broken off in the body          upstream_cut
    not HTTP, or a body too large   upstream_malformed
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import NamedTuple, NoReturn, Protocol

import msgspec
from pyreqwest import exceptions as foreign
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.proxy import ProxyBuilder
from pyreqwest.request import RequestBody, StreamRequest
from pyreqwest.response import Response as ForeignResponse
from pyreqwest.response import ResponseBodyReader

from zhongshu.core.problems import Fault, fault
from zhongshu.upstreams.deadlines import Deadlines, Wait

Headers = tuple[tuple[str, str], ...]

_READ_AHEAD = 65_536
# A pooled connection that the server has closed fails within a round trip; what fails later was really at work.
_STALE_WITHIN_S = 1.0
_EOF_WITHIN_S = 0.05


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
    async def read(self) -> bytes:
        """The next bytes as the network cut them; empty at the end. Raises Fault("upstream_cut") when broken off."""
        ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def aclose(self) -> None: ...


class Transport(Protocol):
    """A way to one upstream. Cancelling the awaiting task resets the connection."""

    async def send(self, request: Request) -> Response: ...
    async def open(self, request: Request) -> Opened: ...
    async def aclose(self) -> None: ...


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one upstream's transport keeps to. Seconds; None means no limit. `body_bytes` bounds a whole reply."""

    connect_s: float = 10.0
    first_byte_s: float = 300.0
    idle_s: float = 60.0
    total_s: float | None = None
    connections: int | None = None
    body_bytes: int = 64 * 1024 * 1024


class WholeResponse:
    """A whole reply, as our client got it."""

    __slots__ = ("_foreign", "body", "status")

    def __init__(self, foreign: ForeignResponse, body: bytes) -> None:
        self.status = foreign.status
        self.body = body
        self._foreign = foreign

    def header(self, name: str) -> str | None:
        """The first header of that name, whatever its case."""
        return self._foreign.get_header(name)


class HttpTransport:
    """A pooled HTTP/1.1 client of one upstream, over pyreqwest (Rust reqwest).

    name: the upstream's, for problems. base_url: without a trailing slash. proxy: `http://`, `https://`, `socks4://`,
    `socks5://` (names resolved here) or `socks5h://` (by the proxy), "system" for the environment's, None for none.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        headers: Headers = (),
        limits: Limits | None = None,
        proxy: str | None = None,
    ) -> None:
        self.name = name
        self.limits = limits = limits or Limits()
        self._base = base_url.rstrip("/")
        self._client = _client(headers, limits, proxy)
        self._deadlines = Deadlines(min(limits.first_byte_s, limits.idle_s, limits.total_s or limits.idle_s))
        self._templates: dict[tuple[str, str, Headers, int], StreamRequest] = {}
        self._answered = False

    async def send(self, request: Request) -> Response:
        """The whole reply, read within every limit."""
        limits = self.limits
        template = self._template(request, _READ_AHEAD)
        wait = self._deadlines.begin(limits.first_byte_s, limits.total_s)
        sending = _filled(template, request.body)
        try:
            try:
                response = await sending.__aenter__()
            except BaseException as error:  # noqa: BLE001 - the border: `_again` raises ours, or this one again
                sending, response = await self._again(template, request.body, wait, error)
            self._answered = True
            wait.again(limits.idle_s)
            if int(response.get_header("content-length") or _READ_AHEAD) < _READ_AHEAD:
                try:
                    return WholeResponse(response, (await response.bytes()).to_bytes())
                except BaseException as error:  # noqa: BLE001 - the border, likewise
                    self.broken(error, wait)
            opened = _HttpOpened(self, sending, response, wait)
            try:
                return WholeResponse(response, await opened.rest(limits.body_bytes))
            finally:
                await opened.aclose()
        finally:
            self._deadlines.end(wait)

    async def open(self, request: Request) -> Opened:
        """The reply's head; its body follows piece by piece, each as soon as it arrives."""
        template = self._template(request, 0)
        wait = self._deadlines.begin(self.limits.first_byte_s, self.limits.total_s)
        sending = _filled(template, request.body)
        try:
            try:
                response = await sending.__aenter__()
            except BaseException as error:  # noqa: BLE001 - the border: `_again` raises ours, or this one again
                sending, response = await self._again(template, request.body, wait, error)
        except BaseException:
            self._deadlines.end(wait)
            raise
        self._answered = True
        wait.stop()
        return _HttpOpened(self, sending, response, wait)

    async def aclose(self) -> None:
        """Close every connection."""
        self._deadlines.close()
        await self._client.close()

    def _template(self, request: Request, read_ahead: int) -> StreamRequest:
        """Address and headers are built once for each kind of request; only the body is new each time."""
        key = (request.method, request.path, request.headers, read_ahead)
        template = self._templates.get(key)
        if template is None:
            builder = self._client.request(request.method, self._base + request.path)
            built = builder.headers(request.headers).streamed_read_buffer_limit(read_ahead).build_streamed()
            template = self._templates[key] = built
        return template

    async def _again(self, template: StreamRequest, body: bytes, wait: Wait, error: BaseException) -> _Begun:
        """A request failed before its head. If that was a pooled connection which the server had closed, try once
        more: reqwest does not do that itself when the close crosses the request (seen with 0.13.5, 2026-11)."""
        late = wait.waited() > _STALE_WITHIN_S
        if self._answered and not late and isinstance(error, foreign.ConnectError) and _sent(error):
            sending = _filled(template, body)
            try:
                return _Begun(sending, await sending.__aenter__())
            except BaseException as second:  # noqa: BLE001 - the border: explained below
                error = second
        if wait.expired():
            self._timeout(wait, "first byte", self.limits.first_byte_s)
        self._explain(error)

    def ended(self, wait: Wait) -> None:
        """A body is over: stop watching it."""
        self._deadlines.end(wait)

    def broken(self, error: BaseException, wait: Wait) -> NoReturn:
        """A body broke off: say how."""
        if wait.expired():
            self._timeout(wait, "idle", self.limits.idle_s)
        if isinstance(error, foreign.PyreqwestError) and not isinstance(error, foreign.RequestTimeoutError):
            raise fault("upstream_cut", upstream=self.name) from None
        self._explain(error)

    def _timeout(self, wait: Wait, phase: str, limit_s: float) -> NoReturn:
        if wait.total:
            phase, limit_s = "total", self.limits.total_s or 0.0
        raise fault("upstream_timeout", upstream=self.name, phase=phase, limit_s=limit_s) from None

    def _explain(self, error: BaseException) -> NoReturn:
        """A foreign error before the head arrived, as ours; anything else, such as being cancelled, as it is. Foreign
        texts may hold addresses: they are not kept."""
        if not isinstance(error, foreign.PyreqwestError):
            raise error
        if isinstance(error, foreign.PoolTimeoutError):
            raise fault("upstream_timeout", upstream=self.name, phase="pool", limit_s=self.limits.connect_s) from None
        if isinstance(error, foreign.RequestTimeoutError):
            raise fault(
                "upstream_timeout", upstream=self.name, phase="connect", limit_s=self.limits.connect_s
            ) from None
        if isinstance(error, foreign.DecodeError):
            raise fault("upstream_malformed", upstream=self.name, why="the reply is not HTTP") from None
        raise fault("upstream_unreachable", upstream=self.name) from None


class _Begun(NamedTuple):
    """A request on its way, and the head of its reply."""

    sending: StreamRequest
    response: ForeignResponse


class _HttpOpened:
    """A reply whose body is still arriving."""

    __slots__ = ("_idle_s", "_owner", "_reader", "_response", "_sending", "_wait", "ended", "status")

    def __init__(self, owner: HttpTransport, sending: StreamRequest, response: ForeignResponse, wait: Wait) -> None:
        self._response = response
        self.status = response.status
        self.ended = False
        self._owner = owner
        self._sending = sending
        self._reader: ResponseBodyReader = response.body_reader
        self._wait = wait
        self._idle_s = owner.limits.idle_s

    def header(self, name: str) -> str | None:
        return self._response.get_header(name)

    async def read(self) -> bytes:
        if self.ended:
            return b""
        wait = self._wait
        wait.start(self._idle_s)
        try:
            chunk = await self._reader.read_chunk()
        except BaseException as error:  # noqa: BLE001 - the border: `broken` raises ours, or this one again
            await self.aclose()
            self._owner.broken(error, wait)
        wait.stop()
        if chunk is None:
            self._over()
            return b""
        return chunk.to_bytes()

    async def rest(self, limit: int) -> bytes:
        """All that is left, at most `limit` bytes."""
        first = await self.read()
        chunk = await self.read() if first else b""
        if not chunk:
            return first
        chunks, size = [first], len(first)
        while chunk:
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                raise fault("upstream_malformed", upstream=self._owner.name, why=f"the body is over {limit} bytes")
            chunk = await self.read()
        return b"".join(chunks)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await self.read():
            yield chunk

    async def aclose(self) -> None:
        if not self.ended:
            self._over()
            await self._sending.__aexit__(None, None, None)

    def _over(self) -> None:
        self.ended = True
        self._owner.ended(self._wait)


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


def _client(headers: Headers, limits: Limits, proxy: str | None) -> Client:
    builder = (
        ClientBuilder()
        .http1_only()
        .follow_redirects(False)
        .referer(False)
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .user_agent("zhongshu")
        .default_headers(headers)
        .connect_timeout(timedelta(seconds=limits.connect_s))
        .pool_timeout(timedelta(seconds=limits.connect_s))
        .max_connections(limits.connections)
    )
    if proxy is None:
        builder = builder.no_proxy()
    elif proxy != "system":
        builder = builder.no_proxy().proxy(ProxyBuilder.all(proxy))
    return builder.build()


def _filled(template: StreamRequest, body: bytes) -> StreamRequest:
    return StreamRequest.from_request_and_body(template, RequestBody.from_bytes(body) if body else None)


def _sent(error: foreign.ConnectError) -> bool:
    """Whether the connection was there and the request on its way: hyper's own word for that phase is SendRequest."""
    causes = error.details["causes"] or []
    return any("SendRequest" in cause["message"] for cause in causes)
