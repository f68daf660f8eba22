"""`zhongshu tenants`: who shares this installation, and how much each may use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from zhongshu.cli import limits as show_limits
from zhongshu.cli.limits import (
    BudgetOption,
    ConcurrencyOption,
    CurrencyOption,
    PeriodOption,
    PriorityOption,
    RequestsOption,
    TokensOption,
    Typed,
    changed,
    moment,
    some,
)
from zhongshu.cli.managing import ConfigOption, examples, in_force, managing
from zhongshu.cli.output import JsonOption, print_done, print_json, print_table
from zhongshu.cli.words import t
from zhongshu.core.access import Limits

if TYPE_CHECKING:
    from zhongshu.access.admin import Spending
    from zhongshu.access.keys import Tenant

app = typer.Typer(
    no_args_is_help=True,
    help=t("Tenants: who shares this installation, and their limits.", "租户：谁在使用本系统，以及各自的限额。"),
)
TenantArgument = typer.Argument(help=t("The tenant's id.", "租户编号。"))


@app.command(
    help=t("Add a tenant.", "新建租户。"),
    epilog=examples(
        "zhongshu tenants create acme",
        "zhongshu tenants create acme --title 'Acme Ltd' --budget 500 --period month",
    ),
)
def create(
    tenant: str = TenantArgument,
    title: str = typer.Option("", "--title", help=t("Its name for people.", "显示名称。")),
    requests: str | None = RequestsOption,
    tokens: str | None = TokensOption,
    concurrency: str | None = ConcurrencyOption,
    budget: str | None = BudgetOption,
    period: str | None = PeriodOption,
    currency: str | None = CurrencyOption,
    priority: str | None = PriorityOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    limits = changed(Limits(), Typed(requests, tokens, concurrency, budget, period, currency, priority))
    with managing(config) as admin:
        made = admin.create_tenant(tenant, title=title, limits=limits)
    print_done(_plain(made), t(f"Tenant {made.id} is there.", f"已新建租户 {made.id}。"), as_json)


@app.command(
    "list",
    help=t("List the tenants.", "列出租户。"),
    epilog=examples("zhongshu tenants list", "zhongshu tenants list --json | jq '.[].id'"),
)
def list_tenants(config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    with managing(config) as admin:
        tenants = admin.tenants()
    if as_json:
        print_json([_plain(tenant) for tenant in tenants])
        return
    columns = (t("tenant", "租户"), t("title", "名称"), t("limits", "限额"), t("created", "创建时间"))
    print_table(
        columns,
        [(tenant.id, tenant.title, show_limits.cell(tenant.limits), moment(tenant.created_ns)) for tenant in tenants],
    )


@app.command(
    help=t("Show one tenant, its keys and what it has spent.", "显示一个租户、其密钥和已花费金额。"),
    epilog=examples("zhongshu tenants show acme", "zhongshu tenants show acme --json"),
)
def show(tenant: str = TenantArgument, config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    with managing(config) as admin:
        found = admin.tenant(tenant)
        keys = admin.keys(tenant)
        spending = admin.tenant_spending(tenant)
    if as_json:
        print_json({**_plain(found, spending), "keys": [key.id for key in keys]})
        return
    rows = [
        (t("tenant", "租户"), found.id),
        (t("title", "名称"), found.title),
        (t("limits", "限额"), show_limits.cell(found.limits)),
        (t("spent", "已花费"), show_limits.spending_cell(spending)),
        (t("keys", "密钥"), "\n".join(f"{key.id}  {key.name}" for key in keys)),
        (t("created", "创建时间"), moment(found.created_ns)),
    ]
    print_table((t("what", "项目"), t("value", "值")), rows)


@app.command(
    "set-limits",
    help=t(
        "Change a tenant's limits; those not named stay, `none` takes one away.",
        "修改租户限额；未指定的保持不变，`none` 表示取消。",
    ),
    epilog=examples(
        "zhongshu tenants set-limits acme --requests-per-minute 600 --concurrency 20",
        "zhongshu tenants set-limits acme --tokens-per-minute none --priority low",
    ),
)
def set_limits(
    tenant: str = TenantArgument,
    requests: str | None = RequestsOption,
    tokens: str | None = TokensOption,
    concurrency: str | None = ConcurrencyOption,
    priority: str | None = PriorityOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    typed = some(Typed(requests, tokens, concurrency, priority=priority))
    with managing(config) as admin:
        made = admin.update_tenant(tenant, limits=changed(admin.tenant(tenant).limits, typed))
    print_done(_plain(made), in_force(), as_json)


@app.command(
    "set-budget",
    help=t("Set what a tenant may spend in each period.", "设置租户每个周期可花费的金额。"),
    epilog=examples(
        "zhongshu tenants set-budget acme 500 --period month",
        "zhongshu tenants set-budget acme 12.50 --period day --currency USD",
        "zhongshu tenants set-budget acme none",
    ),
)
def set_budget(
    tenant: str = TenantArgument,
    budget: str = typer.Argument(
        metavar="12.50|none",
        help=t("Money for each period; none takes the budget away.", "每周期金额；none 表示取消。"),
    ),
    period: str | None = PeriodOption,
    currency: str | None = CurrencyOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    typed = Typed(budget=budget, period=period, currency=currency)
    with managing(config) as admin:
        after = changed(admin.tenant(tenant).limits, typed, budget_option="BUDGET")
        made = admin.update_tenant(tenant, limits=after)
        spending = admin.tenant_spending(tenant)
    print_done(_plain(made, spending), show_limits.spending_cell(spending), as_json)


def _plain(tenant: Tenant, spending: Spending | None = None) -> dict[str, Any]:
    return {
        "id": tenant.id,
        "title": tenant.title,
        "limits": show_limits.plain(tenant.limits),
        "spending": show_limits.spending(spending),
        "created": moment(tenant.created_ns),
    }
