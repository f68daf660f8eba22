"""The kept answers of a worker on their way to and from the file: looked up in one thread, written by another, so that
no turn waits for a write and none for the loop. What goes wrong here costs an answer kept, never a turn.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec

from zhongshu.caches.front import Front
from zhongshu.caches.store import FILE, Bounds, Entry, Question, Store
from zhongshu.storage.sealing import Sealed, Sealer

T = TypeVar("T")
log = logging.getLogger("zhongshu.caches")

_POLL_S = 0.5
_WAITING = 1000
_COMPLAIN_EVERY_S = 60.0
_TROUBLE = (sqlite3.Error, OSError, ValueError)


class Fresh(msgspec.Struct, frozen=True):
    """An answer to be kept: as JSON, with its question (JSON, empty for none) to be compared by meaning. later: only
    its question is new; if the answer was removed meanwhile, it stays so."""

    key: bytes
    scope: bytes
    tenant: str
    user: str
    model: str
    made_ns: int
    expires_ns: int
    answer: bytes
    question: bytes = b""
    later: bool = False


class Used(msgspec.Struct, frozen=True):
    """An answer was given again."""

    key: bytes
    at_ns: int


class Found(msgspec.Struct, frozen=True):
    """An answer that was kept, opened."""

    answer: bytes
    expires_ns: int
    text_key: int


class Asked(msgspec.Struct, frozen=True):
    """A question of a scope, opened (JSON)."""

    id: int
    key: bytes
    expires_ns: int
    question: bytes


class Disk:
    """One worker's way to the file. `front` is kept true to it: what somebody removed, or whose text key was shredded,
    leaves it within a second (a shredded key: within half a minute)."""

    def __init__(self, home: Path, sealer: Sealer, bounds: Bounds, front: Front) -> None:
        self.bounds = bounds
        self.on_cleared: Callable[[], None] = lambda: None
        self._front = front
        self._text_keys: set[int] = set()
        self._sealer = sealer
        self._path = home / FILE
        self._reading = Store(self._path)
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="cache-read")
        self._queue: queue.SimpleQueue[Fresh | Used | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cleared: int | None = None
        self._complained_s = -_COMPLAIN_EVERY_S
        self._writer: threading.Thread | None = None

    async def find(self, tenant: str, key: bytes, now_ns: int) -> Found | None:
        """The answer of a key; None too when the file cannot be read."""
        return await self._read(lambda: self._find(tenant, key, now_ns), None)

    async def questions(self, tenant: str, scope: bytes, after: int, now_ns: int) -> list[Asked]:
        """The questions of a scope that were kept after number `after`."""
        none: list[Asked] = []
        return await self._read(lambda: self._questions(tenant, scope, after, now_ns), none)

    def keep(self, fresh: Fresh) -> None:
        """Hand an answer over to be written. Returns at once; when too many wait, it is not kept."""
        self._start()
        if self._queue.qsize() < _WAITING:
            self._queue.put(fresh)

    def used(self, key: bytes, now_ns: int) -> None:
        """Note that an answer was given again."""
        self._start()
        self._queue.put(Used(key, now_ns))

    def start(self) -> None:
        """Begin to notice what others remove."""
        self._start()

    async def aclose(self) -> None:
        """Write what waits and let go of the file."""
        if self._writer is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._reader.shutdown)
        self._reading.close()

    # ---- reading

    async def _read(self, work: Callable[[], T], otherwise: T) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reader, work)
        except _TROUBLE as error:
            self._complain("read", error)
            return otherwise

    def _find(self, tenant: str, key: bytes, now_ns: int) -> Found | None:
        entry = self._reading.find(key, now_ns)
        if entry is None or entry.tenant != tenant:
            return None
        answer = self._sealer.open(tenant, key, entry.sealed)
        return Found(answer, entry.expires_ns, entry.text_key) if answer is not None else None

    def _questions(self, tenant: str, scope: bytes, after: int, now_ns: int) -> list[Asked]:
        return [
            Asked(row.id, row.key, row.expires_ns, opened)
            for row in self._reading.questions(scope, after, now_ns)
            if (opened := self._opened(tenant, row)) is not None
        ]

    def _opened(self, tenant: str, row: Question) -> bytes | None:
        return self._sealer.open(tenant, row.key + b"?", row.sealed)

    # ---- writing

    def _start(self) -> None:
        if self._writer is None:
            self._loop = asyncio.get_running_loop()
            self._writer = threading.Thread(target=self._write_on, name="cache-write", daemon=True)
            self._writer.start()

    def _write_on(self) -> None:
        store, polled_s, ended = Store(self._path), 0.0, False
        with contextlib.suppress(*_TROUBLE):  # complained of where something is written
            self._notice(store)  # what is removed from now on is; later, a removal might be taken for how it always was
        while not ended:
            batch, used, ended = self._batch()
            try:
                if batch or used:
                    entries = [self._entry(fresh) for fresh in batch]
                    later = frozenset(fresh.key for fresh in batch if fresh.later)
                    store.keep(entries, used, self.bounds, time.time_ns(), later)
                    self._tell(lambda entries=entries: self._kept(entries))
                if not (batch or used) or time.monotonic() - polled_s >= _POLL_S:
                    polled_s = time.monotonic()
                    self._notice(store)
            except _TROUBLE as error:
                self._complain("write", error)
        store.close()

    def _batch(self) -> tuple[list[Fresh], dict[bytes, int], bool]:
        """What waits, after waiting a while for anything: answers, uses, and whether it is the last."""
        batch: list[Fresh] = []
        used: dict[bytes, int] = {}
        wait_s = _POLL_S
        while True:
            try:
                item = self._queue.get(timeout=wait_s) if wait_s else self._queue.get_nowait()
            except queue.Empty:
                return batch, used, False
            wait_s = 0.0
            match item:
                case None:
                    return batch, used, True
                case Used():
                    used[item.key] = item.at_ns
                case Fresh():
                    batch.append(item)

    def _entry(self, fresh: Fresh) -> Entry:
        answer = self._sealer.seal(fresh.tenant, fresh.key, fresh.answer, fresh.made_ns)
        question = Sealed(answer.text_key, b"")
        if fresh.question:
            question = self._sealer.seal(fresh.tenant, fresh.key + b"?", fresh.question, fresh.made_ns)
        together = question.text_key == answer.text_key  # not so when the key was shredded in between
        return Entry(
            key=fresh.key,
            scope=fresh.scope if fresh.question and together else b"",
            tenant=fresh.tenant,
            user=fresh.user,
            model=fresh.model,
            expires_ns=fresh.expires_ns,
            bytes=len(answer.bytes) + len(question.bytes),
            text_key=answer.text_key,
            answer=answer.bytes,
            question=question.bytes if together else b"",
            made_ns=fresh.made_ns,
        )

    def _notice(self, store: Store) -> None:
        """Have the front forget what somebody removed, or what a shredded text key had sealed."""
        now = store.cleared()
        if self._cleared is not None and now != self._cleared:
            self._tell(self._forget)
        self._cleared = now
        for number in self._text_keys:
            if not self._sealer.alive(number):
                self._tell(lambda number=number: self._front.drop_sealed_with(number))
        self._tell(self._look)

    def _tell(self, what: Callable[[], None]) -> None:
        """Run it in the loop, unless that is closed."""
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(what)

    def _forget(self) -> None:
        self._front.clear()
        self.on_cleared()

    def _look(self) -> None:
        self._text_keys = self._front.text_keys()

    def _kept(self, entries: list[Entry]) -> None:
        for entry in entries:
            self._front.sealed(entry.tenant, entry.key, entry.text_key)

    def _complain(self, what: str, error: BaseException) -> None:
        """Once a minute at most; never the text of an error that may quote what was kept."""
        if time.monotonic() - self._complained_s >= _COMPLAIN_EVERY_S:
            self._complained_s = time.monotonic()
            log.warning("the answer cache cannot %s for now: %s", what, type(error).__name__)
