"""`zhongshu cache`: what caches of every kind spared, what the answer cache holds, and clearing it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from zhongshu.cli.ledger_reach import ledger, wanted_groups, wanted_turns
from zhongshu.cli.ledger_views import ModelOption, SinceOption, TenantOption, UntilOption, UserOption, money
from zhongshu.cli.managing import ConfigOption, examples, settings
from zhongshu.cli.output import JsonOption, fail, out, print_json, print_table
from zhongshu.cli.words import t

if TYPE_CHECKING:
    from zhongshu.app.settings import Settings
    from zhongshu.caches.store import Size
    from zhongshu.core.answers import Usage
    from zhongshu.ledger.cache_report import Spared

app = typer.Typer(
    no_args_is_help=True,
    help=t("Answers given before: what they spared, what is held.", "回答缓存：节省了多少、现有多少。"),
)


@app.command(
    help=t(
        "What caches spared: answers given again, providers' prompt caches, state of local models.",
        "各类缓存节省了多少：重用的回答、服务商的提示缓存、本地模型的状态。",
    ),
    epilog=examples("zhongshu cache stats --since 7d", "zhongshu cache stats --by model,day --tenant acme --json"),
)
def stats(
    by: str = typer.Option("model", "--by", metavar="A,B", help=t("What to group by.", "分组依据。")),
    tenant: str | None = TenantOption,
    user: str | None = UserOption,
    model: str | None = ModelOption,
    since: str | None = SinceOption,
    until: str | None = UntilOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.ledger.cache_report import GROUPS, spared

    groups = wanted_groups(by, GROUPS)
    with ledger(config) as (found, index):
        wanted = wanted_turns(tenant=tenant, user=user, model=model, since=since, until=until)
        rows = spared(index, groups, wanted, _prices(found))
        if as_json:
            print_json({"data": [_plain(groups, row) for row in rows], "held": _held(found)})
        else:
            _show(groups, rows)
            held = _held(found)
            out.print(
                t(
                    f"The answer cache holds {sum(size.entries for size in held)} answers, "
                    f"{sum(size.bytes for size in held) / 1e6:.1f} MB, of {len(held)} tenants.",
                    f"回答缓存现有 {sum(size.entries for size in held)} 条，"
                    f"{sum(size.bytes for size in held) / 1e6:.1f} MB，来自 {len(held)} 个租户。",
                )
            )


@app.command(
    help=t(
        "Remove answers from the cache; running workers forget theirs within a second.",
        "清除缓存的回答；运行中的进程会在一秒内同步。",
    ),
    epilog=examples("zhongshu cache clear --tenant acme", "zhongshu cache clear --tenant acme --user u-17 --yes"),
)
def clear(
    tenant: str | None = TenantOption,
    user: str | None = UserOption,
    model: str | None = ModelOption,
    yes: bool = typer.Option(False, "--yes", "-y", help=t("Do not ask.", "不再确认。")),
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.caches.store import FILE, Store

    if user is not None and tenant is None:
        fail(
            "--user needs --tenant: a user is one of a tenant.", "--user 须与 --tenant 同用：用户属于某个租户。", code=2
        )
    everything = tenant is None and model is None
    if everything and not yes:
        if as_json:
            fail(
                "That clears the cache of every tenant: add --yes, or --tenant or --model.",
                "这将清空所有租户的缓存：请加 --yes，或指定 --tenant、--model。",
                code=2,
            )
        if not typer.confirm(t("Clear the cache of every tenant?", "清空所有租户的缓存？"), err=True):
            raise typer.Exit(1)
    file = settings(config).home / FILE
    removed = 0
    if file.exists():
        store = Store(file)
        removed = store.clear(tenant, user, model)
        store.close()
    if as_json:
        print_json({"removed": removed})
    else:
        out.print(t(f"{removed} answers removed.", f"已清除 {removed} 条回答。"))


def _prices(found: Settings) -> Callable[[str, Usage], int | None]:
    """What releases of the settings take today."""
    prices = {f"{row.name}@{row.version}": row.price for row in found.models}

    def cost_of(release: str, usage: Usage) -> int | None:
        price = prices.get(release)
        return price.cost_nano(usage, time.time_ns()) if price else None

    return cost_of


def _held(found: Settings) -> list[Size]:
    from zhongshu.caches.store import FILE, Store

    if not (found.home / FILE).exists():
        return []
    store = Store(found.home / FILE)
    try:
        return store.sizes()
    finally:
        store.close()


def _plain(groups: tuple[str, ...], row: Spared) -> dict[str, object]:
    return {
        **dict(zip(groups, row.group, strict=True)),
        "currency": row.currency,
        "turns": row.turns,
        "exact": row.exact,
        "semantic": row.semantic,
        "hit_rate": round(row.hit_rate, 4),
        "tokens_saved": row.tokens,
        "saved_nano": row.nano,
        "seconds_saved": round(row.us / 1e6, 3),
        "prompt_tokens": row.prompt_tokens,
        "provider_cached_tokens": row.provider_tokens,
        "provider_rate": round(row.provider_rate, 4),
        "provider_saved_nano": row.provider_nano,
        "local_cached_tokens": row.local_tokens,
        "local_rate": round(row.local_rate, 4),
    }


def _show(groups: tuple[str, ...], rows: list[Spared]) -> None:
    columns = t(
        "turns|exact|semantic|hits|tokens|money|time|provider|local",
        "次数|精确|语义|命中率|词元|费用|时间|服务商|本地",
    )
    print_table(
        [*groups, *columns.split("|")],
        [
            (
                *row.group, row.turns, row.exact, row.semantic, f"{row.hit_rate:.1%}", row.tokens,
                money(row.nano, row.currency), f"{row.us / 1e6:.1f} s",
                f"{row.provider_rate:.1%} {money(row.provider_nano, row.currency)}".rstrip(), f"{row.local_rate:.1%}",
            )
            for row in rows
        ],
        title=t(
            "Turns answered before and what that saved; prompt tokens that a provider's cache or a local model held",
            "重用的回答及其节省；服务商提示缓存与本地模型已有的输入词元占比",
        ),
    )  # fmt: skip
