"""Files in the state database: every statement of this room, by name."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, Select, delete, func, insert, or_, select, tuple_, update

from zhongshu.files.tables import files


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that is kept. Times in nanoseconds, UTC; expires_ns None keeps it until it is deleted. text_key: the
    number of the data key that its content is sealed with; None: it may be plain, from before files were sealed."""

    id: str
    tenant: str
    key_id: str
    purpose: str
    filename: str
    bytes: int
    sha256: str
    created_ns: int
    expires_ns: int | None = None
    text_key: int | None = None


def put(db: Connection, file: StoredFile) -> None:
    """Keep a file, in place of one of the same id."""
    db.execute(delete(files).where(files.c.id == file.id))
    db.execute(insert(files).values(msgspec.structs.asdict(file)))


def by_id(db: Connection, tenant: str, id: str, now_ns: int) -> StoredFile | None:
    """A tenant's file, unless it has expired."""
    found = _living(now_ns).where(files.c.tenant == tenant, files.c.id == id)
    row = db.execute(found).mappings().one_or_none()
    return _file(row) if row else None


def page(
    db: Connection, tenant: str, now_ns: int, purpose: str | None, after: StoredFile | None, limit: int, newest: bool
) -> tuple[StoredFile, ...]:
    """At most `limit` of a tenant's files, newest or oldest first, behind `after`."""
    found = _living(now_ns).where(files.c.tenant == tenant)
    if purpose is not None:
        found = found.where(files.c.purpose == purpose)
    place = tuple_(files.c.created_ns, files.c.id)
    if after is not None:
        there = tuple_(after.created_ns, after.id)
        found = found.where(place < there if newest else place > there)
    columns = (files.c.created_ns, files.c.id)
    found = found.order_by(*[column.desc() if newest else column for column in columns]).limit(limit)
    return tuple(_file(row) for row in db.execute(found).mappings())


def bytes_of(db: Connection, tenant: str) -> int:
    """How much a tenant's files take."""
    return db.execute(select(func.coalesce(func.sum(files.c.bytes), 0)).where(files.c.tenant == tenant)).scalar_one()


def remove(db: Connection, tenant: str, id: str) -> bool:
    """Forget a tenant's file; whether it was there."""
    return db.execute(delete(files).where(files.c.tenant == tenant, files.c.id == id)).rowcount > 0


def expired(db: Connection, now_ns: int) -> tuple[StoredFile, ...]:
    """Files whose time is over."""
    return tuple(_file(row) for row in db.execute(select(files).where(files.c.expires_ns <= now_ns)).mappings())


def text_keys(db: Connection) -> tuple[int, ...]:
    """The data keys that contents are sealed with."""
    found = select(files.c.text_key).where(files.c.text_key.is_not(None)).distinct()
    return tuple(db.execute(found).scalars())


def of_text_key(db: Connection, number: int | None) -> tuple[StoredFile, ...]:
    """Files whose content is sealed with this data key; None: those of which it is not known to be sealed."""
    return tuple(_file(row) for row in db.execute(select(files).where(files.c.text_key == number)).mappings())


def told_text_key(db: Connection, id: str, number: int) -> None:
    """A file's content is sealed with this data key."""
    db.execute(update(files).where(files.c.id == id).values(text_key=number))


def ids(db: Connection) -> frozenset[str]:
    """Every file's id."""
    return frozenset(db.execute(select(files.c.id)).scalars())


def _living(now_ns: int) -> Select[Any]:
    return select(files).where(or_(files.c.expires_ns.is_(None), files.c.expires_ns > now_ns))


def _file(row: RowMapping) -> StoredFile:
    return StoredFile(**row)
