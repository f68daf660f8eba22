"""Numbers by which processes notice that somebody changed something in the state database: one for each subject.

Whoever changes a subject's tables bumps its number in the same transaction; a Follower in each process looks a few
times a second (a PRAGMA without a query while nobody writes) and calls those concerned. Knows no subject's meaning.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from sqlalchemy import BigInteger, Column, Connection, Table, Text, select
from sqlalchemy.dialects.sqlite import insert

from zhongshu.storage.database import Database, schema

log = logging.getLogger("zhongshu.storage")

POLL_S = 0.25

revisions = Table(
    "revisions",
    schema,
    Column("subject", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
)


def bump(db: Connection, subject: str) -> None:
    """Let every process notice that `subject` has changed, once this transaction is committed."""
    first = insert(revisions).values(subject=subject, number=1)
    db.execute(first.on_conflict_do_update(index_elements=["subject"], set_={"number": revisions.c.number + 1}))


def numbers(db: Connection) -> dict[str, int]:
    """Every subject's number; one that never changed has none."""
    return {row.subject: row.number for row in db.execute(select(revisions))}


class Follower:
    """Calls whoever is concerned soon after a subject has changed, in this process or another.

    `on` names them before `start`. Each is called once at the start too. What one raises is logged, and tried again at
    the next look.
    """

    def __init__(self, database: Database, poll_s: float = POLL_S) -> None:
        self._database = database
        self._watch = database.watch()
        self._poll_s = poll_s
        self._concerned: dict[str, list[Callable[[], Awaitable[None]]]] = {}
        self._seen: dict[str, int] = {}
        self._again = True
        self._task: asyncio.Task[None] | None = None

    def on(self, subject: str, changed: Callable[[], Awaitable[None]]) -> None:
        """Have `changed` awaited when `subject` has changed."""
        self._concerned.setdefault(subject, []).append(changed)

    async def start(self) -> None:
        """Call everybody once, then go on looking in the background."""
        await self.look()
        self._task = asyncio.create_task(self._run(), name="revisions")

    async def aclose(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        self._watch.close()

    async def look(self) -> None:
        """Look now: who is concerned by what has changed is called before this returns."""
        if not self._watch.changed() and not self._again:
            return
        self._again = True  # until all have been called: one that fails is called again
        there = await asyncio.to_thread(self._read)
        for subject, concerned in self._concerned.items():
            number = there.get(subject, 0)
            if self._seen.get(subject) != number:
                for changed in concerned:
                    await changed()
                self._seen[subject] = number
        self._again = False

    def _read(self) -> dict[str, int]:
        with self._database.read() as db:
            return numbers(db)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - a border: this task must outlive a full or broken disk
                log.error("a change could not be taken over, will try again: %s", type(error).__name__)
