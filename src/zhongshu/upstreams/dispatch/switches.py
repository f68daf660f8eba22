"""What operators have set upstreams to, in the state database: every worker follows it, whoever sets it.

A switch outlives restarts until it is set to "auto" again. Knows no breaker; the Board lays switches over its own.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import BigInteger, Column, Table, Text, delete, select
from sqlalchemy.dialects.sqlite import insert

from zhongshu.core.clock import Clock
from zhongshu.core.health import Forced
from zhongshu.storage.database import Database, schema
from zhongshu.storage.revisions import Follower, bump
from zhongshu.upstreams.dispatch.board import Board, Switch

SUBJECT = "upstream_switches"

upstream_switches = Table(
    "upstream_switches",
    schema,
    Column("upstream", Text, primary_key=True),
    Column("model", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("since_ns", BigInteger, nullable=False),
)


class Switches:
    """The switches of one installation. Synchronous: an async caller uses a thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def all(self) -> tuple[Switch, ...]:
        """Every switch that is not "auto", by name."""
        table = upstream_switches
        with self._database.read() as db:
            found = db.execute(select(table).order_by(table.c.upstream, table.c.model)).all()
        return tuple([Switch(row.upstream, row.model, row.state) for row in found])

    def set(self, upstream: str, model: str, to: Forced) -> None:
        """Set one; every worker knows within half a second. model: at the upstream; empty for all of them."""
        table = upstream_switches
        with self._database.write() as db:
            if to == "auto":
                db.execute(delete(table).where(table.c.upstream == upstream, table.c.model == model))
            else:
                row = {"state": to, "since_ns": self._clock.now_ns()}
                new = insert(table).values(upstream=upstream, model=model, **row)
                db.execute(new.on_conflict_do_update(index_elements=["upstream", "model"], set_=row))
            bump(db, SUBJECT)


def follow_switches(board: Board, switches: Switches, follower: Follower) -> None:
    """Have the board take over every change, and what there is when `follower` starts."""

    async def changed() -> None:
        board.switch(await asyncio.to_thread(switches.all))

    follower.on(SUBJECT, changed)
