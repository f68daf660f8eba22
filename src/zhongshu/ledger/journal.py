"""The writer: where records become durable. One in each process, one stream each.

The event loop encodes and seals a record and awaits; what one turn of the loop gathered is handed over together. One
thread takes all that is waiting, extends the hash chain, writes and syncs once, and tells the loop once for the whole
batch. While it syncs, the next batch grows. Handing over once a turn of the loop matters: a thread woken by the first
record would fight the loop for the GIL over the rest (measured: half the batch size, twice the processor time).

A record whose turn is the only one in flight is written by the loop itself, at once: nobody waits for the loop
meanwhile, and going to the thread and back takes as long as the disk does. After a write that took its time the thread
has them all for a while.

What cannot be written is refused and leaves no trace: the file is cut back to what was synced before. The writer then
tries again by itself, with a new segment, until the disk takes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue

from zhongshu.core.clock import Clock
from zhongshu.core.problems import Fault, fault
from zhongshu.core.records import Record
from zhongshu.core.times import DAY_NS
from zhongshu.ledger.frames import MAX_PAYLOAD, chain, pack_fixed, payload_digest
from zhongshu.ledger.journal_counts import JournalCounts
from zhongshu.ledger.payloads import FIELDS, Happening, encode_event, encode_turn
from zhongshu.ledger.seal import Sealer
from zhongshu.ledger.segments import Mark, Segment, next_header, pick_up, segment_path, stream_folder
from zhongshu.ledger.settings import LedgerSettings

_SLOT = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_LOOK_S = 1.0
_RETRY_S = 5.0
_BATCH_BYTES = 8 << 20
_QUICK_S = 0.002
"""A write by the loop that takes longer than this is the last one for `_HESITANT` times as long as it took: so the loop
stands still for a hundredth of the time at most."""
_HESITANT = 100
_NO_KEYS = "the text key store cannot be used"


class SlotTaken(Exception):
    """Another process writes this stream. Stop it, or start this one under another slot name."""


_Item = tuple[bytes, bytes, "asyncio.Future[None]"]
"""A payload, its digest, and who waits for it."""


class Writer:
    """Implements core.ports.Journal over the segment files of one slot. alone: whether the turn that is recorded is the
    only one in flight."""

    def __init__(self, settings: LedgerSettings, home: Path, slot: str, clock: Clock) -> None:
        """Take the slot, pick up where it was left, open a segment. Blocking; see `open_journal`."""
        if not _SLOT.fullmatch(slot):
            raise ValueError("slot: use up to 32 lower-case letters, digits and -")
        self._settings = settings
        self._clock = clock
        self._slot = slot
        self._folder = stream_folder(home, slot)
        for folder in (home, self._folder.parent, self._folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sealer = Sealer(settings.text, home)
        self._sealer.check()
        self._lock = _take(self._folder)
        self._keyless = False
        self._seeking_keys: asyncio.Task[None] | None = None
        self._gathered: list[_Item] = []
        self._waiting: set[asyncio.Future[None]] = set()
        self._queue: SimpleQueue[list[_Item] | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._last = pick_up(self._folder)
        self._segment: Segment | None = None
        self._next_day_ns = 0
        self._looked_s = 0.0
        self._why = ""
        self.alone: Callable[[], bool] = _never
        self._at_work = threading.Lock()
        self._thread_until_s = 0.0
        self._closing = False
        self._roomy = True
        self.counts = JournalCounts()
        self._ended = False
        self._batch: list[_Item] = []
        self._look()
        try:
            self._open_segment()
        except OSError as error:  # a full disk: refuse turns, and go on by itself when there is room
            self._why = _reason(error)
        self._thread = threading.Thread(target=self._run, name=f"journal-{slot}", daemon=True)
        self._thread.start()

    async def write(self, record: Record) -> None:
        """Return once the record is on disk. Raises Fault("journal_unavailable") when it cannot be."""
        if self._why:
            raise self._refusal()
        sealed = self._sealer.seal(record)
        if sealed is not None:
            return await self._append(encode_turn(record, sealed))
        # Whoever waits may be cancelled meanwhile (its client goes away); the record is written all the same.
        task = asyncio.ensure_future(self._write_once_there_is_a_key(record))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)
        await asyncio.shield(task)

    async def _write_once_there_is_a_key(self, record: Record) -> None:
        while (sealed := self._sealer.seal(record)) is None:
            try:
                await self._sealer.fetch(record.tenant, record.at_ns)
            except (sqlite3.Error, OSError, ValueError):
                self._lose_keys()
                raise _unavailable(_NO_KEYS) from None
        await self._append(encode_turn(record, sealed))

    def _lose_keys(self) -> None:
        """Let no new turn in that could not be recorded, until there are keys again."""
        self._keyless = True
        if self._seeking_keys is None or self._seeking_keys.done():
            self._seeking_keys = asyncio.create_task(self._seek_keys())

    async def _seek_keys(self) -> None:
        while self._keyless:
            await asyncio.sleep(_LOOK_S)
            with contextlib.suppress(sqlite3.Error, OSError, ValueError):
                await asyncio.to_thread(self._sealer.check)
                self._keyless = False

    async def note(self, event: Happening) -> None:
        """Record something done to the ledger itself, as durably as a turn."""
        if self._why:
            raise self._refusal()
        await self._append(encode_event(event))

    def ready(self) -> bool:
        """False when the next write is known to fail, when texts cannot be sealed, or when the space kept for turns in
        flight has been reached."""
        return self._roomy and not self._why and not self._keyless

    @property
    def why_not(self) -> str:
        """What keeps it from being ready, for `doctor` and readiness; empty when it is."""
        return self._why or ("" if self._roomy else "too little free disk space") or (_NO_KEYS if self._keyless else "")

    async def aclose(self) -> None:
        """Write what is waiting, then give the slot back. Idempotent."""
        if self._waiting:
            await asyncio.gather(*self._waiting, return_exceptions=True)
        if self._seeking_keys is not None:
            self._seeking_keys.cancel()
        if self._thread.is_alive():
            self._hand_over()
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)
        self._why = self._why or "it is closed"
        if self._segment:
            self._segment.close()
            self._segment = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    async def _append(self, payload: bytes) -> None:
        if len(payload) > MAX_PAYLOAD:
            raise fault("journal_unavailable", why="the record is too large")
        if self.alone() and not self._gathered and self._at_work.acquire(blocking=False):
            try:
                if self._write_here(payload):
                    return
            finally:
                self._at_work.release()
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        done = loop.create_future()
        if not self._gathered:
            loop.call_soon(self._hand_over)
        self._gathered.append((payload, payload_digest(payload), done))
        await done

    def _write_here(self, payload: bytes) -> bool:
        """Write one record while the thread rests; False where it is the thread's to write. Raises as `write`."""
        began = time.monotonic()
        if self._why or self._closing or began < self._thread_until_s or not self._queue.empty():
            return False
        written = self._written([(payload, payload_digest(payload))])
        took_s = time.monotonic() - began
        if took_s > _QUICK_S:
            self._thread_until_s = began + _HESITANT * took_s
        if not written:
            raise self._refusal()
        return True

    def _hand_over(self) -> None:
        if self._gathered:
            self._queue.put(self._gathered)
            self._gathered = []
        if self._ended:
            self._refuse_waiting()

    def _refusal(self) -> Fault:
        return _unavailable(self._why)

    # From here on: the writer thread, or what has `_at_work` in its place.

    def _run(self) -> None:
        try:
            while not self._closing:
                batch = self._collect()
                with self._at_work:
                    if time.monotonic() - self._looked_s >= _LOOK_S:
                        self._look()
                        self._mend()
                    if batch:
                        self._batch = batch
                        self._written([(payload, digest) for payload, digest, _ in batch])
                        self._tell(batch)
                        self._batch = []
        except Exception as error:  # noqa: BLE001 - the thread's border: whoever waits must hear of it
            self._why = f"the writer stopped: {type(error).__name__}"
            self._tell(self._batch)
        self._why = self._why or "it is closed"
        # In this order: what is handed over after the queue was emptied here is refused by `_hand_over`.
        self._ended = True
        self._refuse_waiting()

    def _collect(self) -> list[_Item]:
        """All that waits, at least one unless nothing came for a second."""
        batch: list[_Item] = []
        size = 0
        try:
            gathered = self._queue.get(timeout=_LOOK_S)
            while gathered is not None:
                batch += gathered
                for payload, _, _ in gathered:
                    size += len(payload)
                if size >= _BATCH_BYTES:
                    return batch
                gathered = self._queue.get_nowait()
            self._closing = True
        except Empty:
            pass
        return batch

    def _written(self, batch: list[tuple[bytes, bytes]]) -> bool:
        """Write payloads, each with its digest, and return once they are on disk; False, and why in `_why`, when they
        cannot be."""
        try:
            segment = self._writable(batch)
            now_ns = self._clock.now_ns()
            head = segment.head
            parts: list[bytes] = []
            add = parts.append
            for payload, digest in batch:
                fixed = pack_fixed(len(payload), now_ns)
                head = chain(head, fixed, digest)
                add(fixed)
                add(head)
                add(payload)
            data = b"".join(parts)
            began = time.perf_counter_ns()
            segment.append(data, len(batch), head)
        except OSError as error:
            self._break(_reason(error))
            return False
        self.counts.add(len(batch), len(data), time.perf_counter_ns() - began)
        return True

    def _writable(self, batch: list[tuple[bytes, bytes]]) -> Segment:
        """The open segment, or a new one when it is full, of another day, or was given up. Raises OSError."""
        segment = self._segment
        if segment is None:
            raise OSError(0, self._why or "no segment is open")
        if not segment.frames:
            return segment
        size = segment.size
        for payload, _ in batch:
            size += len(payload)
        if size > self._settings.segment_bytes or self._clock.now_ns() >= self._next_day_ns:
            self._leave_segment()
            return self._open_segment()
        return segment

    def _open_segment(self) -> Segment:
        now_ns = self._clock.now_ns()
        header = next_header(self._last, self._slot, now_ns, FIELDS)
        self._segment = Segment(segment_path(self._folder, header.segment), header)
        self._next_day_ns = now_ns - now_ns % DAY_NS + DAY_NS
        return self._segment

    def _leave_segment(self) -> None:
        segment = self._segment
        if segment:
            segment.close()
            self._last = Mark(segment.number, segment.frames, segment.size, segment.head)
            self._segment = None

    def _break(self, why: str) -> None:
        """Stop acknowledging. The file is cut back now, or by `_mend` when even that fails."""
        self._why = why
        self.counts.failures += 1
        if self._segment:
            try:
                self._segment.cut_back()
            except OSError:
                return
            self._leave_segment()

    def _mend(self) -> None:
        """Try to go on after an error, in a new segment: after a failed sync the old file cannot be trusted."""
        if not self._why or not self._roomy:
            return
        try:
            if self._segment:
                self._segment.cut_back()
                self._leave_segment()
            self._open_segment()
            self._why = ""
        except OSError as error:
            self._why = _reason(error)

    def _look(self) -> None:
        """Whether enough space is left for new turns."""
        self._looked_s = time.monotonic()
        try:
            stat = os.statvfs(self._folder)
        except OSError as error:
            self._roomy, self._why = False, _reason(error)
            return
        self._roomy = stat.f_bavail * stat.f_frsize >= self._settings.min_free_bytes

    def _tell(self, batch: list[_Item]) -> None:
        loop = self._loop
        try:
            if loop:
                loop.call_soon_threadsafe(self._answer, batch, self._why)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more

    def _answer(self, batch: list[_Item], why: str) -> None:
        """On the loop: everybody of the batch hears the same."""
        for _, _, done in batch:
            if not done.done():
                if why:
                    done.set_exception(_unavailable(why))
                else:
                    done.set_result(None)

    def _refuse_waiting(self) -> None:
        while not self._queue.empty():
            gathered = self._queue.get_nowait()
            if gathered:
                self._tell(gathered)


def _never() -> bool:
    return False


def _unavailable(why: str) -> Fault:
    return fault("journal_unavailable", why=why, retry_after_s=_RETRY_S)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _take(folder: Path) -> int:
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise SlotTaken(f"the journal stream {folder.name} is being written by another process") from None
    return fd


def open_journal(settings: LedgerSettings, home: Path, slot: str, clock: Clock) -> Writer:
    """The writer of a slot ("w0", "w1", ...; "cli" for commands).

    Raises SlotTaken when another process holds it, OSError when the disk refuses, storage's SecretError for a text key
    that is open to others or is not the one that texts were sealed under, sqlite3.Error for keys that cannot be read.
    """
    return Writer(settings, home, slot, clock)
