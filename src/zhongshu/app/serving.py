"""The HTTP server of a worker: uvicorn on a socket it was given, with what uvicorn leaves out.

- The application learns at once that a client is gone (api/asgi.ON_LEAVE), at no cost until it happens.
- A request that dribbles in is cut off with 408 after a bounded time: head and body together. A head that does not
  end is cut off with 431, what is not HTTP with 400, all as JSON; and a reply given before all of a request has
  arrived reaches its client.
- A reply leaves in one write (app/cycle.py).
- Shutdown is ours to start (drain first), so uvicorn installs no signal handlers.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import urllib.parse
from collections.abc import Callable, Generator
from http import HTTPStatus
from typing import Any, cast

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from zhongshu.api.asgi import MORE_TIME, ON_LEAVE, App
from zhongshu.api.openai.errors import error_body
from zhongshu.app.cycle import Cycle
from zhongshu.core.problems import Problem, problem

_MAX_HEAD_BYTES = 64 * 1024
_LINGER_S = 2.0


def protocol(arrive_within_s: float) -> type[HttpToolsProtocol]:
    """The protocol class for a given bound on how long one request may take to arrive."""
    too_slow = _reply(problem("body_too_slow", limit=arrive_within_s))

    class Protocol(HttpToolsProtocol):
        """One connection."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._on_leave: Callable[[], None] | None = None
            self._arriving = False
            self._head_read = False
            self._head_bytes = 0
            self._deaf = False
            self._timer: asyncio.TimerHandle | None = None

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._stop_timer()
            self._leave()

        def data_received(self, data: bytes) -> None:
            if self._deaf:
                return
            super().data_received(data)
            if self._arriving and not self._deaf:
                self._in_pieces(len(data))
            elif self._timer is not None:
                self._stop_timer()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self._arriving = True
            self._head_read = False
            self._head_bytes = 0

        def on_headers_complete(self) -> None:
            """Begin a cycle of our own kind; what uvicorn does here besides (its own limits) is not used."""
            parser, scope = cast(httptools.HttpRequestParser, self.parser), self.scope
            if parser.should_upgrade() and self._should_upgrade():
                scope["method"] = parser.get_method().decode("ascii")
                return  # uvicorn hands the connection over to a WebSocket
            app: Any = self.app  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            http_version = parser.get_http_version()
            if http_version == "1.1" and [name for name, _ in scope["headers"]].count(b"host") != 1:
                raise ValueError("a request names its host once (RFC 9112, 3.2)")  # answered as what is not HTTP
            url = httptools.parse_url(self.url)
            path = url.path.decode("ascii")
            scope["method"] = parser.get_method().decode("ascii")
            scope["http_version"] = http_version
            scope["path"] = urllib.parse.unquote(path) if "%" in path else path
            scope["raw_path"] = url.path
            scope["query_string"] = url.query or b""
            scope[ON_LEAVE] = self._register  # pyright: ignore[reportGeneralTypeIssues]
            before = self.cycle
            self.cycle = Cycle(
                scope=scope,
                transport=self.transport,
                flow=self.flow,
                logger=self.logger,
                access_logger=self.access_logger,
                access_log=False,
                default_headers=[],
                message_event=asyncio.Event(),
                expect_100_continue=self.expect_100_continue,
                keep_alive=http_version != "1.0" and parser.should_keep_alive(),
                on_response=self.on_response_complete,
            )
            if before is None or before.response_complete:  # pyright: ignore[reportUnnecessaryComparison]
                self._start_asgi_task(self.cycle, app)  # pyright: ignore[reportUnknownArgumentType]
            else:
                self.flow.pause_reading()
                self.pipeline.appendleft((self.cycle, app))  # pyright: ignore[reportUnknownArgumentType]
            self._head_read = True

        def on_message_complete(self) -> None:
            self._arriving = False
            super().on_message_complete()

        def send_400_response(self, msg: str) -> None:
            self._refuse(_MALFORMED)

        def _leave(self) -> None:
            leave, self._on_leave = self._on_leave, None
            if leave is not None:
                leave()

        def _register(self, callback: Callable[[], None] | None) -> None:
            self._on_leave = callback

        def _in_pieces(self, size: int) -> None:
            """A request of which some is still to come."""
            if self._timer is None:
                self._timer = self.loop.call_later(arrive_within_s, self._refuse, too_slow)
            if self._head_read:
                self.cycle.scope[MORE_TIME] = self._more_time  # pyright: ignore[reportGeneralTypeIssues]
                self.cycle.transport = _Lingering(self.transport, self._hang_up)  # pyright: ignore[reportAttributeAccessIssue]
                return
            self._head_bytes += size
            if self._head_bytes > _MAX_HEAD_BYTES:
                self._refuse(_HEAD_TOO_LARGE)

        def _more_time(self) -> None:
            """What has arrived so far is taken in: the rest may take as long again."""
            if self._arriving and self._timer is not None and not self._deaf:
                self._timer.cancel()
                self._timer = self.loop.call_later(arrive_within_s, self._refuse, too_slow)

        def _stop_timer(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _refuse(self, reply: bytes) -> None:
            """Say why, unless that would land in the middle of another reply, and hang up."""
            if self.transport.is_closing() or self._deaf:
                return
            cycle = cast("Cycle | None", self.cycle)
            if cycle is None or cycle.response_complete or not (cycle.response_started or self.pipeline):
                self.transport.write(reply)
            if cycle is not None and not cycle.response_complete:  # whoever works on it is let go
                cycle.disconnected = True
                cycle.message_event.set()
            self._leave()
            self._hang_up()

        def _hang_up(self) -> None:
            """Close for writing, and read into nothing for a while: closed at once, a client that is still sending
            would be reset before it has read the reply (RFC 9112, 9.6)."""
            if self.transport.is_closing() or self._deaf:
                return
            self._deaf = True
            self._stop_timer()
            self.transport.write_eof()
            self.flow.resume_reading()
            self._timer = self.loop.call_later(_LINGER_S, self.transport.close)

    return Protocol


class _Lingering:
    """A transport for the reply to a request that is still arriving: closing it hangs up in order."""

    def __init__(self, transport: asyncio.Transport, hang_up: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = hang_up


def _reply(why: Problem) -> bytes:
    """A whole reply that ends the connection, for what never becomes a request."""
    body = error_body(why)
    head = f"HTTP/1.1 {why.status} {HTTPStatus(why.status).phrase}\r\ncontent-type: application/json\r\n"
    return b"%bconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (head.encode(), len(body), body)


_MALFORMED = _reply(problem("malformed_http"))
_HEAD_TOO_LARGE = _reply(problem("head_too_large", limit=_MAX_HEAD_BYTES))


class Server(uvicorn.Server):
    """uvicorn without its signal handlers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    def stop(self, grace_s: float) -> None:
        """Close the listening socket and idle connections; running requests, and replies on their way to slow readers,
        may go on for the grace period."""
        self.config.timeout_graceful_shutdown = max(1, round(grace_s))
        self.should_exit = True


def server(
    app: App, *, keep_alive_s: float, arrive_within_s: float, backlog: int, max_message_bytes: int = 16 * 1024 * 1024
) -> Server:
    """A server for one worker. Call `await server.serve(sockets=[...])`."""
    config = uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType] - the same callable in our own words
        http=protocol(arrive_within_s),
        loop="uvloop",
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=max_message_bytes,
        proxy_headers=False,
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_keep_alive=round(keep_alive_s),
        backlog=backlog,
    )
    return Server(config)


def listening_socket(host: str, port: int, backlog: int) -> socket.socket:
    """Bind and listen; raises OSError when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
