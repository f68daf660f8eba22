"""The supervisor: the parent of every process of one installation.

It binds the address, prepares the state directory, runs the embedded engine's manager, starts the ledger's keeper and
the API workers, starts again what dies, hands out new settings, and shuts down in order: workers drain, then the
engine stops, then the keeper. It answers no request itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from zhongshu.app import paths, standing
from zhongshu.app.alerting import alerting
from zhongshu.app.boot import Boot, slot_name
from zhongshu.app.canaries import judging
from zhongshu.app.children import Child, NeverReady
from zhongshu.app.generations import Generations
from zhongshu.app.http.counts import counts_file, gone, lay_out
from zhongshu.app.preparing import FIRST_KEY, engine_specs, first_key, reconcile
from zhongshu.app.running import RUNNING_FILE, Running
from zhongshu.app.serving import listening_socket
from zhongshu.app.settings import Settings
from zhongshu.app.standing import Standing, Verdict, complaints_of
from zhongshu.engine.local import LocalEngine
from zhongshu.ledger.keeper import LEAVES_WITHIN_S

log = logging.getLogger("zhongshu.supervisor")


class AlreadyRunning(Exception):
    """Another supervisor holds this home. Stop it, or use another ZHONGSHU_HOME."""


class AddressTaken(Exception):
    """The address cannot be listened on: `host`, `port`, and the system's reason."""

    def __init__(self, host: str, port: int, why: str) -> None:
        super().__init__(f"{host}:{port}: {why}")
        self.host, self.port, self.why = host, port, why


class Ready(msgspec.Struct, frozen=True):
    """What `zhongshu up` tells its user. `first_key` is set only on the start that made it. models: each once, in the order
    of the settings; releases: of each model the names that one of them can be asked for by."""

    url: str
    pid: int
    first_key: str | None
    models: tuple[str, ...]
    releases: dict[str, tuple[str, ...]] = {}


def run(
    settings: Settings,
    *,
    announce: Callable[[Ready], None],
    reload: Callable[[], Settings] | None = None,
) -> int:
    """Run until SIGTERM or SIGINT. `reload` gives new settings on SIGHUP; it may raise, and then nothing changes.

    Raises AlreadyRunning and AddressTaken before anything is started.
    """
    with _only_one(settings.home):
        listener = _listen(settings)
        try:
            # Not uvloop: its children run Python between fork and exec (threading's own bookkeeping, so the collector too),
            # and one was seen to wait there for ever for a lock of SQLite's that another thread had held at the fork.
            # The standard loop's start with vfork and run no Python (Modules/_posixsubprocess.c).
            return asyncio.run(Supervisor(settings, listener, announce, reload).run())
        finally:
            listener.close()


@contextlib.contextmanager
def _only_one(home: Path):
    run_dir = paths.private_directory(paths.private_directory(home) / "run")
    with (run_dir / "supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning(str(home)) from None
        yield


def _listen(settings: Settings) -> socket.socket:
    server = settings.server
    try:
        return listening_socket(server.host, server.port, server.backlog)
    except OSError as error:
        raise AddressTaken(server.host, server.port, error.strerror or "not available") from None


class Supervisor:
    """One installation's processes."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        announce: Callable[[Ready], None],
        reload: Callable[[], Settings] | None,
    ) -> None:
        self._listener = listener
        self._announce = announce
        self._reload = reload
        self._run_dir = settings.home / "run"
        self._engine = LocalEngine(settings.engine, engine_specs(settings), self._run_dir)
        slots = tuple(slot_name(number) for number in range(settings.server.workers))
        self._generations = Generations(settings, slots, self._tell, self._taken, self._note)
        self._workers = {slot: self._worker(number, slot) for number, slot in enumerate(slots)}
        self._keeper = Child(
            "keeper", "zhongshu.ledger.keeper", lambda: keeper_line(self._settings), grace_s=LEAVES_WITHIN_S
        )
        self._stop = asyncio.Event()

    @property
    def _settings(self) -> Settings:
        """Those in force."""
        return self._generations.settings

    async def run(self) -> int:
        """Start everything, announce, wait for a signal, stop everything."""
        key = first_key(self._settings) if os.environ.get(FIRST_KEY) else None
        reconcile(self._settings)
        if len(self._workers) > 1:
            lay_out(counts_file(self._settings.home), len(self._workers))
        self._note(self._generations.standing)
        self._on_signals()
        await self._engine.start()
        watching = asyncio.create_task(alerting(lambda: self._settings), name="alerts")
        try:
            if await self._started():
                # One that we choose is made when it can be shown: a start that fails before must not use it up.
                self._announce(self._ready(key or first_key(self._settings)))
                async with judging(lambda: self._settings):
                    await self._stop.wait()
        finally:
            watching.cancel()
            await self._shut_down()
        return 0

    async def _started(self) -> bool:
        """Start every child; False when told to stop meanwhile."""
        starting = asyncio.gather(self._keeper.start(), *(worker.start() for worker in self._workers.values()))
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            stopping.cancel()
            await starting
            return True
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError, NeverReady):
            await starting
        return False

    def _worker(self, number: int, slot: str) -> Child:
        return Child(
            slot,
            "zhongshu.app.worker",
            lambda: self._boot(slot, self._generations.number, self._settings),
            pass_fd=self._listener.fileno(),
            grace_s=self._settings.server.drain_s + 5,
            on_death=lambda: self._died(number, slot),
            hear=lambda line: self._hear(slot, line),
        )

    def _died(self, number: int, slot: str) -> None:
        try:
            if len(self._workers) > 1:
                gone(counts_file(self._settings.home), number)
        finally:
            reconcile(self._settings, slot)

    def _boot(self, slot: str, generation: int, settings: Settings) -> bytes:
        return Boot(slot, self._listener.fileno(), str(self._engine.socket_path), settings, generation).line()

    def _tell(self, slot: str, generation: int, settings: Settings) -> bool:
        return self._workers[slot].tell(self._boot(slot, generation, settings))

    def _hear(self, slot: str, line: bytes) -> None:
        if not line:
            return self._generations.died(slot)
        with contextlib.suppress(msgspec.MsgspecError):  # printed by somebody else in that process
            self._generations.heard(slot, msgspec.json.decode(line, type=Verdict))

    def _ready(self, key: str | None) -> Ready:
        host, port = self._listener.getsockname()[:2]
        shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
        url = f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
        file = self._run_dir / RUNNING_FILE
        file.write_bytes(msgspec.json.encode(Running(url, os.getpid())))
        releases = releases_of(self._settings)
        return Ready(url, os.getpid(), key, tuple(releases), releases)

    def _on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._take_new_settings)

    def _take_new_settings(self) -> None:
        """Read the settings and offer them to everyone; turns in flight keep the old ones. A file with mistakes changes
        nothing."""
        if self._reload is None:
            return
        self._generations.begin()
        try:
            read = self._reload()
        except ValueError as error:
            self._generations.refuse(complaints_of(error))
        else:
            self._generations.offer(read)

    def _taken(self, settings: Settings) -> None:
        """They have come into force."""
        self._engine.replace_specs(engine_specs(settings))
        self._keeper.tell(keeper_line(settings))

    def _note(self, how: Standing) -> None:
        try:
            standing.write(self._run_dir, how)
        except OSError as error:
            log.warning("how the workers stand could not be noted: %s", error.strerror)

    async def _shut_down(self) -> None:
        """Workers first, so that what they still record is kept; each stage waits for the one before."""
        (self._run_dir / RUNNING_FILE).unlink(missing_ok=True)
        await asyncio.gather(*(worker.stop() for worker in self._workers.values()))
        await self._engine.aclose()
        await self._keeper.stop()


def releases_of(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Every model once with its releases once, "name@version", in the order of their rows: a release has a row for each
    of its replicas."""
    found: dict[str, dict[str, None]] = {}
    for row in settings.models:
        found.setdefault(row.name, {})[f"{row.name}@{row.version}"] = None
    return {name: tuple(releases) for name, releases in found.items()}


def keeper_line(settings: Settings) -> bytes:
    """What the ledger's keeper is told on its standard input."""
    return msgspec.json.encode({"home": str(settings.home), "settings": settings.ledger}) + b"\n"
