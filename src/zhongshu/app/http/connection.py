"""One client's connection: bytes into requests, and a task that answers them one after another.

Stands where uvicorn's own protocol would, and adds what that leaves out:

- The application learns at once that a client is gone (api/asgi.ON_LEAVE), at no cost until it happens.
- A request that dribbles in is cut off with 408 after a bounded time: head and body together. A head that does not
  end is cut off with 431, what is not HTTP with 400, all as JSON; and a reply given before all of a request has
  arrived reaches its client.
- A head that comes again is not parsed again (heads.py), and one task serves a connection for as long as it is there.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Any, cast

import httptools
from uvicorn import Config
from uvicorn.server import ServerState

from zhongshu.api.asgi import BODY, App
from zhongshu.app.http import scopes
from zhongshu.app.http.exchange import Exchange
from zhongshu.app.http.heads import Header, Known, known
from zhongshu.app.http.refusals import BROKEN, HEAD_TOO_LARGE, MALFORMED, MAX_HEAD_BYTES
from zhongshu.app.http.scopes import Scope
from zhongshu.app.http.upgrades import asks_for_websocket, upgrading_head
from zhongshu.app.http.waiting import LINGER_S, Waiting
from zhongshu.core.deadlines import NEVER

log = logging.getLogger("zhongshu.http")

_NEVER_AGAIN = 8
"""After so many different heads in a row, the connection's next ones are not expected to be known either."""


class Connection(asyncio.Protocol):
    """One connection. due, expire: see Deadlines; what it waits for is more of a request, the next, or its own end.
    All but `waiting` is what uvicorn makes a protocol with."""

    def __init__(
        self,
        waiting: Waiting,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        del app_state
        self._waiting = waiting
        self._config = config
        self._state = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._app = cast("App", config.loaded_app)  # pyright: ignore[reportUnknownMemberType]
        self._parser = httptools.HttpRequestParser(self)
        # A request behind a reply that says it closes is not an error of the one before.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._task: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._queue: deque[tuple[Exchange, Scope]] = deque()
        self._last: Exchange | None = None  # the one that arrives, or arrived last
        self._working: Exchange | None = None  # the one that is being answered
        self._known: Known | None = None
        self._on_leave: Callable[[], None] | None = None
        self._gone = self._deaf = self._read_paused = False
        self._arriving = self._head_read = self._bounded = False
        self._head_bytes = self._begun = self._unheard = 0
        self._url = b""
        self._headers: list[Header] = []
        self._scope: Scope = {}
        self._drained: asyncio.Future[None] | None = None
        self.write_paused = False
        self.due = NEVER

    # What the event loop does --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The client is there."""
        self._transport = cast("asyncio.Transport", transport)
        self.write = self._transport.write
        self._base = scopes.of_connection(self._transport, self._register, self._more_time)
        self._state.connections.add(self)  # pyright: ignore[reportArgumentType] - its own protocols' names
        self._waiting.deadlines.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._state.connections.discard(self)  # pyright: ignore[reportArgumentType]
        self._waiting.deadlines.remove(self)
        self._retire()
        for exchange, _ in self._queue:
            exchange.left()
        if self._last is not None and not self._last.complete:
            self._last.left()
        self.resume_writing()
        self._leave()
        self._forget()

    def data_received(self, data: bytes) -> None:
        """Some of a request, all of it, or several."""
        if self._deaf:
            return
        fresh = not self._arriving
        if fresh:
            self.due = NEVER
            if self._known is not None and (body := self._known.body(data)) is not None:
                return self._again(self._known, body)
        self._begun = 0
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            return self._refuse(MALFORMED)
        except httptools.HttpParserUpgrade:
            if self._is_websocket():
                return self._hand_over()
        if self._arriving and not self._deaf:
            return self._in_pieces(len(data))
        if fresh and self._unheard < _NEVER_AGAIN:
            self._learn(data)
        return None

    def eof_received(self) -> None:
        """The client sends no more; the connection is closed, as nobody half-closes a connection that is kept."""

    def pause_writing(self) -> None:
        """The client does not read."""
        self.write_paused = True

    def resume_writing(self) -> None:
        """It does again."""
        self.write_paused = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def shutdown(self) -> None:
        """uvicorn: finish what is being answered, and take nothing more."""
        if self._last is None or self._last.complete:
            self._transport.close()
        else:
            self._last.keep_alive = False

    def expire(self) -> None:
        """What was waited for has not come."""
        self.due = NEVER
        if self._arriving and not self._deaf:
            self._refuse(self._waiting.too_slow)
        else:
            self._transport.close()

    # What the parser does ------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        self._arriving = True
        self._head_read = self._bounded = False
        self._head_bytes = 0
        self._begun += 1
        self._url = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        """Some of its address."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer, which nobody asked for."""
        if not self._head_read:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is there: the application may begin."""
        parser = self._parser
        scope = self._scope = {**self._base, "headers": self._headers}
        scope["method"] = parser.get_method().decode("ascii")
        if self._is_websocket():
            return
        version = parser.get_http_version()
        names = [name for name, _ in self._headers]
        if version == "1.1" and names.count(b"host") != 1:
            raise ValueError("a request names its host once (RFC 9112, 3.2)")  # answered as what is not HTTP
        scope["http_version"] = version
        scope |= scopes.of_address(self._url)
        exchange = Exchange(self)
        exchange.head_only = scope["method"] == "HEAD"
        exchange.keep_alive = version != "1.0" and parser.should_keep_alive()
        exchange.expects = any(name == b"expect" and value.lower() == b"100-continue" for name, value in self._headers)
        self._head_read = True
        self._begin(exchange, scope)

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        if self._head_read and self._last is not None:
            self._last.arrived(body)

    def on_message_complete(self) -> None:
        """All of the request is here: what is awaited now is our own reply, which may take its time."""
        self._arriving = False
        self.due = NEVER
        if self._head_read and self._last is not None:
            self._last.arrived_whole()
            if self._last.complete:  # answered before all of it had come
                self._rest()

    # Requests ------------------------------------------------------------------------------------------------

    def _learn(self, data: bytes) -> None:
        """Remember the head that `data` begins with: the next one may be the same."""
        self._known = None
        if self._begun == 1 and self._last is not None and self._last.keep_alive and self._head_read:
            self._unheard += 1
            self._known = known(data, self._scope)

    def _again(self, head: Known, body: bytes) -> None:
        """A request with the head of the one before, and its body."""
        self._unheard = 0
        scope = head.scope()
        scope[BODY] = body
        self._begin(Exchange(self, body), scope)

    def _begin(self, exchange: Exchange, scope: Scope) -> None:
        before, self._last = self._last, exchange
        self._queue.append((exchange, scope))
        if self._task is None:
            task = self._task = self._loop.create_task(self._serve())
            self._state.tasks.add(task)
            task.add_done_callback(self._state.tasks.discard)
        elif self._waiter is not None:
            if not self._waiter.done():
                self._waiter.set_result(None)
        elif before is not None and not before.complete:
            self.pause_reading()

    async def _serve(self) -> None:
        """Answer what comes on this connection, in order, until it is gone."""
        while not self._gone:
            if not self._queue:
                self._waiter = self._loop.create_future()
                await self._waiter
                self._waiter = None
                continue
            exchange, scope = self._queue.popleft()
            self._working = exchange
            try:
                await self._app(scope, exchange.receive, exchange)
                if not exchange.complete and not exchange.disconnected:
                    self._broke(exchange, "the reply has no end")
            except asyncio.CancelledError:  # by uvicorn, past its grace; or a client that left, and nobody minded
                self._broke(exchange, "")
                raise
            # The border: whatever an application did not catch itself.
            except Exception as error:  # noqa: BLE001
                self._broke(exchange, type(error).__name__)
            del exchange, scope

    def _broke(self, exchange: Exchange, why: str) -> None:
        """The application gave up. Say so where nothing has been said, and close."""
        if why:
            log.error("a request was not answered: %s", why)
        if exchange.complete:
            return
        if not (exchange.started or exchange.disconnected or self._transport.is_closing()):
            self.write(BROKEN)
        exchange.started = exchange.complete = True
        self._transport.close()

    def _register(self, callback: Callable[[], None] | None) -> None:
        self._on_leave = callback

    def _leave(self) -> None:
        leave, self._on_leave = self._on_leave, None
        if leave is not None:
            leave()

    def _retire(self) -> None:
        """No request will come any more: the task may end."""
        self._gone = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _forget(self) -> None:
        """Let go of what leads back here, so that nothing of the connection waits for the garbage collector."""
        self._queue.clear()
        self._base, self._scope, self._headers = {}, {}, []
        self._known = self._last = self._working = self._task = None
        del self._parser

    # Replies -------------------------------------------------------------------------------------------------

    def pause_reading(self) -> None:
        """Enough has arrived for now."""
        if not self._read_paused:
            self._read_paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """More may arrive."""
        if self._read_paused:
            self._read_paused = False
            self._transport.resume_reading()

    async def drained(self) -> None:
        """Return when the client has read enough, or is gone."""
        while self.write_paused and not self._gone:
            if self._drained is None or self._drained.done():
                self._drained = self._loop.create_future()
            await asyncio.shield(self._drained)

    def answered(self, exchange: Exchange) -> None:
        """A reply is written to its end."""
        self._state.total_requests += 1
        if self._transport.is_closing():
            return
        if not exchange.keep_alive:
            return self._hang_up() if self._arriving else self._transport.close()
        if self._read_paused:
            self.resume_reading()
        if not self._queue and not self._arriving:
            self._rest()
        return None

    def cut(self) -> None:
        """A reply cannot be ended as it was begun."""
        self._transport.close()

    def _rest(self) -> None:
        """Nothing is being asked: the next request may take its time."""
        if not self._deaf:
            self.due = monotonic() + self._waiting.keep_alive_s

    # Endings -------------------------------------------------------------------------------------------------

    def _in_pieces(self, size: int) -> None:
        """A request of which some is still to come."""
        if not self._bounded:
            self._bounded = True
            self.due = monotonic() + self._waiting.arrive_within_s
        if not self._head_read:
            self._head_bytes += size
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse(HEAD_TOO_LARGE)

    def _more_time(self) -> None:
        """What has arrived so far is taken in: the rest may take as long again."""
        if self._arriving and self._bounded and not self._deaf:
            self.due = monotonic() + self._waiting.arrive_within_s

    def _refuse(self, reply: bytes) -> None:
        """Say why, unless that would land in the middle of another reply, and hang up."""
        if self._transport.is_closing() or self._deaf:
            return
        last = self._last
        if last is None or last.complete or not (last.started or self._owes_before(last)):
            self.write(reply)
        if last is not None and not last.complete:  # whoever works on it is let go
            last.left()
        self._leave()
        self._hang_up()

    def _owes_before(self, last: Exchange) -> bool:
        """Whether a reply is still to be written that comes before this one's."""
        before = [self._working, *(exchange for exchange, _ in self._queue)]
        return any(exchange is not None and exchange is not last and not exchange.complete for exchange in before)

    def _hang_up(self) -> None:
        """Close for writing, and read into nothing for a while: closed at once, a client that is still sending would be
        reset before it has read the reply (RFC 9112, 9.6)."""
        if self._transport.is_closing() or self._deaf:
            return
        self._deaf = True
        self._transport.write_eof()
        self.resume_reading()
        self.due = monotonic() + LINGER_S

    def _hand_over(self) -> None:
        """Give the connection to the WebSocket protocol, which reads the head once more."""
        self._state.connections.discard(self)  # pyright: ignore[reportArgumentType]
        self._waiting.deadlines.remove(self)
        self._retire()
        head = upgrading_head(self._scope["method"], self._url, self._headers)
        protocol: Any = cast("Any", self._config.ws_protocol_class)(
            config=self._config, server_state=self._state, app_state={}
        )
        protocol.connection_made(self._transport)
        protocol.data_received(head)
        self._transport.set_protocol(protocol)
        self._forget()

    def _is_websocket(self) -> bool:
        return self._parser.should_upgrade() and asks_for_websocket(self._headers)
