"""One API worker: a process with its own event loop, journal stream and share of every limit.

Told by its parent over standard input: the first line boots it, a later one brings new settings, the end of input
means the parent is gone. Over standard output it says `ready`, and of all settings whether it runs them. SIGTERM drains: readiness turns first, then new turns are refused, then, once the running ones
have ended or their grace is over, the door closes. Without a parent the door closes at once, so that its successor can
have the address; running turns have the same grace.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from pathlib import Path

import uvloop

from zhongshu.api.endpoint import Load
from zhongshu.app.boot import Boot, generation_of, read_boot, slot_number
from zhongshu.app.build import open_installation
from zhongshu.app.children import READY, TRY_AGAIN
from zhongshu.app.forwarding import Forwarded
from zhongshu.app.http.counts import OpenCounts, counts_file
from zhongshu.app.leaving import leave
from zhongshu.app.logs import set_up_logs
from zhongshu.app.serving import Server, server
from zhongshu.app.standing import Unusable, Verdict, complaints_of
from zhongshu.ledger.journal import SlotTaken

log = logging.getLogger("zhongshu.worker")

# Between "not ready" and refusing turns: a load balancer that looks every second sees it in time.
_TURNING_S = 1.0
_SWEEP_S = 10.0
_MANY = 100
_PUT_OFF_AT_MOST = 5
# Turns that were cut are still to be recorded.
_RECORDING_S = 3.0
_LOOK_S = 0.05


def main() -> None:
    """Entry point: `python -m zhongshu.app.worker`, with a Boot on standard input."""
    line, rest = _first_line(sys.stdin.fileno())
    boot = read_boot(line)
    set_up_logs(boot.settings.server)
    try:
        uvloop.run(Worker(boot, rest).run())
    except SlotTaken as error:
        log.warning("%s", error)
        leave(TRY_AGAIN)
    except CannotStart as why:
        log.error("%s", why)
        leave(1)
    leave(0)


class CannotStart(Exception):
    """The settings, or what they point at, cannot be used here. Its text names the field; the parent has been told."""


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def _first_line(fd: int) -> tuple[bytes, bytes]:
    """The first line, and what arrived behind it: new settings may come before the old ones are read."""
    data = b""
    while b"\n" not in data:
        more = os.read(fd, 1 << 16)
        if not more:
            raise SystemExit(0)  # the parent died before it could say anything
        data += more
    line, _, rest = data.partition(b"\n")
    return line, rest


class Worker:
    """The process's life."""

    def __init__(self, boot: Boot, heard: bytes = b"") -> None:
        self._boot = boot
        self._generation = boot.generation
        self._heard = heard
        self._draining: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Open the rooms, serve, close them."""
        boot, settings = self._boot, self._boot.settings.server
        try:
            self._installation = await open_installation(boot.settings, boot.slot, Path(boot.engine_socket))
        except Unusable as error:
            refused = complaints_of(error)
            _say(Verdict(boot.generation, 0, refused).line())
            raise CannotStart("; ".join(complaint.sentence() for complaint in refused)) from None
        app, proxies = self._installation.app, settings.trusted_proxies
        self._server = server(
            Forwarded(app, proxies) if proxies else app,
            keep_alive_s=settings.keep_alive_s,
            arrive_within_s=settings.body_timeout_s,
            backlog=settings.backlog,
            max_message_bytes=settings.max_body_bytes,
            counts=_counts(boot),
        )
        self._on_signals()
        self._listen_to_parent()
        listener = socket.socket(fileno=boot.socket_fd)
        sweeping = _tune_collector(self._installation.load)
        serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        try:
            await _started(self._server, serving)
            _say(READY + b"\n" + Verdict(boot.generation, self._generation).line())
            await serving
            await self._emptied(_RECORDING_S)
        finally:
            sweeping.cancel()
            await self._installation.aclose()

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._drain)
        loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C reaches the whole group; the parent decides

    def _listen_to_parent(self) -> None:
        os.set_blocking(sys.stdin.fileno(), False)
        self._take_lines()
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._hear)

    def _hear(self) -> None:
        data = os.read(sys.stdin.fileno(), 1 << 20)
        if not data:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self._server.stop(self._boot.settings.server.drain_s)
            return
        self._heard += data
        self._take_lines()

    def _take_lines(self) -> None:
        *lines, self._heard = self._heard.split(b"\n")
        for line in lines:
            self._take(line)

    def _take(self, line: bytes) -> None:
        """Use other settings, or say why not and go on with those that are there."""
        told, refused = generation_of(line), ()
        try:
            self._installation.reload(read_boot(line).settings)
            self._generation = told
        except Unusable as error:
            refused = complaints_of(error, running=True)
            log.error("settings of generation %d are not taken: %s", told, "; ".join(c.sentence() for c in refused))
        _say(Verdict(told, self._generation, refused).line())

    def _drain(self) -> None:
        if self._draining is None:
            self._draining = asyncio.create_task(self._turn_away())

    async def _turn_away(self) -> None:
        loop, load, grace_s = asyncio.get_running_loop(), self._installation.load, self._boot.settings.server.drain_s
        until_s = loop.time() + grace_s
        load.draining = True
        if load.in_flight:
            await asyncio.sleep(min(_TURNING_S, grace_s))
        load.closed = True
        await self._emptied(until_s - loop.time())
        self._server.stop(until_s - loop.time())

    async def _emptied(self, within_s: float) -> None:
        """Wait until no turn is in flight, but not for ever."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + within_s
        while self._installation.load.in_flight and loop.time() < until_s:
            await asyncio.sleep(_LOOK_S)


def _counts(boot: Boot) -> OpenCounts | None:
    """Where workers tell each other how many connections they have; None for one that is alone."""
    if boot.settings.server.workers == 1:
        return None
    try:
        return OpenCounts(counts_file(boot.settings.home), slot_number(boot.slot))
    except OSError as error:  # somebody took the file away: served all the same
        log.warning("connections are not spread evenly: %s", error.strerror)
        return None


def _tune_collector(load: Load) -> asyncio.Task[None]:
    """A turn makes a few hundred objects and leaves no cycles: look for cycles seldom, and never at what was loaded
    at start (measured: 3.5% of a turn's time with Python's own thresholds). Should anything that is gone leave a
    cycle all the same, old enough to wait long for its turn, everything is looked at every ten seconds; less often while
    many turns are in flight, whose objects it has to go through and whose readers it keeps waiting (1,000 streams: gaps
    between chunks p99 50 ms with it, 14 ms without)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(3_000, 10, 20)
    return asyncio.create_task(_sweep(load), name="sweep")


async def _sweep(load: Load) -> None:
    put_off = 0
    while True:
        await asyncio.sleep(_SWEEP_S)
        if load.in_flight > _MANY and put_off < _PUT_OFF_AT_MOST:
            put_off += 1
            continue
        put_off = 0
        gc.collect()


async def _started(serving_server: Server, serving: asyncio.Task[None]) -> None:
    while not serving_server.started:
        if serving.done():
            return await serving
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    main()
