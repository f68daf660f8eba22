"""The unix socket of the engine: workers acquire and release models through it. Knows messages, not processes.

A worker's connection is its lease: when it drops, everything the worker held is released.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from pathlib import Path

import msgspec

from zhongshu.core.problems import Fault, problem
from zhongshu.engine.fleet import Fleet
from zhongshu.engine.messages import (
    Acquire,
    AskStatus,
    Failed,
    FromManager,
    FromWorker,
    Granted,
    Refused,
    Release,
    Told,
)

_log = logging.getLogger(__name__)
SOCKET = "engine.sock"
_LINE_LIMIT = 1024 * 1024


class EngineDoor:
    """Serves `fleet` on `run_dir/engine.sock`, mode 0600."""

    def __init__(self, fleet: Fleet, run_dir: Path) -> None:
        self.path = run_dir / SOCKET
        self._fleet = fleet
        self._server: asyncio.Server | None = None
        self._guests: set[_Guest] = set()

    async def start(self) -> None:
        """Open the socket. A stale one of an earlier run is replaced."""
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._welcome, self.path, limit=_LINE_LIMIT)
        self.path.chmod(0o600)

    async def aclose(self) -> None:
        """Close the socket and every connection."""
        if self._server is not None:
            self._server.close()
        for guest in tuple(self._guests):
            await guest.aclose()
        self.path.unlink(missing_ok=True)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        guest = _Guest(self._fleet, writer)
        self._guests.add(guest)
        try:
            await guest.serve(reader)
        finally:
            self._guests.discard(guest)


class _Guest:
    """One worker's connection."""

    def __init__(self, fleet: Fleet, writer: asyncio.StreamWriter) -> None:
        self._fleet = fleet
        self._writer = writer
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader) -> None:
        decoder = msgspec.json.Decoder(FromWorker)
        try:
            while line := await reader.readline():
                self._handle(decoder.decode(line))
        except (ConnectionError, msgspec.DecodeError, ValueError):
            pass  # the same as a dropped connection: whoever speaks nonsense is cut off
        finally:
            for task in self._tasks:
                task.cancel()
            self._fleet.release_all(self.send)
            await self.aclose()

    async def aclose(self) -> None:
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    def send(self, message: FromManager) -> None:
        if not self._writer.is_closing():
            self._writer.write(msgspec.json.encode(message) + b"\n")

    def _handle(self, message: FromWorker) -> None:
        match message:
            case Acquire():
                self._spawn(self._acquire(message))
            case AskStatus():
                self._spawn(self._status(message))
            case Release():
                self._fleet.release(message.model, message.generation, message.uses, self.send)
            case Failed():
                self._fleet.report_failure(message.model, message.generation)

    async def _acquire(self, message: Acquire) -> None:
        try:
            address = await self._fleet.acquire(message.model, self.send)
        except Fault as fault:
            self.send(Refused(message.id, fault.problem))
        except Exception:  # noqa: BLE001 - a border: the worker must get an answer; the cause goes to the log
            _log.exception("acquiring %s failed", message.model)
            self.send(Refused(message.id, problem("internal_error")))
        else:
            self.send(Granted(message.id, address))

    async def _status(self, message: AskStatus) -> None:
        self.send(Told(message.id, await self._fleet.status()))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
