"""The sessions room, open: remembers turns, finds them again for their own tenant, and forgets them in time.

Knows no protocol. A turn that is still being worked on names its process: when that is gone, the turn is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from zhongshu.core.clock import Clock
from zhongshu.core.problems import Fault, fault
from zhongshu.core.times import DAY_NS
from zhongshu.sessions.kept import Kept, Pieces, State, Total
from zhongshu.sessions.sealing import Sealer, Unsealable
from zhongshu.sessions.settings import SessionsSettings
from zhongshu.sessions.store import Found, Store
from zhongshu.sessions.writing import GroupWriter
from zhongshu.storage.database import Database, open_database
from zhongshu.storage.processes import alive, mark
from zhongshu.storage.secrets import load_or_create_secret

STATE = "state.db"
KEY = "sessions.key"
KEY_ENV = "ZHONGSHU_SESSIONS_KEY"

T = TypeVar("T")
_SWEEP_S = 600.0

log = logging.getLogger("zhongshu.sessions")


class Sessions:
    """Remembered turns. Every method may raise Fault("sessions_unavailable")."""

    def __init__(self, settings: SessionsSettings, database: Database, sealer: Sealer, clock: Clock) -> None:
        self.settings = settings
        self._database = database
        self._store = Store(sealer)
        self._writer = GroupWriter(database)
        self._clock = clock
        self._owner = f"{os.getpid()} {mark(os.getpid())}"
        self._sweeping: asyncio.Task[None] | None = None

    @property
    def keeps(self) -> bool:
        """Whether anything is remembered."""
        return self.settings.keep

    async def keep(self, kept: Kept) -> None:
        """Remember a turn that is over. Returns once it is durable."""
        await self._write(lambda db: self._store.add(db, kept, self._expires_ns()))

    async def begin(self, kept: Kept) -> None:
        """Remember a turn that this process is about to work on."""
        await self._write(lambda db: self._store.add(db, kept, self._expires_ns(), self._owner))

    async def run(self, id: str) -> bool:
        """A queued turn is being worked on now. False when it was cancelled or deleted meanwhile."""
        return await self._write(lambda db: self._store.mark(db, id, "running", ("queued",)))

    async def finish(self, kept: Kept) -> bool:
        """A turn that was begun is over. False when it was cancelled or deleted meanwhile."""
        return await self._write(lambda db: self._store.finish(db, kept))

    async def cancel(self, id: str) -> bool:
        """Nobody is to work on this turn any more. False when it had ended before."""
        return await self._write(lambda db: self._store.mark(db, id, "cancelled"))

    async def wanted(self, id: str) -> bool:
        """Whether a turn under way is still wanted."""
        return await self._read(lambda db: self._store.state(db, id)) in ("queued", "running")

    async def find(self, tenant: str, id: str) -> Kept | None:
        """A tenant's turn; None when there is none, it has expired, or it is another tenant's."""
        found = await self._read(lambda db: self._store.find(db, tenant, id, self._clock.now_ns()))
        if found is None or found.owner is None or not _gone(found.owner):
            return found
        await self._write(lambda db: self._store.mark(db, id, "lost"))
        return await self._read(lambda db: self._store.find(db, tenant, id, self._clock.now_ns()))

    async def chain(self, tenant: str, id: str) -> list[Found] | None:
        """A turn and all that it goes on from, oldest first; None when one of them is not there (any more)."""
        most = self.settings.longest_chain
        return await self._read(lambda db: self._store.chain(db, tenant, id, self._clock.now_ns(), most))

    async def with_items(self, tenant: str, items: Iterable[str]) -> list[Found]:
        """The tenant's turns that these items belong to."""
        return await self._read(lambda db: self._store.with_items(db, tenant, items, self._clock.now_ns()))

    async def delete(self, tenant: str, id: str) -> bool:
        """Forget a turn. False when the tenant has none of that name."""
        return await self._write(lambda db: self._store.delete(db, tenant, id))

    async def delete_tenant(self, tenant: str) -> int:
        """Forget everything of a tenant; how many turns that were."""
        return await self._write(lambda db: self._store.delete_tenant(db, tenant))

    async def totals(self) -> list[Total]:
        """What is remembered, by tenant."""
        return await self._read(lambda db: self._store.totals(db, self._clock.now_ns()))

    async def add_pieces(self, tenant: str, id: str, pieces: Pieces) -> None:
        """Remember part of a turn's stream."""
        await self._write(lambda db: self._store.add_pieces(db, tenant, id, pieces))

    async def pieces(self, tenant: str, id: str, after: int) -> list[Pieces]:
        """What is remembered of a turn's stream behind piece number `after`. The turn must be the tenant's."""
        return await self._read(lambda db: self._store.pieces(db, tenant, id, after))

    async def sweep(self) -> int:
        """Forget what is past its time, and mark as lost what nobody works on any more; how many were forgotten."""
        for turn, owner in await self._read(self._store.unfinished):
            if _gone(owner):
                await self._mark(turn, "lost")
        return await self._write(lambda db: self._store.sweep(db, self._clock.now_ns()))

    def start(self) -> None:
        """Begin to forget in time, on the running event loop."""
        self._sweeping = asyncio.create_task(self._sweep_for_ever(), name="sessions")

    async def aclose(self) -> None:
        """Finish what is being written, and close."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        await self._writer.aclose()
        self._database.close()

    async def _mark(self, id: str, state: State) -> None:
        await self._write(lambda db: self._store.mark(db, id, state))

    async def _sweep_for_ever(self) -> None:
        while True:
            with contextlib.suppress(Fault):
                gone = await self.sweep()
                if gone:
                    log.info("sessions: %d turns were past their time", gone)
            await asyncio.sleep(_SWEEP_S)

    def _expires_ns(self) -> int:
        return self._clock.now_ns() + int(self.settings.retention_days * DAY_NS)

    async def _write(self, job: Callable[[Connection], T]) -> T:
        try:
            return await self._writer.run(job)
        except (SQLAlchemyError, OSError) as error:
            raise _unavailable(error) from None

    async def _read(self, job: Callable[[Connection], T]) -> T:
        def work() -> T:
            with self._database.read() as db:
                return job(db)

        try:
            return await asyncio.to_thread(work)
        except (SQLAlchemyError, OSError, Unsealable) as error:
            raise _unavailable(error) from None


def open_sessions(settings: SessionsSettings, home: Path, clock: Clock) -> Sessions:
    """Open the room of `home`: makes the key, runs migrations. Raises SecretError or SchemaError with the remedy."""
    master = load_or_create_secret(home / "secrets" / KEY, env=KEY_ENV)
    return Sessions(settings, open_database(home / STATE), Sealer(master), clock)


def _gone(owner: str) -> bool:
    pid, _, marked = owner.partition(" ")
    return alive(int(pid), marked) is False


def _unavailable(error: Exception) -> Fault:
    """The kind of what broke goes to the log; its text, which may hold a row, goes nowhere."""
    log.error("sessions_unavailable kind=%s", type(error).__name__)
    return fault("sessions_unavailable", retry_after_s=1.0)
