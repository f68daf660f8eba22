"""The HTTP server of a worker: uvicorn on a socket it was given, with connections of our own (app/http/).

Shutdown is ours to start (drain first), so uvicorn installs no signal handlers. A worker that shares its socket with
others takes connections by an acceptor of our own, which spreads them.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Generator
from functools import partial
from typing import Any

import uvicorn

from zhongshu.api.asgi import App
from zhongshu.app.http.acceptor import Acceptor
from zhongshu.app.http.connection import Connection
from zhongshu.app.http.counts import OpenCounts
from zhongshu.app.http.waiting import Waiting


class Server(uvicorn.Server):
    """uvicorn without its signal handlers. counts: of the workers it shares its socket with; None: of none."""

    def __init__(self, config: uvicorn.Config, counts: OpenCounts | None = None) -> None:
        super().__init__(config)
        self._counts = counts
        self._acceptor: Acceptor | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    def stop(self, grace_s: float) -> None:
        """Close the listening socket and idle connections; running requests, and replies on their way to slow readers,
        may go on for the grace period."""
        self.config.timeout_graceful_shutdown = max(1, round(grace_s))
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take connections: as uvicorn does, or in turn with other workers."""
        if self._counts is None or not sockets:
            return await super().startup(sockets)
        self._acceptor = Acceptor(sockets[0], self._counts, self._connection)
        self.server_state.connections = self._acceptor.open
        self._acceptor.start()
        self.servers: Any = [self._acceptor]
        self.started = True
        return None

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take none any more, and end those that there are."""
        if self._acceptor is not None:  # whoever was accepted last is told to end too
            self._acceptor.close()
            await self._acceptor.wait_closed()
        await super().shutdown(sockets)

    def _connection(self) -> asyncio.Protocol:
        made: Any = self.config.http_protocol_class
        return made(config=self.config, server_state=self.server_state, app_state={})


def server(
    app: App,
    *,
    keep_alive_s: float,
    arrive_within_s: float,
    backlog: int,
    max_message_bytes: int = 16 * 1024 * 1024,
    counts: OpenCounts | None = None,
) -> Server:
    """A server for one worker. Call `await server.serve(sockets=[...])`."""
    connection = partial(Connection, Waiting(arrive_within_s, keep_alive_s))
    config = uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType] - the same callable in our own words
        http=connection,  # pyright: ignore[reportArgumentType] - called as a class is
        interface="asgi3",
        loop="uvloop",
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=max_message_bytes,
        proxy_headers=False,
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        backlog=backlog,
    )
    return Server(config, counts)


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
