"""One batch from its input file to its output: check, answer, put together.

Each step can be cut off anywhere and begun again: the check writes nothing, answers are kept one by one in the spool,
and the files of the end have ids that follow from the batch's.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.batches import reading
from zhongshu.batches.desk import BatchDesk
from zhongshu.batches.settings import BatchSettings
from zhongshu.batches.spool import ResultsErased, Spool
from zhongshu.batches.values import ENDED, Asks, Batch, Mistake, Reply, Request, Status
from zhongshu.core.clock import Clock
from zhongshu.core.problems import Fault, problem
from zhongshu.files.shelf import FileShelf

_TELL_S = 1.0
_HOLD_S = 0.1
_LONGEST_WAIT_S = 60.0
_FIRST_PAUSE_S = 1.0
_PIECE = 1 << 20

_encode = msgspec.json.Encoder().encode


class Job:
    """The work on one batch while this process holds its spool. free: whether live traffic leaves room now; seats:
    shared with the other batches of this worker."""

    def __init__(
        self,
        batch: Batch,
        spool: Spool,
        desk: BatchDesk,
        shelf: FileShelf,
        asks: Asks,
        settings: BatchSettings,
        free: Callable[[], bool],
        seats: asyncio.Semaphore,
        clock: Clock,
    ) -> None:
        self.id = batch.id
        self._batch = batch
        self._spool = spool
        self._desk = desk
        self._shelf = shelf
        self._asks = asks
        self._settings = settings
        self._free = free
        self._seats = seats
        self._clock = clock
        self._stop = asyncio.Event()
        self._adding = asyncio.Lock()
        self._reading = asyncio.Lock()
        self._told_s = 0.0
        if batch.status == "cancelling":
            self._stop.set()

    def cancel(self) -> None:
        """Begin no more requests and cancel those in flight."""
        self._stop.set()

    async def run(self) -> None:
        """All that is left to do. A batch whose input cannot be read any more has failed; what was answered is kept."""
        try:
            file = await self._shelf.get(self._batch.tenant, self._batch.input_file)
            await self._run(lambda: self._shelf.open(file))
        except Fault as gone:
            told = gone.problem
            code = "input_gone" if told.code == "file_not_found" else told.code
            await self._end("failed", (Mistake(code, told.message, told.message_zh),), **await self._files_left())

    async def _run(self, opens: reading.Opens) -> None:
        if self._batch.status == "validating":
            found = await asyncio.to_thread(reading.check, opens, self._batch.endpoint, self._settings)
            if found.mistakes:
                return await self._end("failed", found.mistakes)
            await self._change("in_progress", total=found.total, in_progress_ns=self._clock.now_ns())
        while True:
            if self._done < self._batch.total:
                await self._answer(reading.requests(opens, self._batch.endpoint, self._settings))
            try:
                return await self._finish(reading.requests(opens, self._batch.endpoint, self._settings))
            except ResultsErased:  # its tenant's texts were erased meanwhile: those are to be asked again
                await asyncio.to_thread(self._spool.forget_erased)

    # --- answering

    async def _answer(self, requests: Iterator[Request]) -> None:
        """Answer every request that is not done yet, until all are, the time is over, or it is cancelled."""
        todo = (request for request in requests if request.number not in self._spool)
        left_s = (self._batch.expires_ns - self._clock.now_ns()) / 1e9
        if left_s <= 0 or self._stop.is_set():
            return
        asking = [asyncio.create_task(self._ask_each(todo)) for _ in range(self._settings.concurrency)]
        stopping = asyncio.create_task(self._stop.wait())
        every = asyncio.gather(*asking)
        why: tuple[str, ...] = ()
        try:
            await asyncio.wait((every, stopping), timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
            if every.done():
                await every
        except asyncio.CancelledError as cancelled:
            why = cancelled.args
            raise
        finally:
            stopping.cancel()
            for task in asking:
                task.cancel(*why)
            ending: list[asyncio.Future[Any]] = [*asking, every]
            await asyncio.gather(*ending, return_exceptions=True)
        await self._tell()

    async def _ask_each(self, todo: Iterator[Request]) -> None:
        while (request := await self._next(todo)) is not None:
            async with self._seats:
                while not self._free():
                    await asyncio.sleep(_HOLD_S)
                reply = await self._asks.ask(self._batch.endpoint, self._batch.key_id, request.body, self.id)
            attempt = 1
            while (pause_s := self._pause(reply, attempt)) is not None:
                await asyncio.sleep(pause_s)
                attempt += reply.wait_s is None
                async with self._seats:
                    reply = await self._asks.ask(self._batch.endpoint, self._batch.key_id, request.body, self.id)
            await self._add(request, reply)

    async def _next(self, todo: Iterator[Request]) -> Request | None:
        """The next line, read off the event loop, by one at a time."""
        async with self._reading:
            return await asyncio.to_thread(next, todo, None)

    def _pause(self, reply: Reply, attempt: int) -> float | None:
        """How long to wait before asking again; None when this reply stands. Waiting for room has no end but the
        batch's own; what fails is tried a few times."""
        if reply.wait_s is not None:
            return min(reply.wait_s, _LONGEST_WAIT_S) + random.uniform(0.05, 0.5)
        if reply.again and attempt < self._settings.attempts:
            return _FIRST_PAUSE_S * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
        return None

    async def _add(self, request: Request, reply: Reply) -> None:
        body = reply.body if b"\n" not in reply.body else msgspec.json.format(reply.body, indent=-1)
        line = {
            "id": f"batch_req_{reply.request_id}",
            "custom_id": request.custom_id,
            "response": {"status_code": reply.status, "request_id": reply.request_id, "body": Raw(body)},
            "error": None,
        }
        async with self._adding:
            outcome = "ok" if reply.status == 200 else "failed"
            adding = asyncio.ensure_future(asyncio.to_thread(self._spool.add, request.number, outcome, _encode(line)))
            try:
                await asyncio.shield(adding)
            except asyncio.CancelledError:
                await adding  # the thread goes on; nobody else may write meanwhile
                raise
        if asyncio.get_running_loop().time() >= self._told_s:
            await self._tell()

    async def _tell(self) -> None:
        """Let readers see how far it is."""
        self._told_s = asyncio.get_running_loop().time() + _TELL_S
        await self._change(None)

    # --- the end

    async def _finish(self, requests: Iterator[Request]) -> None:
        """Put the files together and close the batch."""
        now_ns = self._clock.now_ns()
        cancelled = self._stop.is_set() or self._batch.status == "cancelling"
        late = not cancelled and (self._done < self._batch.total or self._spool.expired > 0)
        if late:
            await self._give_up(requests)
        if not cancelled:
            await self._change("finalizing", finalizing_ns=self._batch.finalizing_ns or now_ns)
        ended: Status = "cancelled" if cancelled else "expired" if late else "completed"
        await self._end(ended, (), **await self._files())

    async def _give_up(self, requests: Iterator[Request]) -> None:
        """What was not answered in time is said to have expired."""
        told = problem("batch_expired")
        error = {"code": told.code, "message": told.message}
        while (request := await self._next(requests)) is not None:
            if request.number not in self._spool:
                line = {"id": f"batch_req_{self.id}_{request.number}", "custom_id": request.custom_id}
                result = _encode(line | {"response": None, "error": error})
                await asyncio.to_thread(self._spool.add, request.number, "expired", result)

    @property
    def _done(self) -> int:
        return self._spool.completed + self._spool.failed + self._spool.expired

    async def _files_left(self) -> dict[str, str | None]:
        """The files of a batch that is asked no further: what was erased is left out."""
        while True:
            try:
                return await self._files()
            except ResultsErased:
                await asyncio.to_thread(self._spool.forget_erased)

    async def _files(self) -> dict[str, str | None]:
        """Make the files of what there is."""
        output = await self._file("output", self._pieces(ok=True), self._spool.completed)
        error = await self._file("error", self._pieces(ok=False), self._spool.failed + self._spool.expired)
        return {"output_file": output, "error_file": error}

    async def _file(self, what: str, pieces: AsyncIterator[bytes], lines: int) -> str | None:
        if not lines:
            return None
        batch = self._batch
        file = await self._shelf.put(
            pieces,
            tenant=batch.tenant,
            key_id=batch.key_id,
            purpose="batch_output",
            filename=f"{batch.id}_{what}.jsonl",
            expires_s=batch.output_expires_s,
            id=f"file-{hashlib.sha256(f'{batch.id} {what}'.encode()).hexdigest()[:24]}",
        )
        return file.id

    async def _pieces(self, *, ok: bool) -> AsyncIterator[bytes]:
        results = self._spool.results(ok=ok)
        while piece := await asyncio.to_thread(_some, results):
            yield piece

    async def _end(self, status: Status, mistakes: tuple[Mistake, ...], **fields: Any) -> None:
        await self._change(status, mistakes=mistakes, ended_ns=self._clock.now_ns(), **fields)
        await asyncio.to_thread(self._spool.remove)

    async def _change(self, status: Status | None, **fields: Any) -> None:
        """Write the batch's state. A cancellation that came meanwhile is not overwritten, save by an end."""
        spool = self._spool
        counts = {
            "completed": spool.completed,
            "failed": spool.failed + spool.expired,
            "expired": spool.expired,
        }

        def changed(found: Batch) -> Batch:
            kept = found.status if status is None or (found.status == "cancelling" and status not in ENDED) else status
            return msgspec.structs.replace(found, status=kept, **counts, **fields)

        after = await self._desk.change(self.id, changed)
        if after is not None:
            self._batch = after
            if after.status == "cancelling":
                self._stop.set()


def _some(results: Iterator[bytes]) -> bytes:
    """The next results, a megabyte of them; empty when there are none left."""
    taken, size = list[bytes](), 0
    for result in results:
        taken.append(result)
        size += len(result)
        if size >= _PIECE:
            break
    return b"".join(taken)
