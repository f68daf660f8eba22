"""The keeper: one process beside the workers that indexes what they wrote, signs checkpoints, and prunes.

    python -m zhongshu.ledger.keeper        told on standard input: {"home": "...", "settings": {...}}

The first line boots it, a later one brings new settings, the end of input means its parent is gone. It prints `ready`
once it works. SIGTERM: index what is there, sign, leave. SIGUSR1: sign now. It stands behind turns for the processor,
may be killed at any moment, never writes a journal, and no turn ever waits for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import logging
import os
import select
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from zhongshu.core.clock import Clock, SystemClock
from zhongshu.ledger.checkpoints import Signer, StreamState, newest_checkpoint, newest_checkpoint_ns
from zhongshu.ledger.indexing import Indexer
from zhongshu.ledger.leaps import Leaps
from zhongshu.ledger.retention import finish_pruning, prune
from zhongshu.ledger.segments import Mark, segment_path, segments, stream_folder, streams
from zhongshu.ledger.settings import LedgerSettings
from zhongshu.storage.secrets import SecretError

_log = logging.getLogger("zhongshu.ledger.keeper")
_PRUNE_EVERY_S = 3600.0
_SHARE = 0.05
_NOW_S = 1.0
_SIGNED_WITHIN_S = 10.0
_LAST_INDEXING_S = 10.0
LEAVES_WITHIN_S = 40.0
"""For how long it should be waited for: it has the lowest priority on a machine that may be full of others' work."""


class KeeperRunning(Exception):
    """Another keeper holds this home."""


class KeeperLine(msgspec.Struct, frozen=True):
    """What the process is told on its standard input, a line each."""

    home: str
    settings: LedgerSettings = LedgerSettings()


class Keeper:
    """Owns the index and the checkpoint chain of one home while it lives."""

    def __init__(self, settings: LedgerSettings, home: Path, clock: Clock) -> None:
        """Raises KeeperRunning when there is one already."""
        self._home = home
        self._clock = clock
        self._lock = _take(home)
        finish_pruning(home)
        self._indexer = Indexer(home)
        self._signed: dict[str, Mark] = {}
        self._leaps = Leaps(clock, newest_checkpoint_ns(home))
        self.use(settings)

    def use(self, settings: LedgerSettings) -> None:
        """Go by these settings from now on."""
        self.settings = settings
        self._signer = Signer(self._home, settings.anchors, settings.anchor_command, settings.anchor_timeout_s)

    def index(self) -> int:
        """Index one batch of each stream; how many frames that were."""
        return self._indexer.advance()

    def index_all(self) -> None:
        """Index until nothing is new."""
        while self._indexer.advance():
            pass

    def index_anew(self, why: sqlite3.DatabaseError) -> None:
        """Begin again with an empty index; `why` says what is wrong with the one that is there."""
        self._indexer.start_anew(why)

    def turns_now(self) -> bool:
        """Whether anything was recorded within the last second."""
        since_s = time.time() - _NOW_S
        for stream in streams(self._home):
            folder = stream_folder(self._home, stream)
            numbers = segments(folder)
            if numbers and segment_path(folder, numbers[-1]).stat().st_mtime > since_s:
                return True
        return False

    def checkpoint(self, *, always: bool = False) -> bool:
        """Sign how far every indexed stream is; False when nothing has moved since the last time, unless `always`.

        The time is taken before the state: a checkpoint's records are never newer than it.
        """
        at_ns, marks = self._clock.now_ns(), dict(self._indexer.cursors)
        if marks == self._signed and not always:
            return False
        states = {name: StreamState(mark.segment, mark.frame, mark.head.hex()) for name, mark in marks.items()}
        for trouble in self._signer.checkpoint(at_ns, states):
            _log.warning("checkpoint not anchored: %s", trouble)
        self._signed = marks
        return True

    def prune(self) -> None:
        """Remove what is past its retention; nothing while the clock has just leapt forward."""
        if not self._leaps.settled():
            _log.warning("nothing is pruned for a day: the clock has gone forward by days; see that it is right")
            return
        done = prune(
            self._home,
            self._signer,
            now_ns=self._clock.now_ns(),
            retention_days=self.settings.retention_days,
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


class _Told:
    """What the process is told from outside: by signals, and line by line on standard input."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self.stop = False
        self.sign = False
        self.settings: LedgerSettings | None = None
        # A pipe, not an Event: a signal may come while this thread holds the Event's lock, and would wait for it for ever.
        self._woken, self._wakes = os.pipe()
        os.set_blocking(self._wakes, False)
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        signal.signal(signal.SIGUSR1, self._on_sign)
        threading.Thread(target=self._listen, name="told", daemon=True).start()

    def sleep(self, seconds: float) -> None:
        if select.select([self._woken], [], [], seconds)[0]:
            os.read(self._woken, 4096)

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it is full of calls to wake already
            os.write(self._wakes, b"!")

    def _listen(self) -> None:
        for line in self._lines:
            try:
                self.settings = _line(line).settings
            except msgspec.MsgspecError as error:
                _log.error("new settings refused: %s", error)
        self._on_stop()

    def _on_stop(self, *_: object) -> None:
        self.stop = True
        self._wake()

    def _on_sign(self, *_: object) -> None:
        self.sign = True
        self._wake()


def run(keeper: Keeper, told: _Told) -> None:
    """Follow the journals until told to stop."""
    signed_s = pruned_s = -1e9
    while not told.stop:
        moved, spent_s = 0, 0.0
        try:
            if told.settings:
                keeper.use(told.settings)
                told.settings = None
            began_s = time.process_time()
            moved = keeper.index()
            spent_s = time.process_time() - began_s
            now_s = time.monotonic()
            if told.sign or now_s - signed_s >= keeper.settings.checkpoint_interval_s:
                _sign(keeper, told)
                signed_s = now_s
            if now_s - pruned_s >= _PRUNE_EVERY_S:
                keeper.prune()
                pruned_s = now_s
        except (OSError, sqlite3.OperationalError) as error:
            _log.error("the ledger keeper cannot go on for now: %s", error)
        except sqlite3.DatabaseError as error:
            keeper.index_anew(error)
        told.sleep(_rest_s(moved, spent_s, keeper))
    _stand_back_no_more()
    try:
        _leave(keeper)
    except (OSError, sqlite3.Error) as error:
        _log.error("the last checkpoint could not be signed: %s", error)
    keeper.close()


def _leave(keeper: Keeper) -> None:
    """Sign what is indexed at once, for on a busy machine this may be all that there is time for; then what the workers
    wrote last. What is left over, the next keeper takes up: the journal has it."""
    keeper.checkpoint()
    until_s = time.monotonic() + _LAST_INDEXING_S
    while keeper.index() and time.monotonic() < until_s:
        pass
    keeper.checkpoint()


def _rest_s(moved: int, spent_s: float, keeper: Keeper) -> float:
    """How long to rest after a batch. While turns are being recorded, a twentieth of a processor is all that indexing
    takes, however much there is to do: a turn is worth more than a fresh index, and queries read on where it ends."""
    if not moved:
        return keeper.settings.index_poll_s
    return max(keeper.settings.index_poll_s, spent_s * (1 / _SHARE - 1)) if keeper.turns_now() else 0.005


def _sign(keeper: Keeper, told: _Told) -> None:
    asked, told.sign = told.sign, False
    if asked:
        keeper.index_all()
    keeper.checkpoint(always=asked)


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


def sign_now(settings: LedgerSettings, home: Path) -> int | None:
    """Have a checkpoint signed at once, by the keeper at work or, when there is none, here. Its number; None when the
    keeper did not sign in time."""
    before = newest_checkpoint(home)
    pid = running_keeper(home)
    if pid is None:
        keeper = Keeper(settings, home, SystemClock())
        try:
            keeper.index_all()
            keeper.checkpoint(always=True)
        finally:
            keeper.close()
        return newest_checkpoint(home)
    os.kill(pid, signal.SIGUSR1)
    until_s = time.monotonic() + _SIGNED_WITHIN_S
    while time.monotonic() < until_s:
        number = newest_checkpoint(home)
        if number is not None and number != before:
            return number
        time.sleep(0.05)
    return None


def _line(line: bytes) -> KeeperLine:
    return msgspec.json.decode(line, type=KeeperLine)


def _input() -> io.RawIOBase:
    """Standard input without a buffer: a thread waiting in a buffered read would abort the interpreter's shutdown."""
    return io.FileIO(sys.stdin.fileno(), closefd=False)


def _stand_back(nice: int) -> None:
    """Let others have the processor first. Linux weighs sessions against each other before processes (autogroup), so
    a nice process in a session of its own gives way to nobody unless its session is nice too. A session that is not its
    own is left alone: a shell, and all that is started from it, would stand back for good."""
    os.nice(nice)
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(nice))


def _stand_back_no_more() -> None:
    """Somebody waits for it to leave, and behind a full machine its last second of work takes minutes. A session may always
    be set back to 0, and in one of its own the process's own niceness weighs against nobody."""
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            Path("/proc/self/autogroup").write_text("0")


def main() -> int:
    """Entry point of the process. 0 after SIGTERM, 75 when another keeper is at work."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    lines = iter(_input().readline, b"")
    booted = _line(next(lines))
    _stand_back(booted.settings.keeper_nice)
    try:
        keeper = Keeper(booted.settings, Path(booted.home), SystemClock())
    except KeeperRunning as error:
        _log.error("%s", error)
        return 75
    except (SecretError, OSError, sqlite3.Error) as error:
        _log.error("the ledger keeper cannot start: %s", error)
        return 1
    told = _Told(lines)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    run(keeper, told)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
