"""`zhongshu statement`: what a tenant's month cost, in lines that add up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from zhongshu.cli.managing import ConfigOption, examples, managing, settings
from zhongshu.cli.output import JsonOption, fail, out, print_json, print_table
from zhongshu.cli.words import t

if TYPE_CHECKING:
    from zhongshu.ledger.statements import Line, Statement

app = typer.Typer()
CsvOption = typer.Option(None, "--csv", metavar="FILE", help=t("Write CSV to a file.", "写入 CSV 文件。"))


@app.command(
    "statement",
    help=t("What a tenant's month cost, to the cent; months are UTC.", "某租户的月度账单，精确到分；月份按 UTC。"),
    epilog=examples(
        "zhongshu statement --tenant acme --month 2026-11",
        "zhongshu statement --tenant acme --month 2026-11 --by user --csv acme.csv",
        "zhongshu statement --tenant acme --month 2026-11 --by day --json",
    ),
)
def statement(
    tenant: str = typer.Option(..., "--tenant", "-t", help=t("Whose statement.", "租户。")),
    month: str = typer.Option(..., "--month", metavar="YYYY-MM", help=t("Which month, UTC.", "月份（UTC）。")),
    by: str = typer.Option("model", "--by", metavar="key|user|model|day", help=t("A line for each.", "分行依据。")),
    csv: Path | None = CsvOption,
    config: Path | None = ConfigOption,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.app.pricing import exchange
    from zhongshu.ledger.index import open_index
    from zhongshu.ledger.statements import BYS, as_csv
    from zhongshu.ledger.statements import statement as make

    if by not in BYS:
        fail(f"--by {by}: use key, user, model or day.", f"--by {by}：请使用 key、user、model 或 day。", code=2)
    used = settings(config)
    with managing(config) as admin:
        admin.tenant(tenant)
    try:
        made = make(open_index(used.ledger, used.home), tenant, month, by, exchange(used))
    except ValueError:
        fail(f"--month {month}: give a month such as 2026-11.", f"--month {month}：请填写月份，如 2026-11。", code=2)
    if csv is not None:
        csv.write_bytes(b"".join(as_csv(made)))
    if as_json:
        print_json(_plain(made))
    elif csv is not None:
        out.print(str(csv), markup=False, highlight=False, soft_wrap=True)
    else:
        _show(made)


def _show(made: Statement) -> None:
    from zhongshu.ledger.statements import cents_text

    columns = t(
        f"{made.by}|turns|not answered|prompt|cached|completion|thinking|cost|saved",
        f"{made.by}|次数|未应答|输入|缓存|输出|思考|费用|节省",
    ).split("|")
    total, shadow = t("total", "合计"), t("not charged (shadow)", "不计费（影子）")
    rows = [_cells(line.name or "-", line) for line in made.lines]
    rows += [_cells(total, line) for line in made.totals]
    rows += [_cells(shadow, line) for line in made.shadows]
    print_table(columns, rows, title=f"{made.tenant} {made.month}")
    if made.converted_cents is not None and len(made.totals) > 1:
        whole = f"{cents_text(made.converted_cents)} {made.home}"
        out.print(t(f"In all, converted day by day: {whole}", f"按日汇率折合：{whole}"), markup=False, highlight=False)


def _cells(name: str, line: Line) -> tuple[object, ...]:
    from zhongshu.core.money import money_text
    from zhongshu.ledger.statements import cents_text

    return (
        name, line.turns, line.not_answered, line.prompt_tokens, line.cached_tokens, line.completion_tokens,
        line.thinking_tokens, f"{cents_text(line.cents)} {line.currency}", money_text(line.saved_nano),
    )  # fmt: skip


def _plain(made: Statement) -> dict[str, Any]:
    return msgspec.to_builtins(made)
