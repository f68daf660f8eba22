"""Runs batches in a worker: finds those with work left, takes their spools, and lets a Job answer them.

Each worker looks once a second. A batch belongs to whoever holds its spool (spool.py), so a batch whose worker was
killed is taken up by another, or by the next start, where it stopped.

DBOS was considered for this. A batch is one loop over a file whose only step is idempotent by line number; its log of
steps would be a second copy of the output, written in rows instead of appended, and its recovery needs executors to be
told apart, which the lock of a file does better.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from zhongshu.batches.desk import BatchDesk
from zhongshu.batches.job import Job
from zhongshu.batches.settings import BatchSettings
from zhongshu.batches.spool import Spool, take
from zhongshu.batches.values import RUNNING, Asks, Batch
from zhongshu.core.clock import Clock
from zhongshu.core.problems import Fault
from zhongshu.files.shelf import FileShelf
from zhongshu.storage.sealing import Sealed

_LOOK_S = 1.0
_SWEEP_S = 300.0
_AT_ONCE = 8

log = logging.getLogger("zhongshu.batches")


class BatchRunner:
    """`hold`: whether live traffic wants this worker for itself now. `settings` gives those of now."""

    def __init__(
        self,
        folder: Path,
        desk: BatchDesk,
        shelf: FileShelf,
        asks: Asks,
        settings: Callable[[], BatchSettings],
        hold: Callable[[int], bool],
        clock: Clock,
    ) -> None:
        self._folder = folder
        self._desk = desk
        self._shelf = shelf
        self._asks = asks
        self._settings = settings
        self._hold = hold
        self._clock = clock
        self._seats = asyncio.Semaphore(settings().concurrency)
        self._jobs: dict[str, tuple[Job, asyncio.Task[None]]] = {}
        self._look_now = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._swept_s = 0.0

    def start(self) -> None:
        """Begin looking, on the running event loop."""
        self._task = asyncio.create_task(self._run(), name="batches")

    def look(self) -> None:
        """Something is new."""
        self._look_now.set()

    async def aclose(self) -> None:
        """Stop: requests in flight are cancelled; what is done is kept for whoever goes on."""
        tasks = [task for _, task in self._jobs.values()]
        if self._task is not None:
            tasks.append(self._task)
        for task in tasks:
            task.cancel("draining")  # the word by which the record tells it from a client that left
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._look()
                await self._sweep()
            except (DBAPIError, sqlite3.Error, OSError) as error:
                log.error("batches cannot be read: %s", type(error).__name__)
            try:
                async with asyncio.timeout(_LOOK_S):
                    await self._look_now.wait()
            except TimeoutError:
                pass
            self._look_now.clear()

    async def _look(self) -> None:
        for batch in await self._desk.running():
            mine = self._jobs.get(batch.id)
            if mine is not None:
                if batch.status == "cancelling":
                    mine[0].cancel()
            elif len(self._jobs) < _AT_ONCE:
                seals = _ShelfSeals(self._shelf, batch)
                spool = await asyncio.to_thread(take, self._folder / batch.id, seals)
                if spool is not None:
                    await self._begin(batch, spool)

    async def _begin(self, batch: Batch, spool: Spool) -> None:
        """Work on a batch, unless its last holder has just ended it."""
        try:
            now = await self._desk.get(batch.tenant, batch.id)
        except Fault:
            now = None
        if now is None or now.status not in RUNNING:
            await asyncio.to_thread(spool.remove)
            spool.close()
            return
        job = Job(
            now, spool, self._desk, self._shelf, self._asks, self._settings(), self._free, self._seats, self._clock
        )
        self._jobs[batch.id] = job, asyncio.create_task(self._work(job, spool), name=batch.id)

    async def _work(self, job: Job, spool: Spool) -> None:
        """One batch to its end. What breaks on our side leaves it to be taken up again."""
        try:
            await job.run()
        except (DBAPIError, sqlite3.Error, OSError) as error:
            log.error("batch %s stopped for now: %s", job.id, type(error).__name__)
            await asyncio.sleep(_LOOK_S)
        # The border of a task that nobody awaits: what a request holds may be in the text, so only its kind is said.
        except Exception as error:  # noqa: BLE001
            log.error("batch %s broke: %s", job.id, type(error).__name__)
            await asyncio.sleep(10 * _LOOK_S)
        finally:
            del self._jobs[job.id]
            spool.close()

    def _free(self) -> bool:
        return not self._hold(self._settings().yield_to)

    async def _sweep(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._swept_s:
            self._swept_s = now_s + _SWEEP_S
            await self._shelf.sweep()


class _ShelfSeals:
    """spool.Seals: a batch's results are sealed like the files they become."""

    def __init__(self, shelf: FileShelf, batch: Batch) -> None:
        self._shelf = shelf
        self._tenant = batch.tenant
        self._id = batch.id

    def seal(self, number: int, result: bytes) -> bytes:
        made = self._shelf.seal(self._tenant, self._place(number), result)
        return made.text_key.to_bytes(8, "big") + made.bytes

    def stands(self, sealed: bytes) -> bool:
        return self._shelf.stands(_parts(sealed))

    def open(self, number: int, sealed: bytes) -> bytes | None:
        return self._shelf.unseal(self._tenant, self._place(number), _parts(sealed))

    def _place(self, number: int) -> bytes:
        return f"{self._id} {number}".encode()


def _parts(sealed: bytes) -> Sealed:
    return Sealed(int.from_bytes(sealed[:8], "big"), sealed[8:])
