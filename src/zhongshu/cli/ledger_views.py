"""How turns, findings and sums look in a terminal, and how filters are said on a command line."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import typer
from rich.cells import cell_len, set_cell_size
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from zhongshu.cli.output import err, fail, out
from zhongshu.cli.words import chinese, t
from zhongshu.core.money import money_about
from zhongshu.core.times import SECOND_NS, ns_of

if TYPE_CHECKING:
    from rich.status import Status

    from zhongshu.core.records import Attempt
    from zhongshu.ledger.findings import Report
    from zhongshu.ledger.index import Shown, Sums
    from zhongshu.ledger.reader import Entry
    from zhongshu.ledger.rows import TurnRow

TenantOption = typer.Option(None, "--tenant", "-t", help=t("Only this tenant.", "只看此租户。"))
KeyOption = typer.Option(None, "--key", help=t("Only this key id.", "只看此密钥编号。"))
UserOption = typer.Option(None, "--user", help=t("Only this end user.", "只看此用户。"))
ModelOption = typer.Option(None, "--model", "-m", help=t("Asked for, or served.", "请求的或实际应答的模型。"))
ReleaseOption = typer.Option(None, "--release", help=t("Only this release (model@version).", "只看此版本。"))
OutcomeOption = typer.Option(
    None, "--outcome", metavar="answered|refused|failed|left|cut", help=t("How it ended.", "结局。")
)
SinceOption = typer.Option(
    None,
    "--since",
    metavar="2h|3d|DATE",
    help=t("From this long ago, or this time (UTC).", "起始：多久以前，或时间（UTC）。"),
)
UntilOption = typer.Option(
    None,
    "--until",
    metavar="2h|3d|DATE",
    help=t("Up to this long ago, or this time (UTC).", "截止：多久以前，或时间（UTC）。"),
)

_SPAN = re.compile(r"(\d{1,6})([smhdw])")
MOST_ROWS = 1_000_000_000
"""More than anybody shows; databases count rows in 64 bits."""
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def moment_ns(option: str, text: str | None) -> int | None:
    """A time as nanoseconds UTC: a span ago, or ISO 8601 (UTC unless it says otherwise). Beyond what 64 bits hold it is
    the beginning or the end of time."""
    if text is None:
        return None
    if match := _SPAN.fullmatch(text):
        return max(0, time.time_ns() - int(match[1]) * _UNIT_S[match[2]] * SECOND_NS)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        fail(
            f"{option} {text}: give a span such as 2h or 3d, or a date such as 2026-11-21 or 2026-11-21T08:00.",
            f"{option} {text}：请填写时长（如 2h、3d）或日期（如 2026-11-21、2026-11-21T08:00）。",
            code=2,
        )
    return ns_of(at)


def local(at_ns: int) -> str:
    """A time for people, in this machine's zone."""
    return datetime.fromtimestamp(at_ns / 1e9).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def money(nano: int, currency: str) -> str:
    """An amount for people."""
    return f"{money_about(nano)} {currency}" if nano else ""


def _cells(row: TurnRow) -> tuple[object, ...]:
    return (
        local(row.at_ns),
        row.trace,
        row.outcome if not row.error else f"{row.outcome} ({row.error})",
        row.tenant,
        row.release_name or row.asked,
        f"{row.prompt_tokens}+{row.completion_tokens}",
        money(row.cost_nano, row.currency),
        f"{row.took_us / 1000:.0f} ms",
    )


def show_rows(rows: Sequence[TurnRow]) -> None:
    """Turns, a line each; nothing is cut off, because a trace id is there to be copied."""
    columns = t("time|trace|outcome|tenant|model|tokens|cost|took", "时间|追踪号|结局|租户|模型|词元|费用|耗时").split(
        "|"
    )
    _show_columns(columns, [_cells(row) for row in rows])


def show_line(row: TurnRow) -> None:
    """One turn on one line, for following."""
    out.print("  ".join(str(cell) for cell in _cells(row)), markup=False, highlight=False, soft_wrap=True)


def _show_columns(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    if not rows:
        out.print(t("Nothing to show.", "没有内容。"))
        return
    lines = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        padded = (set_cell_size(cell, width) for cell, width in zip(line, widths, strict=True))
        style = None if number else "bold"
        out.print("  ".join(padded).rstrip(), style=style, markup=False, highlight=False, soft_wrap=True)


def show_events(found: Sequence[Entry]) -> None:
    """Events, a line each."""
    from zhongshu.ledger.payloads import Kept

    columns = t("time|what|written by|facts", "时间|操作|写入者|详情").split("|")
    rows = [
        (local(event.at_ns), event.name, entry.stream, " ".join(f"{k}={v}" for k, v in event.facts.items()))
        for entry in found
        if not isinstance(event := entry.content, Kept)
    ]
    _show_columns(columns, rows)


def show_turn(line: dict[str, Any], shown: Shown) -> None:
    """Everything of one turn."""
    for name, value in line.items():
        if name in ("prompt", "answer", "AIGC", "explicit_label", "attempts") or value in ("", None, [], ()):
            continue
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        if name == "reason" and chinese():
            from zhongshu.pipeline.strategies.retelling import in_chinese

            text = in_chinese(text)
        out.print(f"{name:14} {text}", markup=False, highlight=False, soft_wrap=True)
    for number, attempt in enumerate(shown.record.attempts, 1):
        out.print(f"{f'attempt {number}':14} {_attempt(attempt)}", markup=False, highlight=False, soft_wrap=True)
    out.print(f"{'place':14} {shown.row.stream}/{shown.row.segment:08d} frame {shown.row.frame}", markup=False)
    for name in ("prompt", "answer", "explicit_label", "AIGC"):
        if name in line:
            out.print(f"\n{name}", style="bold")
            out.print_json(data=line[name])


def _attempt(attempt: Attempt) -> str:
    """One try on one line: where, why, what came of it."""
    status = f"HTTP {attempt.status}" if attempt.status else ""
    cost = f"{attempt.cost_nano / 1e9:.6f}" if attempt.cost_nano else ""
    what = (attempt.error or t("answered", "已应答"), status, f"{attempt.took_us / 1000:.0f} ms", cost)
    why = f" ({attempt.why})" if attempt.why else ""
    return f"{attempt.upstream}/{attempt.model}{why}: {', '.join(filter(None, what))}"


def show_report(report: Report) -> None:
    """What a verification found."""
    for note in report.notes:
        err.print(
            t("note: ", "提示：") + (note.zh if chinese() else note.en), style="dim", markup=False, highlight=False
        )
    for found in report.findings:
        out.print(found.zh if chinese() else found.en, style="red", markup=False, highlight=False)
    facts = (
        f"{report.records} records, {report.segments} segments, {report.streams} streams, "
        f"{report.checkpoints} checkpoints",
        f"{report.records} 条记录、{report.segments} 个段、{report.streams} 个流、{report.checkpoints} 个检查点",
    )
    if report.ok:
        out.print(t(f"The journal is whole: {facts[0]}.", f"日志完整：{facts[1]}。"), style="green", highlight=False)
    else:
        found = len(report.findings)
        out.print(
            t(f"NOT whole: {found} findings in {facts[0]}.", f"日志不完整：{found} 处问题，{facts[1]}。"),
            style="bold red",
            highlight=False,
        )


def show_sums(groups: tuple[str, ...], sums: Sequence[Sums]) -> None:
    """A table of totals."""
    columns = t(
        "turns|not answered|prompt|cached|completion|thinking|cost|mean|slowest",
        "次数|未应答|输入|缓存|输出|思考|费用|平均|最慢",
    )
    _show_columns(
        [*groups, *columns.split("|")],
        [
            (
                *row.group, row.turns, row.failed, row.prompt_tokens, row.cached_tokens, row.completion_tokens,
                row.thinking_tokens, money(row.cost_nano, row.currency), f"{row.took_us / row.turns / 1000:.1f} ms",
                f"{row.slowest_us / 1000:.1f} ms",
            )
            for row in sums
        ],
    )  # fmt: skip


def reading() -> Status:
    """Says that the ledger is being read, for as long as that takes: seconds where much is not indexed yet."""
    return err.status(t("Reading the ledger", "正在读取账本"))


@contextmanager
def progress(what: str, total: int, *, shown: bool = True) -> Generator[Callable[[int], None]]:
    """A bar on standard error; gone when done. Steps are gathered, so that counting stays cheap."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
    with Progress(*columns, TimeRemainingColumn(), console=err, transient=True, disable=not shown) as bar:
        task = bar.add_task(what, total=max(1, total))
        pending = 0
        step = max(1, total // 500)

        def advance(amount: int) -> None:
            nonlocal pending
            pending += amount
            if pending >= step:
                bar.advance(task, pending)
                pending = 0

        yield advance
