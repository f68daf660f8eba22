"""Tenants and keys in the state database: every statement of this room, by name."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from zhongshu.access.keys import Key, Tenant
from zhongshu.access.tables import access_revision, keys, tenants
from zhongshu.core.access import Limits

_limits = msgspec.json.Decoder(Limits)
_models = msgspec.json.Decoder(tuple[str, ...])


class KeyAndTenant(msgspec.Struct, frozen=True):
    """A key with the tenant it belongs to."""

    key: Key
    tenant: Tenant


def key_by_digest(db: Connection, digest: bytes) -> KeyAndTenant | None:
    """The key that was stored under this digest."""
    return _with_tenant(db, db.execute(select(keys).where(keys.c.digest == digest)).one_or_none())


def key_by_id(db: Connection, id: str) -> KeyAndTenant | None:
    """The key of that id."""
    return _with_tenant(db, db.execute(select(keys).where(keys.c.id == id)).one_or_none())


def all_keys(db: Connection, tenant: str | None = None) -> tuple[Key, ...]:
    """Every key, or one tenant's, oldest first."""
    found = select(keys).order_by(keys.c.created_ns, keys.c.id)
    if tenant is not None:
        found = found.where(keys.c.tenant == tenant)
    return tuple(_key(row) for row in db.execute(found))


def any_key(db: Connection) -> bool:
    """Whether a key was ever made."""
    return db.execute(select(keys.c.id).limit(1)).first() is not None


def tenant_by_id(db: Connection, id: str) -> Tenant | None:
    """The tenant of that id."""
    row = db.execute(select(tenants).where(tenants.c.id == id)).one_or_none()
    return _tenant(row) if row else None


def all_tenants(db: Connection) -> tuple[Tenant, ...]:
    """Every tenant, oldest first."""
    return tuple(_tenant(row) for row in db.execute(select(tenants).order_by(tenants.c.created_ns, tenants.c.id)))


def add_tenant(db: Connection, tenant: Tenant) -> None:
    """Keep a new tenant."""
    db.execute(insert(tenants).values(_plain(tenant)))
    bump(db)


def change_tenant(db: Connection, tenant: Tenant) -> None:
    """Replace a tenant's title and limits."""
    db.execute(update(tenants).where(tenants.c.id == tenant.id).values(_plain(tenant)))
    bump(db)


def add_key(db: Connection, key: Key, digest: bytes) -> None:
    """Keep a new key, by its digest."""
    db.execute(insert(keys).values(_plain(key) | {"digest": digest}))
    bump(db)


def change_key(db: Connection, key: Key) -> None:
    """Replace everything about a key but its digest."""
    db.execute(update(keys).where(keys.c.id == key.id).values(_plain(key)))
    bump(db)


def revision(db: Connection) -> int:
    """Goes up with every change of a tenant or key."""
    return db.execute(select(access_revision.c.number)).scalar_one()


def bump(db: Connection) -> None:
    """Let workers notice a change."""
    db.execute(update(access_revision).values(number=access_revision.c.number + 1))


def _plain(value: Key | Tenant) -> dict[str, Any]:
    """A row of columns; limits and models as JSON."""
    row = msgspec.structs.asdict(value)
    for column in ("limits", "models"):
        if column in row:
            row[column] = msgspec.json.encode(row[column]).decode()
    return row


def _with_tenant(db: Connection, row: Row[Any] | None) -> KeyAndTenant | None:
    if row is None:
        return None
    tenant = tenant_by_id(db, row.tenant)
    return KeyAndTenant(_key(row), tenant) if tenant else None


def _key(row: Row[Any]) -> Key:
    return Key(
        id=row.id,
        tenant=row.tenant,
        name=row.name,
        role=row.role,
        models=_models.decode(row.models),
        limits=_limits.decode(row.limits),
        created_ns=row.created_ns,
        expires_ns=row.expires_ns,
        revoked_ns=row.revoked_ns,
    )


def _tenant(row: Row[Any]) -> Tenant:
    return Tenant(id=row.id, title=row.title, limits=_limits.decode(row.limits), created_ns=row.created_ns)
