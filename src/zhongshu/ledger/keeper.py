"""The keeper: one process beside the workers that indexes what they wrote, signs checkpoints, and prunes.

    python -m zhongshu.ledger.keeper < settings.json        {"home": "...", "ledger": {...}}

It stands behind turns for the processor, may be killed at any moment, and ends when its parent does. SIGTERM: index
what is there, sign, leave. SIGUSR1: sign now. It never writes a journal and no turn ever waits for it.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sqlite3
import sys
import threading
import time
from pathlib import Path

import msgspec

from zhongshu.core.clock import Clock, SystemClock
from zhongshu.ledger.checkpoints import Signer, StreamState
from zhongshu.ledger.indexing import Indexer
from zhongshu.ledger.retention import finish_pruning, prune
from zhongshu.ledger.segments import Mark
from zhongshu.ledger.settings import LedgerSettings

_log = logging.getLogger("zhongshu.ledger.keeper")
_PRUNE_EVERY_S = 3600.0


class KeeperRunning(Exception):
    """Another keeper holds this home."""


class KeeperSettings(msgspec.Struct, frozen=True):
    """What the process is told on its standard input."""

    home: str
    ledger: LedgerSettings = LedgerSettings()


class Keeper:
    """Owns the index and the checkpoint chain of one home while it lives."""

    def __init__(self, settings: LedgerSettings, home: Path, clock: Clock) -> None:
        """Raises KeeperRunning when there is one already."""
        self._settings = settings
        self._home = home
        self._clock = clock
        self._lock = _take(home)
        finish_pruning(home)
        self._indexer = Indexer(home)
        self._signer = Signer(home, settings.anchors, settings.anchor_command, settings.anchor_timeout_s)
        self._signed: dict[str, Mark] = {}

    def index(self) -> int:
        """Index one batch of each stream; how many frames that were."""
        return self._indexer.advance()

    def index_all(self) -> None:
        """Index until nothing is new."""
        while self._indexer.advance():
            pass

    def checkpoint(self) -> bool:
        """Sign how far every indexed stream is; False when nothing has moved since the last time.

        The time is taken before the state: a checkpoint's records are never newer than it.
        """
        at_ns, marks = self._clock.now_ns(), dict(self._indexer.cursors)
        if marks == self._signed:
            return False
        states = {name: StreamState(mark.segment, mark.frame, mark.head.hex()) for name, mark in marks.items()}
        for trouble in self._signer.checkpoint(at_ns, states):
            _log.warning("checkpoint not anchored: %s", trouble)
        self._signed = marks
        return True

    def prune(self) -> None:
        """Remove what is past its retention."""
        done = prune(
            self._home,
            self._signer,
            now_ns=self._clock.now_ns(),
            retention_days=self._settings.retention_days,
        )
        for pruned in done:
            self._indexer.forget(pruned.stream, pruned.segment)
            _log.info("pruned stream %s through segment %d", pruned.stream, pruned.segment)
            for trouble in pruned.troubles:
                _log.warning("tombstone not anchored: %s", trouble)

    def close(self) -> None:
        """Let go of the index and the lock."""
        self._indexer.close()
        os.close(self._lock)


class _Wakes:
    """What the process is told from outside while it sleeps."""

    def __init__(self) -> None:
        self.stop = False
        self.sign = False
        self._event = threading.Event()
        self._parent = os.getppid()
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        signal.signal(signal.SIGUSR1, self._on_sign)

    def sleep(self, seconds: float) -> None:
        self._event.wait(seconds)
        self._event.clear()
        self.stop = self.stop or os.getppid() != self._parent

    def _on_stop(self, *_: object) -> None:
        self.stop = True
        self._event.set()

    def _on_sign(self, *_: object) -> None:
        self.sign = True
        self._event.set()


def run(keeper: Keeper, settings: LedgerSettings) -> None:
    """Follow the journals until told to stop."""
    wakes = _Wakes()
    signed_s = pruned_s = -1e9
    while not wakes.stop:
        try:
            moved = keeper.index()
            now_s = time.monotonic()
            if wakes.sign or now_s - signed_s >= settings.checkpoint_interval_s:
                if wakes.sign:
                    keeper.index_all()
                keeper.checkpoint()
                wakes.sign, signed_s = False, now_s
            if now_s - pruned_s >= _PRUNE_EVERY_S:
                keeper.prune()
                pruned_s = now_s
        except (OSError, sqlite3.OperationalError) as error:
            _log.error("the ledger keeper cannot go on for now: %s", error)
            moved = 0
        wakes.sleep(0.005 if moved else settings.index_poll_s)
    keeper.index_all()
    keeper.checkpoint()
    keeper.close()


def _take(home: Path) -> int:
    run_folder = home / "run"
    run_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(run_folder / "keeper.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise KeeperRunning("another ledger keeper is at work in this home") from None
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def running_keeper(home: Path) -> int | None:
    """The process id of the keeper at work in `home`; None when there is none."""
    path = home / "run" / "keeper.lock"
    if not path.exists():
        return None
    with path.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return int(file.read() or b"0") or None
    return None


def main() -> int:
    """Entry point of the process. 0 after SIGTERM, 75 when another keeper is at work."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    told = msgspec.json.decode(sys.stdin.buffer.read(), type=KeeperSettings)
    os.nice(told.ledger.keeper_nice)
    try:
        keeper = Keeper(told.ledger, Path(told.home), SystemClock())
    except KeeperRunning as error:
        _log.error("%s", error)
        return 75
    run(keeper, told.ledger)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
