"""Tenants and keys in the state database: every statement of this room, by name."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from zhongshu.access.keys import Budget, Key, KeyChange, Tenant
from zhongshu.access.tables import access_revision, budgets, key_changes, keys, tenants
from zhongshu.core.access import Limits
from zhongshu.core.dials import Preference

_limits = msgspec.json.Decoder(Limits)
_models = msgspec.json.Decoder(tuple[str, ...])
_prefers = msgspec.json.Decoder(Preference)


class KeyAndTenant(msgspec.Struct, frozen=True):
    """A key with the tenant it belongs to, and the budgets of users and models that its turns may touch."""

    key: Key
    tenant: Tenant
    budgets: tuple[Budget, ...] = ()


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


def add_key_change(db: Connection, key: str, at_ns: int, by: str, before: Preference, after: Preference) -> None:
    """Keep who changed what a key prefers."""
    plain = {"before": msgspec.json.encode(before).decode(), "after": msgspec.json.encode(after).decode()}
    db.execute(insert(key_changes).values(key=key, at_ns=at_ns, by=by, **plain))


def changes_of_key(db: Connection, key: str) -> tuple[KeyChange, ...]:
    """What was changed of a key's preference, newest first."""
    found = select(key_changes).where(key_changes.c.key == key).order_by(key_changes.c.number.desc())
    return tuple(
        KeyChange(row.number, row.key, row.at_ns, row.by, _prefers.decode(row.before), _prefers.decode(row.after))
        for row in db.execute(found)
    )


def all_budgets(db: Connection, tenant: str | None = None) -> tuple[Budget, ...]:
    """Every budget of users and models, or one tenant's."""
    found = select(budgets).order_by(budgets.c.tenant, budgets.c.scope, budgets.c.whose)
    if tenant is not None:
        found = found.where(budgets.c.tenant == tenant)
    return tuple(_budget(row) for row in db.execute(found))


def budget_of(db: Connection, budget: Budget) -> Budget | None:
    """The budget that stands in the same place."""
    row = db.execute(select(budgets).where(_place(budget.tenant, budget.scope, budget.whose))).one_or_none()
    return _budget(row) if row else None


def put_budget(db: Connection, budget: Budget) -> None:
    """Make or replace a budget."""
    db.execute(delete(budgets).where(_place(budget.tenant, budget.scope, budget.whose)))
    db.execute(insert(budgets).values(msgspec.structs.asdict(budget)))
    bump(db)


def drop_budget(db: Connection, tenant: str, scope: str, whose: str) -> bool:
    """Forget a budget; False when there was none."""
    gone = db.execute(delete(budgets).where(_place(tenant, scope, whose))).rowcount
    if gone:
        bump(db)
    return bool(gone)


def _place(tenant: str, scope: str, whose: str) -> ColumnElement[bool]:
    return and_(budgets.c.tenant == tenant, budgets.c.scope == scope, budgets.c.whose == whose)


def revision(db: Connection) -> int:
    """Goes up with every change of a tenant or key."""
    return db.execute(select(access_revision.c.number)).scalar_one()


def bump(db: Connection) -> None:
    """Let workers notice a change."""
    db.execute(update(access_revision).values(number=access_revision.c.number + 1))


def _plain(value: Key | Tenant) -> dict[str, Any]:
    """A row of columns; limits, models and preference as JSON."""
    row = msgspec.structs.asdict(value)
    for column in ("limits", "models", "prefers"):
        if column in row:
            row[column] = msgspec.json.encode(row[column]).decode()
    return row


def _with_tenant(db: Connection, row: Row[Any] | None) -> KeyAndTenant | None:
    if row is None:
        return None
    tenant = tenant_by_id(db, row.tenant)
    return KeyAndTenant(_key(row), tenant, _budgets_for(db, row.tenant)) if tenant else None


def _budgets_for(db: Connection, tenant: str) -> tuple[Budget, ...]:
    found = select(budgets).where(budgets.c.tenant.in_((tenant, "*")))
    return tuple(_budget(row) for row in db.execute(found))


def _budget(row: Row[Any]) -> Budget:
    return Budget(
        tenant=row.tenant,
        scope=row.scope,
        whose=row.whose,
        budget_nano=row.budget_nano,
        period=row.period,
        currency=row.currency,
        created_ns=row.created_ns,
    )


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
        prefers=_prefers.decode(row.prefers),
    )


def _tenant(row: Row[Any]) -> Tenant:
    return Tenant(id=row.id, title=row.title, limits=_limits.decode(row.limits), created_ns=row.created_ns)
