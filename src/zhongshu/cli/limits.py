"""Limits as options of the command line, as cells of a table and as JSON. Money is typed in units: 12.50."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import msgspec
import typer

from zhongshu.cli.output import fail
from zhongshu.cli.words import t
from zhongshu.core.access import PRIORITIES, Limits
from zhongshu.core.money import NANO, money_nano
from zhongshu.core.times import date_of

if TYPE_CHECKING:
    from zhongshu.access.admin import Spending

NONE = "none"
_MOST = (1 << 62) - 1
_MONEY = re.compile(r"[0-9]{1,10}(\.[0-9]{1,9})?")

RequestsOption = typer.Option(
    None, "--requests-per-minute", metavar="N|none", help=t("Requests a minute.", "每分钟请求数。")
)
TokensOption = typer.Option(
    None,
    "--tokens-per-minute",
    metavar="N|none",
    help=t("Tokens a minute, in and out.", "每分钟词元数（输入加输出）。"),
)
ConcurrencyOption = typer.Option(
    None, "--concurrency", metavar="N|none", help=t("Turns in flight at once.", "同时处理的请求数。")
)
BudgetOption = typer.Option(
    None, "--budget", metavar="12.50|none", help=t("Money it may spend in a period.", "每个周期可花费的金额。")
)
PeriodOption = typer.Option(
    None, "--period", metavar="day|month|total", help=t("The budget's period, in UTC.", "预算周期（UTC）。")
)
CurrencyOption = typer.Option(None, "--currency", metavar="CNY|USD", help=t("The budget's currency.", "预算币种。"))
PriorityOption = typer.Option(
    None,
    "--priority",
    metavar="low|normal|high|none",
    help=t(
        "The class of its turns where there is a queue; requests may only lower it. A tenant's high goes before other "
        "tenants' turns. none: as they say.",
        "排队时其请求的优先级；请求只能降低它。租户的 high 先于其他租户的请求。none：由请求自定。",
    ),
)


class Typed(NamedTuple):
    """Limits as they were typed; None for an option that was not."""

    requests: str | None = None
    tokens: str | None = None
    concurrency: str | None = None
    budget: str | None = None
    period: str | None = None
    currency: str | None = None
    priority: str | None = None


def some(typed: Typed) -> Typed:
    """The same; leaves when no option was typed."""
    if not any(typed):
        fail("Name at least one limit; see --help.", "请至少指定一项限额，参见 --help。", code=2)
    return typed


def changed(before: Limits, typed: Typed, *, budget_option: str = "--budget") -> Limits:
    """`before` with what was typed; "none" takes a limit away. Leaves with what is wrong with one."""
    period, currency, priority = typed.period, typed.currency, typed.priority
    if period is not None and period not in ("day", "month", "total"):
        _refuse("--period", period, "use day, month or total", "请使用 day、month 或 total")
    if currency is not None and currency not in ("CNY", "USD"):
        _refuse("--currency", currency, "use CNY or USD", "请使用 CNY 或 USD")
    if priority is not None and priority not in (*PRIORITIES, NONE):
        _refuse("--priority", priority, "use low, normal, high or none", "请使用 low、normal、high 或 none")
    return Limits(
        requests_per_minute=_count("--requests-per-minute", typed.requests, before.requests_per_minute),
        tokens_per_minute=_count("--tokens-per-minute", typed.tokens, before.tokens_per_minute),
        concurrency=_count("--concurrency", typed.concurrency, before.concurrency),
        budget_nano=before.budget_nano if typed.budget is None else money(budget_option, typed.budget),
        budget_period=period or before.budget_period,
        currency=currency or before.currency,
        priority=before.priority if priority is None else None if priority == NONE else priority,
    )


def money(option: str, text: str) -> int | None:
    """ "12.50" in billionths; None for "none"."""
    if text == NONE:
        return None
    if not _MONEY.fullmatch(text):
        en = "give an amount such as 12.50 (not negative, at most 9 decimals), or none"
        _refuse(option, text, en, "请填写金额，例如 12.50（不能为负，最多 9 位小数），或填 none")
    nano = money_nano(text)
    if nano > _MOST:
        _refuse(option, text, f"give at most {_MOST // NANO}", f"最多 {_MOST // NANO}")
    return nano


def amount(nano: int) -> str:
    """Billionths as money: at least two decimals, no more than it needs."""
    units, rest = divmod(nano, NANO)
    return f"{units}.{f'{rest:09d}'.rstrip('0'):0<2}"


def cell(limits: Limits) -> str:
    """Limits in a table."""
    parts = (
        (limits.requests_per_minute, t("requests/min", "次/分钟")),
        (limits.tokens_per_minute, t("tokens/min", "词元/分钟")),
        (limits.concurrency, t("at once", "并发")),
    )
    shown = [f"{value} {unit}" for value, unit in parts if value is not None]
    if limits.budget_nano is not None:
        shown.append(f"{amount(limits.budget_nano)} {limits.currency}/{_period(limits.budget_period)}")
    if limits.priority is not None:
        shown.append(t(f"priority {limits.priority}", f"优先级 {limits.priority}"))
    return ", ".join(shown) or t("none", "无")


def plain(limits: Limits) -> dict[str, Any]:
    """Limits as JSON: the budget as a decimal text."""
    row = msgspec.structs.asdict(limits)
    nano = row.pop("budget_nano")
    return {**row, "budget": None if nano is None else amount(nano)}


def spending(state: Spending | None) -> dict[str, Any] | None:
    """A budget's state as JSON."""
    if state is None:
        return None
    return {
        "budget": amount(state.budget_nano),
        "spent": amount(state.spent_nano),
        "currency": state.currency,
        "period": state.period,
        "ends": moment(state.ends_ns),
    }


def spending_cell(state: Spending | None) -> str:
    """A budget's state in a table."""
    if state is None:
        return t("no budget", "未设预算")
    share = f"{amount(state.spent_nano)} / {amount(state.budget_nano)} {state.currency}"
    ends = moment(state.ends_ns)
    return share + (t(f", until {ends}", f"，截至 {ends}") if ends else "")


def moment(at_ns: int | None) -> str | None:
    """A time as ISO 8601, UTC."""
    return date_of(at_ns).strftime("%Y-%m-%dT%H:%M:%SZ") if at_ns is not None else None


def _period(period: str) -> str:
    return {"day": t("day", "天"), "month": t("month", "月")}.get(period, t("in all", "总计"))


def _count(option: str, text: str | None, before: int | None) -> int | None:
    if text is None:
        return before
    if text == NONE:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text):
        en, zh = "give a whole number, not negative, or none for no limit", "请填写非负整数，或填 none 表示不限"
        _refuse(option, text, en, zh)
    return int(text)


def _refuse(option: str, text: str, en: str, zh: str) -> NoReturn:
    fail(f"{option} {text}: {en}.", f"{option} {text}：{zh}。", code=2)
