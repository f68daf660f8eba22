"""Many tasks' writes in one transaction: a commit waits for the disk, and should wait once for all that are ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection

from zhongshu.storage.database import Database

T = TypeVar("T")
_MOST = 256
_Job = tuple[Callable[[Connection], Any], "asyncio.Future[Any]"]


class GroupWriter:
    """Runs writes off the event loop, in the order they came. One that fails leaves the others as they are."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Job] = []
        self._busy: asyncio.Task[None] | None = None

    async def run(self, write: Callable[[Connection], T]) -> T:
        """Do `write` and return what it returns, once it is durable. It is done even if the caller is cancelled."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, future))
        if self._busy is None:
            self._busy = asyncio.create_task(self._drain())
        return await asyncio.shield(future)

    async def aclose(self) -> None:
        """Wait for what is under way."""
        while self._busy is not None:
            await asyncio.shield(self._busy)

    async def _drain(self) -> None:
        try:
            while self._waiting:
                jobs, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                results: list[Any]
                try:
                    results = await asyncio.to_thread(self._commit, [write for write, _ in jobs])
                # The border: whatever broke the transaction belongs to each of its writers, and this task goes on.
                except Exception as error:  # noqa: BLE001
                    results = [error] * len(jobs)
                for (_, future), result in zip(jobs, results, strict=True):
                    if future.cancelled():
                        continue
                    if isinstance(result, BaseException):
                        future.set_exception(result)
                    else:
                        future.set_result(result)
        finally:
            self._busy = None

    def _commit(self, writes: list[Callable[[Connection], Any]]) -> list[Any]:
        results: list[Any] = []
        with self._database.write() as db:
            for write in writes:
                try:
                    with db.begin_nested():
                        results.append(write(db))
                # Told to whoever asked for this write; the others of the transaction are not to suffer for it.
                except Exception as error:  # noqa: BLE001
                    results.append(error)
        return results
