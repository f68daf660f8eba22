"""`zhongshu keys`: credentials, made and revoked; a key's value is shown once, when it is made."""

from __future__ import annotations

import difflib
import re
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from zhongshu.cli import limits as show_limits
from zhongshu.cli import preferences
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
from zhongshu.cli.managing import ConfigOption, examples, in_force, managing, settings
from zhongshu.cli.output import JsonOption, err, fail, print_done, print_json, print_table
from zhongshu.cli.preferences import MaxCostOption, MaxSecondsOption, QualityOption, preferred
from zhongshu.cli.words import t
from zhongshu.core.access import Limits
from zhongshu.core.dials import NO_PREFERENCE
from zhongshu.core.times import LAST_NS, SECOND_NS, ns_of

if TYPE_CHECKING:
    from zhongshu.access.admin import Spending
    from zhongshu.access.keys import Key, KeyChange

app = typer.Typer(
    no_args_is_help=True,
    help=t("API keys: make, list, limit and revoke them.", "API 密钥：新建、列出、限额和吊销。"),
)
KeyArgument = typer.Argument(
    metavar="KEY_ID", help=t("The key's id (k_...), never the key.", "密钥编号（k_...），不是密钥本身。")
)
RoleOption = typer.Option(
    "user",
    "--role",
    metavar="user|admin",
    help=t("user may ask; admin may manage too.", "user 可提问；admin 还可管理。"),
)
ModelsOption = typer.Option(
    None, "--models", metavar="A,B", help=t("Only these models; default: all.", "只允许这些模型；默认全部。")
)
ExpiresOption = typer.Option(
    None,
    "--expires",
    metavar="30d|DATE",
    help=t("After 90m, 12h, 30d, or on a date (UTC).", "90m、12h、30d 之后，或某个日期（UTC）失效。"),
)
_SPAN = re.compile(r"([0-9]{1,5})([mhd])")
_UNIT_S = {"m": 60, "h": 3600, "d": 86400}


@app.command(
    help=t(
        "Make a key. Its value is printed once; only the value goes to standard output.",
        "新建密钥。密钥只显示一次，且只有密钥写到标准输出。",
    ),
    epilog=examples(
        "zhongshu keys create ci",
        "KEY=$(zhongshu keys create web --tenant acme --requests-per-minute 60 --budget 12.50 --period day)",
        "zhongshu keys create intern --models auto --expires 30d --json",
        "zhongshu keys create reports --quality 0.9 --max-cost 0.05",
    ),
)
def create(
    name: str = typer.Argument(help=t("What the key is for.", "密钥用途。")),
    tenant: str = typer.Option("default", "--tenant", "-t", help=t("Whose key it is.", "所属租户。")),
    role: str = RoleOption,
    models: str | None = ModelsOption,
    expires: str | None = ExpiresOption,
    requests: str | None = RequestsOption,
    tokens: str | None = TokensOption,
    concurrency: str | None = ConcurrencyOption,
    budget: str | None = BudgetOption,
    period: str | None = PeriodOption,
    currency: str | None = CurrencyOption,
    priority: str | None = PriorityOption,
    quality: str | None = QualityOption,
    max_cost: str | None = MaxCostOption,
    max_seconds: str | None = MaxSecondsOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    prefers = preferred(NO_PREFERENCE, quality, max_cost, max_seconds)
    limits = changed(Limits(), Typed(requests, tokens, concurrency, budget, period, currency, priority))
    allowed = _known_models(models, config)
    until_ns = _expiry(expires)
    with managing(config) as admin:
        new = admin.create_key(
            tenant, name, role=role, models=allowed, limits=limits, expires_ns=until_ns, prefers=prefers
        )
    if as_json:
        print_json({"secret": new.secret, **_plain(new.key)})
        return
    err.print(
        t(
            f"Key {new.key.id} of tenant {tenant}. It is shown once, keep it safe:",
            f"租户 {tenant} 的密钥 {new.key.id}。只显示一次，请妥善保存：",
        ),
        markup=False,
        highlight=False,
    )
    sys.stdout.write(new.secret + "\n")


@app.command(
    "list",
    help=t("List the keys.", "列出密钥。"),
    epilog=examples("zhongshu keys list", "zhongshu keys list --tenant acme --json"),
)
def list_keys(
    tenant: str | None = typer.Option(None, "--tenant", "-t", help=t("Only this tenant's.", "只列出该租户的。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    with managing(config) as admin:
        keys = admin.keys(tenant)
    if as_json:
        print_json([_plain(key) for key in keys])
        return
    columns = (
        t("key", "密钥编号"),
        t("name", "用途"),
        t("tenant", "租户"),
        t("role", "角色"),
        t("state", "状态"),
        t("models", "模型"),
        t("limits", "限额"),
    )
    rows = [
        (
            key.id,
            key.name,
            key.tenant,
            key.role,
            _state(key),
            ", ".join(key.models) or t("all", "全部"),
            show_limits.cell(key.limits),
        )
        for key in keys
    ]
    print_table(columns, rows)


@app.command(
    help=t("Show one key and what it has spent.", "显示一个密钥及其已花费金额。"),
    epilog=examples("zhongshu keys show k_4fK0tq81LmZx", "zhongshu keys show k_4fK0tq81LmZx --json"),
)
def show(key: str = KeyArgument, config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    with managing(config) as admin:
        found = admin.key(_id(key))
        spending = admin.key_spending(found.id)
        changes = admin.key_changes(found.id)
    if as_json:
        print_json({**_plain(found, spending), "changes": [_change(change) for change in changes]})
        return
    rows = [
        (t("key", "密钥编号"), found.id),
        (t("name", "用途"), found.name),
        (t("tenant", "租户"), found.tenant),
        (t("role", "角色"), found.role),
        (t("state", "状态"), _state(found)),
        (t("models", "模型"), ", ".join(found.models) or t("all", "全部")),
        (t("limits", "限额"), show_limits.cell(found.limits)),
        (t("dial", "档位"), preferences.cell(found.prefers)),
        *[
            (t("dial changed", "档位变更"), f"{moment(change.at_ns)}  {change.by}  {preferences.cell(change.after)}")
            for change in changes[:5]
        ],
        (t("spent", "已花费"), show_limits.spending_cell(spending)),
        (t("created", "创建时间"), moment(found.created_ns)),
        (t("expires", "失效时间"), moment(found.expires_ns) or t("never", "永不")),
    ]
    print_table((t("what", "项目"), t("value", "值")), rows)


@app.command(
    help=t("Revoke a key: refused everywhere within a second.", "吊销密钥：一秒内处处失效。"),
    epilog=examples("zhongshu keys revoke k_4fK0tq81LmZx"),
)
def revoke(key: str = KeyArgument, config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    with managing(config) as admin:
        revoked = admin.revoke_key(_id(key))
    sentence = t(f"Key {revoked.id} ({revoked.name}) is revoked.", f"密钥 {revoked.id}（{revoked.name}）已吊销。")
    print_done(_plain(revoked), sentence, as_json)


@app.command(
    "set-limits",
    help=t(
        "Change a key's limits; those not named stay, `none` takes one away.",
        "修改密钥限额；未指定的保持不变，`none` 表示取消。",
    ),
    epilog=examples(
        "zhongshu keys set-limits k_4fK0tq81LmZx --requests-per-minute 60 --tokens-per-minute 100000",
        "zhongshu keys set-limits k_4fK0tq81LmZx --budget 12.50 --period month",
        "zhongshu keys set-limits k_4fK0tq81LmZx --concurrency none --priority low",
    ),
)
def set_limits(
    key: str = KeyArgument,
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
    typed = some(Typed(requests, tokens, concurrency, budget, period, currency, priority))
    with managing(config) as admin:
        made = admin.update_key(key, limits=changed(admin.key(_id(key)).limits, typed))
    print_done(_plain(made), in_force(), as_json)


@app.command(
    "set-dial",
    help=t(
        "Change how a key's turns to auto weigh quality, cost and time where they do not say; `none` takes one away.",
        "修改密钥的 auto 请求在未指定时如何权衡质量、费用与用时；`none` 表示取消。",
    ),
    epilog=examples(
        "zhongshu keys set-dial k_4fK0tq81LmZx --quality 0.8",
        "zhongshu keys set-dial k_4fK0tq81LmZx --max-cost 0.05 --max-seconds 20",
        "zhongshu keys set-dial k_4fK0tq81LmZx --quality none",
    ),
)
def set_dial(
    key: str = KeyArgument,
    quality: str | None = QualityOption,
    max_cost: str | None = MaxCostOption,
    max_seconds: str | None = MaxSecondsOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    if quality is None and max_cost is None and max_seconds is None:
        fail("Name --quality, --max-cost or --max-seconds.", "请指定 --quality、--max-cost 或 --max-seconds。", code=2)
    with managing(config) as admin:
        before = admin.key(_id(key)).prefers
        made = admin.prefer(key, preferred(before, quality, max_cost, max_seconds), by="command line")
    print_done(_plain(made), in_force(), as_json)


def _change(change: KeyChange) -> dict[str, Any]:
    return {
        "at": moment(change.at_ns),
        "by": change.by,
        "before": preferences.plain(change.before),
        "after": preferences.plain(change.after),
    }


def _id(text: str) -> str:
    """A key's id. Somebody who types the key itself is told so without repeating it."""
    if text.startswith("zs_") or len(text) > 40:
        fail(
            "That looks like a key, not its id. Give the id (k_...); see `zhongshu keys list`.",
            "这像是密钥本身而不是编号。请填写编号（k_...），见 `zhongshu keys list`。",
            code=2,
        )
    return text


def _known_models(names: str | None, config: Path | None) -> tuple[str, ...]:
    """The names of `--models`, each one that this installation offers."""
    if names is None:
        return ()
    from zhongshu.catalog.catalog import ModelCatalog, offer_of
    from zhongshu.core.models import AUTO
    from zhongshu.upstreams.registry import offers

    used = settings(config)
    catalog = ModelCatalog([*(offer_of(row) for row in used.models), *offers(used.upstreams)], used.assistants)
    asked = tuple(name.strip() for name in names.split(",") if name.strip())
    known = sorted({AUTO, *(card.name for card in catalog.cards())})
    for name in asked:
        if name != AUTO and not catalog.find(name):
            near = difflib.get_close_matches(name, known, n=3) or known[:10]
            fail(
                f"--models {name}: there is no such model here. Known: {', '.join(near)}; see `zhongshu models list`.",
                f"--models {name}：没有这个模型。已有：{'、'.join(near)}；参见 `zhongshu models list`。",
                code=2,
            )
    if not asked:
        fail(
            "--models: name at least one model, or leave it out for all.",
            "--models：请至少填一个模型，或省略表示全部。",
            code=2,
        )
    return asked


def _expiry(text: str | None) -> int | None:
    """When a key expires, UTC, ns: a span from now, or a date with or without a time."""
    if text is None:
        return None
    span = _SPAN.fullmatch(text)
    if span:
        return min(time.time_ns() + int(span[1]) * _UNIT_S[span[2]] * SECOND_NS, LAST_NS)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        fail(
            f"--expires {text}: give a span such as 90m, 12h, 30d, or a date such as 2027-01-31.",
            f"--expires {text}：请填写时长（如 90m、12h、30d）或日期（如 2027-01-31）。",
            code=2,
        )
    return ns_of(at)


def _state(key: Key) -> str:
    state = key.state(time.time_ns())
    return {
        "active": t("active", "有效"),
        "expired": t("expired", "已过期"),
        "revoked": t("revoked", "已吊销"),
    }[state]


def _plain(key: Key, spending: Spending | None = None) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "tenant": key.tenant,
        "role": key.role,
        "state": key.state(time.time_ns()),
        "models": list(key.models),
        "limits": show_limits.plain(key.limits),
        **preferences.plain(key.prefers),
        "spending": show_limits.spending(spending),
        "created": moment(key.created_ns),
        "expires": moment(key.expires_ns),
        "revoked": moment(key.revoked_ns),
    }
