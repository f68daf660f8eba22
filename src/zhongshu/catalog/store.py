"""Plans, their history and scores in the state database: every statement of this room, by name."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.dialects.sqlite import insert

from zhongshu.catalog.buckets import Buckets
from zhongshu.catalog.plans import Change, Plan
from zhongshu.catalog.releases import Planned
from zhongshu.catalog.tables import changes, plans, scores
from zhongshu.storage.revisions import bump

SUBJECT = "releases"
"""What a Follower of plans asks for."""

_plan = msgspec.json.Decoder(Plan)
_encode = msgspec.json.Encoder().encode
_buckets = msgspec.msgpack.Decoder(Buckets)


class Score(msgspec.Struct, frozen=True):
    """How good a turn was, from 0 to 1. at_ns: when the turn was asked. release: which one had been chosen for it.
    group: of whose it was, as tallies group users."""

    trace: str
    model: str
    release: str
    group: int
    at_ns: int
    scored_ns: int
    score: float
    by: str


def all_plans(db: Connection) -> dict[str, Planned]:
    """Every model's plan."""
    return {row.model: _planned(row) for row in db.execute(select(plans))}


def plan_of(db: Connection, model: str) -> Planned | None:
    """One model's plan; None when nobody has made one."""
    row = db.execute(select(plans).where(plans.c.model == model)).one_or_none()
    return _planned(row) if row else None


def put_plan(db: Connection, model: str, planned: Planned) -> None:
    """Keep a plan in the place of the one before, and let every worker notice."""
    row = {"plan": _encode(planned.plan).decode(), "buckets": msgspec.msgpack.encode(planned.buckets)}
    db.execute(insert(plans).values(model=model, **row).on_conflict_do_update(index_elements=["model"], set_=row))
    bump(db, SUBJECT)


def add_change(db: Connection, change: Change) -> Change:
    """Write a change into the history; with its number."""
    row = msgspec.structs.asdict(change)
    del row["number"]
    row["before"], row["after"] = _encode(change.before).decode(), _encode(change.after).decode()
    number = db.execute(insert(changes).values(row).returning(changes.c.number)).scalar_one()
    return msgspec.structs.replace(change, number=number)


def history(db: Connection, model: str, limit: int = -1) -> tuple[Change, ...]:
    """Changes of a model's plan, newest first; limit: -1 for all."""
    found = select(changes).where(changes.c.model == model).order_by(changes.c.number.desc()).limit(limit)
    return tuple(_change(row) for row in db.execute(found))


def change_by_number(db: Connection, model: str, number: int) -> Change | None:
    """One change."""
    row = db.execute(select(changes).where(changes.c.model == model, changes.c.number == number)).one_or_none()
    return _change(row) if row else None


def put_score(db: Connection, score: Score) -> None:
    """Keep a turn's score, in the place of the one before."""
    row = _renamed(msgspec.structs.asdict(score))
    db.execute(insert(scores).values(row).on_conflict_do_update(index_elements=["trace"], set_=row))


def drop_score(db: Connection, trace: str) -> bool:
    """Take a score back; False when there was none."""
    return bool(db.execute(delete(scores).where(scores.c.trace == trace)).rowcount)


def scores_of(db: Connection, model: str, since_ns: int, until_ns: int | None = None) -> dict[str, Score]:
    """The scores of a model's turns that were asked in a time, by trace."""
    found = select(scores).where(scores.c.model == model, scores.c.at_ns >= since_ns)
    if until_ns is not None:
        found = found.where(scores.c.at_ns < until_ns)
    return {row.trace: Score(*row) for row in db.execute(found)}


def _renamed(row: dict[str, Any]) -> dict[str, Any]:
    columns = {"release": "release_name", "group": "user_group"}
    return {columns.get(name, name): value for name, value in row.items()}


def _planned(row: Row[Any]) -> Planned:
    return Planned(_plan.decode(row.plan), _buckets.decode(row.buckets))


def _change(row: Row[Any]) -> Change:
    fields = dict(row._mapping)  # pyright: ignore[reportPrivateUsage] - SQLAlchemy's own public name for it
    fields["before"], fields["after"] = _plan.decode(row.before), _plan.decode(row.after)
    return Change(**fields)
