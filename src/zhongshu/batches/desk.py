"""Where batches are handed in, looked up and cancelled. Who runs them is runner.py. Knows no HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from zhongshu.batches import store
from zhongshu.batches.values import ENDED, Batch, new_id
from zhongshu.core.access import Caller
from zhongshu.core.clock import Clock
from zhongshu.core.problems import Fault, Said, fault
from zhongshu.core.times import SECOND_NS
from zhongshu.files.shelf import FileShelf
from zhongshu.storage.database import Database

T = TypeVar("T")
_WINDOWS_S = {"1h": 3600, "24h": 86_400, "7d": 604_800}
_CANCELLABLE = ("validating", "in_progress", "cancelling")


class BatchDesk:
    """All batches of this installation, a tenant at a time."""

    def __init__(
        self, database: Database, shelf: FileShelf, endpoints: Callable[[], tuple[str, ...]], clock: Clock
    ) -> None:
        self._database = database
        self._shelf = shelf
        self._endpoints = endpoints
        self._clock = clock

    async def create(
        self, caller: Caller, *, endpoint: str, input_file: str, window: str, metadata: Mapping[str, str],
        output_expires_s: float | None,
    ) -> Batch:  # fmt: skip
        """Hand in a batch. Raises Fault, with its field, when its endpoint, window or file cannot be used."""
        endpoints = self._endpoints()
        if endpoint not in endpoints:
            raise _not_of("endpoint", endpoints)
        if window not in _WINDOWS_S:
            raise _not_of("completion_window", tuple(_WINDOWS_S))
        try:
            file = await self._shelf.get(caller.tenant, input_file)
        except Fault:
            raise fault("file_not_found", param="input_file_id", file=input_file) from None
        if file.purpose != "batch":
            why = Said("its purpose is not `batch`; upload it again", "文件用途不是 `batch`，请重新上传")
            raise fault("invalid_value", param="input_file_id", field="input_file_id", why=why)
        now_ns = self._clock.now_ns()
        batch = Batch(
            id=new_id(),
            tenant=caller.tenant,
            key_id=caller.key_id,
            endpoint=endpoint,
            input_file=input_file,
            window=window,
            status="validating",
            created_ns=now_ns,
            expires_ns=now_ns + _WINDOWS_S[window] * SECOND_NS,
            metadata=metadata,
            output_expires_s=output_expires_s,
        )
        await asyncio.to_thread(self._add, batch)
        return batch

    async def get(self, tenant: str, id: str) -> Batch:
        """A tenant's batch. Raises Fault("batch_not_found")."""

        def read() -> Batch | None:
            with self._database.read() as db:
                return store.by_id(db, tenant, id)

        found = await asyncio.to_thread(read)
        if found is None:
            raise fault("batch_not_found", batch=id)
        return found

    async def page(self, tenant: str, after: str | None, limit: int) -> tuple[Batch, ...]:
        """At most `limit` of a tenant's batches, newest first."""
        behind = None if after is None else await self.get(tenant, after)

        def read() -> tuple[Batch, ...]:
            with self._database.read() as db:
                return store.page(db, tenant, behind, limit)

        return await asyncio.to_thread(read)

    async def cancel(self, tenant: str, id: str) -> Batch:
        """Have a batch stopped; what is answered stays. Raises Fault: batch_not_found, batch_over."""
        batch = await self.get(tenant, id)

        def cancelled(found: Batch) -> Batch:
            if found.status not in _CANCELLABLE:
                return found
            return msgspec.structs.replace(found, status="cancelling", cancelling_ns=self._clock.now_ns())

        changed = await self.change(id, cancelled) or batch
        if changed.status != "cancelling":
            raise fault("batch_over", batch=id, state=changed.status)
        return changed

    async def delete(self, tenant: str, id: str) -> None:
        """Take a batch that is over away, with the files it read and made. Raises Fault: batch_not_found,
        batch_under_way."""
        batch = await self.get(tenant, id)
        if batch.status not in ENDED:
            raise fault("batch_under_way", batch=id)
        for file in (batch.input_file, batch.output_file, batch.error_file):
            if file is not None:
                with contextlib.suppress(Fault):  # taken away before
                    await self._shelf.delete(tenant, file)

        def remove() -> None:
            with self._database.write() as db:
                store.remove(db, id)

        await asyncio.to_thread(remove)

    async def running(self) -> tuple[Batch, ...]:
        """Every tenant's batches with work left, oldest first."""

        def read() -> tuple[Batch, ...]:
            with self._database.read() as db:
                return store.running(db)

        return await asyncio.to_thread(read)

    async def change(self, id: str, changed: Callable[[Batch], Batch]) -> Batch | None:
        """Replace a batch in one transaction."""

        def write() -> Batch | None:
            with self._database.write() as db:
                return store.change(db, id, changed)

        return await asyncio.to_thread(write)

    def _add(self, batch: Batch) -> None:
        with self._database.write() as db:
            store.add(db, batch)


def _not_of(field: str, values: tuple[str, ...]) -> Exception:
    words = ", ".join(values)
    return fault(
        "invalid_value", param=field, field=field, why=Said(f"it must be one of {words}", f"须为以下之一：{words}")
    )
