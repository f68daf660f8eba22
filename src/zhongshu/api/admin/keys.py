"""Keys: made (the secret is shown once), listed, limited, revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Path, Query
from pydantic import ConfigDict, Field

from zhongshu.access import keys as access_keys
from zhongshu.access.admin import DEFAULT_TENANT
from zhongshu.access.keys import Key
from zhongshu.api.admin import tenants
from zhongshu.api.admin.given import Parts, Who
from zhongshu.api.admin.words import (
    Body,
    Cursor,
    Limit,
    LimitsIn,
    LimitsOut,
    Moment,
    Shown,
    SpendingOut,
    changed,
    limits_out,
    moment,
    nanoseconds,
    page,
    spending_out,
)
from zhongshu.core.access import Limits
from zhongshu.core.dials import FIELDS, Preference

State = Literal["active", "expired", "revoked"]
KeyId = Annotated[
    str, Path(pattern=r"^k_[0-9A-Za-z]{1,64}$", description="The key's id, never the key.", examples=["k_4fK0tq81LmZx"])
]
TenantName = Annotated[str, Field(pattern=tenants.ID)]
Models = Annotated[
    list[Annotated[str, Field(pattern=r"^[!-~]{1,160}$")]],
    Field(max_length=1000, description="Names it may ask for; empty for all."),
]

Quality = Annotated[float, Field(ge=0, le=1, description="The dial of its turns to auto: 0 cheapest, 1 best.")]
MaxCost = Annotated[
    float, Field(ge=0, allow_inf_nan=False, description="What one turn to auto may be expected to cost.")
]
MaxSeconds = Annotated[
    float, Field(gt=0, allow_inf_nan=False, description="How long one turn to auto may be expected to take.")
]

router = APIRouter(prefix="/keys", tags=["keys"])


class NewKeyIn(Body):
    """A key to make. A user key asks models; an admin key manages too."""

    name: Annotated[str, Field(max_length=200, description="What it is for.", examples=["ci"])]
    tenant: TenantName = DEFAULT_TENANT
    role: Literal["user", "admin"] = "user"
    models: Models = Field(default_factory=list)
    limits: LimitsIn | None = None
    expires: Moment | None = None
    quality: Quality | None = None
    max_cost: MaxCost | None = None
    max_seconds: MaxSeconds | None = None


class KeyChange(Body):
    """What to change. A field that is left out stays as it is; null takes a dial or ceiling away."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"limits": {"requests_per_minute": 60, "budget": "12.5"}}]}
    )

    models: Models | None = None
    limits: LimitsIn | None = None
    quality: Quality | None = None
    max_cost: MaxCost | None = None
    max_seconds: MaxSeconds | None = None


class KeyOut(Shown):
    """A key as it may be shown."""

    id: str
    tenant: str
    name: str
    role: str
    models: list[str]
    limits: LimitsOut
    state: State
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    quality: float | None
    max_cost: float | None
    max_seconds: float | None


class PreferenceOut(Shown):
    """How a key's turns are weighed where they do not say; null: as the settings have it."""

    quality: float | None
    max_cost: float | None
    max_seconds: float | None


class DialChange(Shown):
    """Who changed a key's dial or ceilings. by: an admin key's id, or "command line"."""

    at: datetime
    by: str
    before: PreferenceOut
    after: PreferenceOut


class DialChanges(Shown):
    """The changes, newest first."""

    data: list[DialChange]


class KeyWithSpending(KeyOut):
    """A key with the state of its budget; `spending` is null when it has none."""

    spending: SpendingOut | None


class NewKeyOut(KeyOut):
    """A key just made. `secret` is in this reply and nowhere else."""

    secret: str


class KeyPage(Shown):
    """A page of keys, oldest first."""

    data: list[KeyOut]
    next: str | None


@router.get("", summary="List the keys", openapi_extra={"x-summary-zh": "列出密钥"})
def list_keys(
    parts: Parts,
    tenant: Annotated[TenantName | None, Query(description="Only this tenant's.")] = None,
    state: Annotated[State | None, Query()] = None,
    limit: Annotated[Limit, Query()] = 100,
    cursor: Annotated[Cursor, Query()] = None,
) -> KeyPage:
    now_ns = parts.clock.now_ns()
    keys = [key for key in parts.access.keys(tenant) if state in (None, key.state(now_ns))]
    rows, more = page(keys, lambda key: key.id, limit, cursor)
    return KeyPage(data=[_out(parts, row) for row in rows], next=more)


@router.post(
    "",
    status_code=201,
    summary="Make a key; its secret is shown once",
    openapi_extra={"x-summary-zh": "新建密钥（只显示一次）"},
)
def create_key(parts: Parts, new: NewKeyIn) -> NewKeyOut:
    made = parts.access.create_key(
        new.tenant,
        new.name,
        role=new.role,
        models=new.models,
        limits=changed(Limits(), new.limits) or Limits(),
        expires_ns=nanoseconds(new.expires),
        prefers=Preference(new.quality, new.max_cost, new.max_seconds),
    )
    return NewKeyOut(**_out(parts, made.key).model_dump(), secret=made.secret)


@router.get("/{id}", summary="Show a key and its budget", openapi_extra={"x-summary-zh": "查看密钥及其预算"})
def show_key(parts: Parts, id: KeyId) -> KeyWithSpending:
    return _with_spending(parts, parts.access.key(id))


@router.patch(
    "/{id}", summary="Change a key's limits or models", openapi_extra={"x-summary-zh": "修改密钥的限额或模型"}
)
def change_key(parts: Parts, who: Who, id: KeyId, change: KeyChange) -> KeyWithSpending:
    before = parts.access.key(id)
    limits = changed(before.limits, change.limits)
    prefers = {field: getattr(change, field) for field in FIELDS if field in change.model_fields_set}
    if prefers:
        parts.access.prefer(id, msgspec.structs.replace(before.prefers, **prefers), who.key_id)
    return _with_spending(parts, parts.access.update_key(id, limits=limits, models=change.models))


@router.get(
    "/{id}/changes",
    summary="Show who changed a key's dial or ceilings",
    openapi_extra={"x-summary-zh": "查看密钥档位与上限的变更记录"},
)
def key_changes(parts: Parts, id: KeyId) -> DialChanges:
    return DialChanges(data=[_change(change) for change in parts.access.key_changes(id)])


@router.post("/{id}/revoke", summary="Revoke a key, for good", openapi_extra={"x-summary-zh": "吊销密钥（不可恢复）"})
def revoke_key(parts: Parts, id: KeyId) -> KeyOut:
    return _out(parts, parts.access.revoke_key(id))


def _out(parts: Parts, key: Key) -> KeyOut:
    return KeyOut(
        id=key.id,
        tenant=key.tenant,
        name=key.name,
        role=key.role,
        models=list(key.models),
        limits=limits_out(key.limits),
        state=_state(key, parts.clock.now_ns()),
        created=moment(key.created_ns),
        expires=None if key.expires_ns is None else moment(key.expires_ns),
        revoked=None if key.revoked_ns is None else moment(key.revoked_ns),
        **_plain(key.prefers),
    )


def _plain(prefers: Preference) -> dict[str, float | None]:
    return {field: getattr(prefers, field) for field in FIELDS}


def _change(change: access_keys.KeyChange) -> DialChange:
    before, after = PreferenceOut(**_plain(change.before)), PreferenceOut(**_plain(change.after))
    return DialChange(at=moment(change.at_ns), by=change.by, before=before, after=after)


def _state(key: Key, now_ns: int) -> State:
    found = key.state(now_ns)
    return "revoked" if found == "revoked" else "expired" if found == "expired" else "active"


def _with_spending(parts: Parts, key: Key) -> KeyWithSpending:
    return KeyWithSpending(**_out(parts, key).model_dump(), spending=spending_out(parts.access.key_spending(key.id)))
