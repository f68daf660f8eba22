"""Batches in the state database: every statement of this room, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, tuple_, update

from zhongshu.batches.tables import batches
from zhongshu.batches.values import RUNNING, Batch

_decode = msgspec.json.Decoder(Batch).decode


def add(db: Connection, batch: Batch) -> None:
    """Keep a new batch."""
    db.execute(insert(batches).values(_row(batch)))


def change(db: Connection, id: str, changed: Callable[[Batch], Batch]) -> Batch | None:
    """Replace a batch by what `changed` makes of it, within the transaction of `db`. None when it is not there."""
    state = db.execute(select(batches.c.state).where(batches.c.id == id)).scalar_one_or_none()
    if state is None:
        return None
    batch = changed(_decode(state))
    db.execute(update(batches).where(batches.c.id == id).values(_row(batch)))
    return batch


def remove(db: Connection, id: str) -> None:
    """Forget a batch."""
    db.execute(delete(batches).where(batches.c.id == id))


def by_id(db: Connection, tenant: str, id: str) -> Batch | None:
    """A tenant's batch."""
    found = select(batches.c.state).where(batches.c.id == id, batches.c.tenant == tenant)
    state = db.execute(found).scalar_one_or_none()
    return None if state is None else _decode(state)


def page(db: Connection, tenant: str, after: Batch | None, limit: int) -> tuple[Batch, ...]:
    """At most `limit` of a tenant's batches, newest first, behind `after`."""
    found = select(batches.c.state).where(batches.c.tenant == tenant)
    if after is not None:
        found = found.where(tuple_(batches.c.created_ns, batches.c.id) < tuple_(after.created_ns, after.id))
    found = found.order_by(batches.c.created_ns.desc(), batches.c.id.desc()).limit(limit)
    return tuple(_decode(state) for state in db.execute(found).scalars())


def running(db: Connection) -> tuple[Batch, ...]:
    """Every batch with work left, oldest first."""
    found = select(batches.c.state).where(batches.c.status.in_(RUNNING)).order_by(batches.c.created_ns, batches.c.id)
    return tuple(_decode(state) for state in db.execute(found).scalars())


def _row(batch: Batch) -> dict[str, Any]:
    named = ("id", "tenant", "key_id", "endpoint", "status", "created_ns")
    return {name: getattr(batch, name) for name in named} | {"state": msgspec.json.encode(batch).decode()}
