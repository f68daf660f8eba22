"""`zhongshu budgets`: what users and models may cost, and the alerts that budgets have given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from zhongshu.cli import limits as show_limits
from zhongshu.cli.limits import CurrencyOption, PeriodOption, amount, moment, money
from zhongshu.cli.managing import ConfigOption, examples, managing
from zhongshu.cli.output import JsonOption, fail, print_done, print_json, print_table
from zhongshu.cli.words import t

if TYPE_CHECKING:
    from zhongshu.access.alerts import Alert
    from zhongshu.access.budgets import Spending
    from zhongshu.access.keys import Budget

app = typer.Typer(
    no_args_is_help=True,
    help=t("Budgets of end users and models, and alerts of all budgets.", "用户与模型的预算，以及所有预算的告警。"),
)
TenantOption = typer.Option(..., "--tenant", "-t", help=t('Whose; "*": every tenant.', "所属租户；“*”为所有租户。"))
UserOption = typer.Option(None, "--user", "-u", help=t('This end user; "*": each one.', "此用户；“*”为每个用户。"))
ModelOption = typer.Option(None, "--model", "-m", help=t("This model, as it is asked for.", "此模型（请求时的名称）。"))


@app.command(
    "set",
    help=t("Set what a user or a model may cost in each period.", "设置用户或模型每个周期可花费的金额。"),
    epilog=examples(
        "zhongshu budgets set 5 --tenant acme --user '*' --period day",
        "zhongshu budgets set 200 --tenant acme --model helpdesk",
        "zhongshu budgets set none --tenant acme --user alice",
    ),
)
def set_budget(
    budget: str = typer.Argument(metavar="12.50|none", help=t("Money for each period.", "每周期金额。")),
    tenant: str = TenantOption,
    user: str | None = UserOption,
    model: str | None = ModelOption,
    period: str | None = PeriodOption,
    currency: str | None = CurrencyOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.access.keys import Budget

    scope, whose = _whose(user, model)
    nano = money("BUDGET", budget)
    with managing(config) as admin:
        if nano is None:
            removed = admin.budgets.remove(tenant, scope, whose)
            sentence = t("Taken away.", "已取消。") if removed else t("There was none.", "本来没有。")
            return print_done({"removed": removed}, sentence, as_json)
        home = admin.budgets.exchange.home
        made = admin.budgets.set(
            Budget(
                tenant=tenant,
                scope=scope,
                whose=whose,
                budget_nano=nano,
                period=period or "month",
                currency=currency or home,
            )
        )
        spending = admin.budgets.spending(made)
    print_done(_plain(made, spending), show_limits.spending_cell(spending), as_json)


@app.command(
    "list",
    help=t("List the budgets of users and models.", "列出用户与模型的预算。"),
    epilog=examples("zhongshu budgets list", "zhongshu budgets list --tenant acme --json"),
)
def list_budgets(
    tenant: str | None = typer.Option(None, "--tenant", "-t", help=t("Only this tenant's.", "只列出该租户的。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    with managing(config) as admin:
        rows = [(row, admin.budgets.spending(row)) for row in admin.budgets.all(tenant)]
    if as_json:
        print_json([_plain(row, spending) for row, spending in rows])
        return
    columns = (t("tenant", "租户"), t("of", "对象"), t("name", "名称"), t("spent", "已花费"))
    cells = [(row.tenant, row.scope, row.whose, show_limits.spending_cell(spending)) for row, spending in rows]
    print_table(columns, cells)


@app.command(
    help=t("The alerts that budgets have given, newest first.", "预算告警，最新在前。"),
    epilog=examples("zhongshu budgets alerts", "zhongshu budgets alerts --tenant acme --json"),
)
def alerts(
    tenant: str | None = typer.Option(None, "--tenant", "-t", help=t("Only this tenant's.", "只列出该租户的。")),
    limit: int = typer.Option(50, "--limit", "-n", min=1, max=1_000_000_000, help=t("How many at most.", "最多条数。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    with managing(config) as admin:
        found = admin.alerts.all(tenant, limit)
    if as_json:
        print_json([_told(alert) for alert in found])
        return
    columns = t("time|tenant|of|name|reached|spent|state", "时间|租户|对象|名称|达到|已花费|状态").split("|")
    cells = [
        (
            moment(alert.at_ns), alert.tenant, alert.scope, alert.whose, f"{alert.percent}%",
            f"{amount(alert.spent_nano)} / {amount(alert.budget_nano)} {alert.currency}", alert.state,
        )
        for alert in found
    ]  # fmt: skip
    print_table(columns, cells)


def _whose(user: str | None, model: str | None) -> tuple[str, str]:
    if (user is None) == (model is None):
        fail("Name either --user or --model.", "请指定 --user 或 --model 之一。", code=2)
    return ("user", user) if user is not None else ("model", model or "")


def _plain(row: Budget, spending: Spending) -> dict[str, Any]:
    return {
        "tenant": row.tenant,
        "scope": row.scope,
        "whose": row.whose,
        "spending": show_limits.spending(spending),
        "created": moment(row.created_ns),
    }


def _told(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "at": moment(alert.at_ns),
        "tenant": alert.tenant,
        "scope": alert.scope,
        "name": alert.whose,
        "percent": alert.percent,
        "budget": amount(alert.budget_nano),
        "spent": amount(alert.spent_nano),
        "currency": alert.currency,
        "period": alert.period,
        "state": alert.state,
        "tries": alert.tries,
        "trouble": alert.trouble,
    }
