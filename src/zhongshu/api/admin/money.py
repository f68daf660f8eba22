"""Money: statements, budgets of users and models, and the alerts that budgets have given."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from zhongshu.access.alerts import Alert
from zhongshu.access.keys import Budget
from zhongshu.api.admin.given import Parts
from zhongshu.api.admin.words import Amount, Body, Shown, SpendingOut, moment, spending_out
from zhongshu.core.money import money_nano, money_text
from zhongshu.ledger.index import open_index
from zhongshu.ledger.statements import Line, Statement, as_csv, cents_text, statement

Month = Annotated[
    str, Field(pattern=r"^[1-9]\d{3}-(0[1-9]|1[0-2])$", description="A month, UTC.", examples=["2026-11"])
]
Whose = Annotated[str, Field(min_length=1, max_length=256)]
Tenant = Annotated[str, Field(min_length=1, max_length=64, examples=["acme"])]

router = APIRouter(tags=["money"])


class StatementQuery(Body):
    """Whose statement, of which month."""

    tenant: Tenant
    month: Month
    by: Annotated[Literal["key", "user", "model", "day"], Field(description="A line for each.")] = "model"
    format: Annotated[Literal["json", "csv"], Field(description="JSON or CSV.")] = "json"


class LineOut(Shown):
    """A line or a total. `cost` is printed, with two decimals; `cost_exact` and `saved_exact` are exact."""

    name: str
    currency: str
    turns: int
    not_answered: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    thinking_tokens: int
    cost: str
    cost_exact: str
    saved_exact: str


class ConvertedOut(Shown):
    """Everything in one currency, at the rate of each day."""

    currency: str
    cost: str
    cost_exact: str


class StatementOut(Shown):
    """A statement. Of each currency the `cost` of the lines adds up to that of its total, and so does `cost_exact`.
    shadows: turns that repeated others unseen, which are not charged. converted: null where a rate is missing."""

    tenant: str
    month: str
    by: str
    since: datetime
    until: datetime
    lines: list[LineOut]
    totals: list[LineOut]
    shadows: list[LineOut]
    converted: ConvertedOut | None


class BudgetIn(Body):
    """A budget of a user or a model. whose: the user's name ("*": each user who has none of their own), or the name
    that is asked for; tenant "*": a model's budget over all tenants. currency: left out, the one budgets are counted
    in."""

    tenant: Tenant
    scope: Literal["user", "model"]
    whose: Whose
    budget: Amount
    period: Literal["day", "month", "total"] = "month"
    currency: Literal["CNY", "USD"] | None = None


class BudgetOut(Shown):
    """A budget and its state; of an "each user" budget, the state of the user who spent most."""

    tenant: str
    scope: str
    whose: str
    spending: SpendingOut
    created: datetime


class BudgetList(Shown):
    """Budgets of users and models."""

    data: list[BudgetOut]


class Removed(Shown):
    """Whether there was one."""

    removed: bool


class AlertOut(Shown):
    """A budget that had reached a share of itself. state: "waiting", "sent", "given up" or "not told" (no webhook)."""

    id: str
    at: datetime
    scope: str
    tenant: str
    name: str
    percent: int
    budget: str
    spent: str
    currency: str
    period: str
    state: str
    tries: int
    trouble: str


class AlertList(Shown):
    """Alerts, newest first."""

    data: list[AlertOut]


@router.get(
    "/statements",
    summary="A tenant's statement of a month, JSON or CSV",
    openapi_extra={"x-summary-zh": "某租户的月度账单（JSON 或 CSV）"},
    response_model=StatementOut,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "The statement."}},
)
async def show_statement(parts: Parts, query: Annotated[StatementQuery, Query()]) -> Any:
    parts.access.tenant(query.tenant)
    index = open_index(parts.ledger, parts.home)
    rates = parts.access.budgets.exchange
    made = await asyncio.to_thread(statement, index, query.tenant, query.month, query.by, rates)
    if query.format == "json":
        return _out(made)
    name = f"statement-{made.tenant}-{made.month}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(b"".join(as_csv(made)), media_type="text/csv; charset=utf-8", headers=headers)


@router.get(
    "/budgets", summary="List the budgets of users and models", openapi_extra={"x-summary-zh": "列出用户与模型的预算"}
)
def list_budgets(parts: Parts, tenant: Annotated[Tenant | None, Query()] = None) -> BudgetList:
    return BudgetList(data=[_budget(parts, row) for row in parts.access.budgets.all(tenant)])


@router.put(
    "/budgets", summary="Set a budget of a user or a model", openapi_extra={"x-summary-zh": "设置用户或模型的预算"}
)
def set_budget(parts: Parts, given: BudgetIn) -> BudgetOut:
    wanted = given.model_dump(exclude={"budget", "currency"})
    currency = given.currency or parts.access.budgets.exchange.home
    made = Budget(**wanted, currency=currency, budget_nano=money_nano(given.budget))
    return _budget(parts, parts.access.budgets.set(made))


@router.delete(
    "/budgets",
    summary="Take a budget of a user or a model away",
    openapi_extra={"x-summary-zh": "取消用户或模型的预算"},
)
def remove_budget(
    parts: Parts,
    tenant: Annotated[Tenant, Query()],
    scope: Annotated[Literal["user", "model"], Query()],
    whose: Annotated[Whose, Query()],
) -> Removed:
    return Removed(removed=parts.access.budgets.remove(tenant, scope, whose))


@router.get("/budgets/alerts", summary="List the alerts of budgets", openapi_extra={"x-summary-zh": "列出预算告警"})
def list_alerts(
    parts: Parts,
    tenant: Annotated[Tenant | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AlertList:
    return AlertList(data=[_alert(alert) for alert in parts.access.alerts.all(tenant, limit)])


def _out(made: Statement) -> StatementOut:
    converted = None
    if made.converted_nano is not None and made.converted_cents is not None:
        converted = ConvertedOut(
            currency=made.home, cost=cents_text(made.converted_cents), cost_exact=money_text(made.converted_nano)
        )
    return StatementOut(
        tenant=made.tenant,
        month=made.month,
        by=made.by,
        since=moment(made.since_ns),
        until=moment(made.until_ns),
        lines=[_line(line) for line in made.lines],
        totals=[_line(line) for line in made.totals],
        shadows=[_line(line) for line in made.shadows],
        converted=converted,
    )


def _line(line: Line) -> LineOut:
    return LineOut(
        name=line.name,
        currency=line.currency,
        turns=line.turns,
        not_answered=line.not_answered,
        prompt_tokens=line.prompt_tokens,
        cached_tokens=line.cached_tokens,
        completion_tokens=line.completion_tokens,
        thinking_tokens=line.thinking_tokens,
        cost=cents_text(line.cents),
        cost_exact=money_text(line.cost_nano),
        saved_exact=money_text(line.saved_nano),
    )


def _budget(parts: Parts, row: Budget) -> BudgetOut:
    spending = spending_out(parts.access.budgets.spending(row))
    assert spending is not None
    return BudgetOut(
        tenant=row.tenant, scope=row.scope, whose=row.whose, spending=spending, created=moment(row.created_ns)
    )


def _alert(alert: Alert) -> AlertOut:
    return AlertOut(
        id=alert.id,
        at=moment(alert.at_ns),
        scope=alert.scope,
        tenant=alert.tenant,
        name=alert.whose,
        percent=alert.percent,
        budget=money_text(alert.budget_nano),
        spent=money_text(alert.spent_nano),
        currency=alert.currency,
        period=alert.period,
        state=alert.state,
        tries=alert.tries,
        trouble=alert.trouble,
    )
