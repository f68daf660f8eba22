"""`zhongshu prices`: what each model costs now, and the rows that say so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from zhongshu.cli.managing import ConfigOption, examples, settings
from zhongshu.cli.output import JsonOption, fail, print_json, print_table
from zhongshu.cli.words import t

if TYPE_CHECKING:
    from zhongshu.app.settings import Settings
    from zhongshu.catalog.prices import PriceRow
    from zhongshu.core.models import Offer
    from zhongshu.core.prices import Price

app = typer.Typer()
NameArgument = typer.Argument(None, metavar="[MODEL]", help=t("One model; default: all.", "某个模型；默认全部。"))


@app.command(
    "prices",
    help=t(
        "What each model costs now, for a million tokens, and its price rows.", "各模型当前价格（每百万词元）及价格行。"
    ),
    epilog=examples("zhongshu prices", "zhongshu prices deepseek-chat --json"),
)
def prices(model: str | None = NameArgument, config: Path | None = ConfigOption, as_json: bool = JsonOption) -> None:
    from zhongshu.app.build import offers
    from zhongshu.core.clock import SystemClock

    used, now_ns = settings(config), SystemClock().now_ns()
    releases = {offer.release.name: offer for offer in offers(used)}
    found = [_facts(used, offer, now_ns) for offer in releases.values() if model in (None, offer.release.model)]
    if model is not None and not found:
        fail(
            f"There is no model `{model}`. `zhongshu models list` shows those there are.",
            f"没有模型 `{model}`。现有模型见 `zhongshu models list`。",
        )
    if as_json:
        print_json(found)
        return
    columns = t(
        "release|since|over|hours|input|cached|output|currency|holds now",
        "版本|起始|超过|时段|输入|缓存|输出|币种|现行",
    )
    print_table(columns.split("|"), [cells for facts in found for cells in _cells(facts)])


def _facts(used: Settings, offer: Offer, now_ns: int) -> dict[str, Any]:
    """A release's price now (of a short prompt) and its rows, newest first. A release's own rows stand in place of its
    model's."""
    release, price = offer.release, offer.card.price
    own = [row for row in used.prices if row.model == release.name]
    rows = own or [row for row in used.prices if row.model == release.model]
    newest = max(
        (row.since_ns for row in rows if row.since_ns <= now_ns), default=min((r.since_ns for r in rows), default=0)
    )
    ordered = sorted(rows, key=lambda row: (-row.since_ns, not row.hours, -row.over))
    return {
        "release": release.name,
        "model": release.model,
        "now": _amounts(_now(price, now_ns)),
        "rows": [_row(row, holds=_holds(row, newest, now_ns)) for row in ordered],
    }


def _now(price: Price, now_ns: int) -> Price:
    from zhongshu.core.prices import Tariff

    return price.price(0, now_ns) if isinstance(price, Tariff) else price


def _holds(row: PriceRow, newest_ns: int, now_ns: int) -> bool:
    """Whether a turn that ends now may be priced by this row."""
    return row.since_ns == newest_ns and (row.window is None or row.window.hold(now_ns))


def _amounts(price: Price | PriceRow) -> dict[str, Any]:
    """What is given of a price: money for a million tokens of each sort."""
    from zhongshu.catalog.prices import AMOUNTS

    given = {name: getattr(price, name) for name in AMOUNTS if getattr(price, name) is not None}
    return {"currency": price.currency, **given}


def _row(row: PriceRow, *, holds: bool) -> dict[str, Any]:
    conditions = {"since": row.since, "over": row.over, "hours": row.hours, "zone": row.zone}
    return {**conditions, **_amounts(row), "source": row.source, "holds": holds}


def _cells(facts: dict[str, Any]) -> list[tuple[object, ...]]:
    """The lines of a release: its rows, or the price that stands with the model."""
    lines = facts["rows"] or [{"since": "", "over": 0, "hours": "", "holds": True, **facts["now"]}]
    return [
        (
            facts["release"], line["since"] or "-", line["over"] or "-",
            f"{line['hours']} {line['zone']}" if line["hours"] else "-", line["input"],
            line.get("cached_input", "-"), line["output"], line["currency"], "✓" if line["holds"] else "",
        )
        for line in lines
    ]  # fmt: skip
