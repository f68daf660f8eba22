"""The scripted upstream under uvicorn, on a port of its own or one the system chooses."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Generator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from zhongshu.upstreams.scripted.app import ScriptedApp
from zhongshu.upstreams.scripted.exchange import TRANSPORT


class _Protocol(HttpToolsProtocol):
    """Hands the connection to the application, which alone knows when to break it."""

    def on_headers_complete(self) -> None:
        """The request's head is there; the application runs after this returns."""
        super().on_headers_complete()
        scope: dict[str, Any] = self.scope  # pyright: ignore[reportAssignmentType]
        scope[TRANSPORT] = self.transport


def configured(app: ScriptedApp, keep_alive_s: float = 75) -> uvicorn.Config:
    """How uvicorn runs it: quietly, on one loop, without touching signals or headers it was not told to."""
    return uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType]
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=int(keep_alive_s),
        timeout_graceful_shutdown=1,
    )


def bound(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A listening socket; port 0 lets the system choose. Who connects from now on is answered once it is served."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(1024)
    except OSError:
        listening.close()
        raise
    return listening


def run(app: ScriptedApp, listening: socket.socket) -> None:
    """Serve until interrupted."""
    uvicorn.Server(configured(app)).run(sockets=[listening])


class Served:
    """A running scripted upstream: its application and where it listens."""

    def __init__(self, app: ScriptedApp, port: int) -> None:
        self.app = app
        self.port = port
        self.base_url = f"http://127.0.0.1:{port}/v1"


@contextlib.contextmanager
def serving(app: ScriptedApp | None = None, keep_alive_s: float = 75) -> Generator[Served]:
    """A scripted upstream running in a thread of its own, for tests and benchmarks."""
    app = app or ScriptedApp()
    listening = bound()
    server = uvicorn.Server(configured(app, keep_alive_s))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield Served(app, listening.getsockname()[1])
    finally:
        server.should_exit = server.force_exit = True
        thread.join()
        listening.close()
