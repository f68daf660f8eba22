"""Tenants: who shares this installation, within which limits, and what they have spent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import ConfigDict, Field

from zhongshu.access.keys import Tenant
from zhongshu.api.admin.given import Parts
from zhongshu.api.admin.words import (
    Body,
    Cursor,
    Limit,
    LimitsIn,
    LimitsOut,
    Shown,
    SpendingOut,
    changed,
    limits_out,
    moment,
    page,
    spending_out,
)
from zhongshu.core.access import Limits

ID = r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,63}$"
TenantId = Annotated[str, Path(pattern=ID, description="The tenant's id.", examples=["default"])]
Title = Annotated[str, Field(max_length=200, description="Its name for people, on one line.")]

router = APIRouter(prefix="/tenants", tags=["tenants"])


class NewTenant(Body):
    """A tenant to make."""

    id: Annotated[str, Field(pattern=ID, examples=["acme"])]
    title: Title = ""
    limits: LimitsIn | None = None


class TenantChange(Body):
    """What to change. A field that is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"limits": {"budget": "500", "budget_period": "month"}}]})

    title: Title | None = None
    limits: LimitsIn | None = None


class TenantOut(Shown):
    """A tenant."""

    id: str
    title: str
    limits: LimitsOut
    created: datetime


class TenantWithSpending(TenantOut):
    """A tenant with the state of its budget; `spending` is null when it has none."""

    spending: SpendingOut | None


class TenantPage(Shown):
    """A page of tenants, oldest first."""

    data: list[TenantOut]
    next: str | None


@router.get("", summary="List the tenants", openapi_extra={"x-summary-zh": "列出租户"})
def list_tenants(
    parts: Parts, limit: Annotated[Limit, Query()] = 100, cursor: Annotated[Cursor, Query()] = None
) -> TenantPage:
    rows, more = page(parts.access.tenants(), lambda tenant: tenant.id, limit, cursor)
    return TenantPage(data=[_out(row) for row in rows], next=more)


@router.post("", status_code=201, summary="Make a tenant", openapi_extra={"x-summary-zh": "新建租户"})
def create_tenant(parts: Parts, new: NewTenant) -> TenantOut:
    limits = changed(Limits(), new.limits) or Limits()
    return _out(parts.access.create_tenant(new.id, title=new.title, limits=limits))


@router.get("/{id}", summary="Show a tenant and its budget", openapi_extra={"x-summary-zh": "查看租户及其预算"})
def show_tenant(parts: Parts, id: TenantId) -> TenantWithSpending:
    return _with_spending(parts, parts.access.tenant(id))


@router.patch("/{id}", summary="Change a tenant", openapi_extra={"x-summary-zh": "修改租户"})
def change_tenant(parts: Parts, id: TenantId, change: TenantChange) -> TenantWithSpending:
    before = parts.access.tenant(id)
    limits = changed(before.limits, change.limits)
    return _with_spending(parts, parts.access.update_tenant(id, title=change.title, limits=limits))


def _out(tenant: Tenant) -> TenantOut:
    return TenantOut(
        id=tenant.id, title=tenant.title, limits=limits_out(tenant.limits), created=moment(tenant.created_ns)
    )


def _with_spending(parts: Parts, tenant: Tenant) -> TenantWithSpending:
    return TenantWithSpending(
        **_out(tenant).model_dump(), spending=spending_out(parts.access.tenant_spending(tenant.id))
    )
