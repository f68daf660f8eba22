"""How a comparison of releases looks: a table and sentences, JSON, a picture, and answers side by side."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any, cast

import msgspec
from rich.columns import Columns
from rich.panel import Panel
from rich.text import Text

from zhongshu.cli.ledger_views import local
from zhongshu.cli.output import out, print_table
from zhongshu.cli.words import chinese, t

if TYPE_CHECKING:
    from zhongshu.catalog.report import Figure, ReleaseFigures, ReleaseReport
    from zhongshu.ledger.index import Shown

_SHOWN = ("error_rate", "first_p50", "first_p95", "took_p50", "took_p95", "tokens", "cost", "score")
_WIDTH, _LEFT, _BAR, _GAP = 720, 230, 22, 34
_COLOURS = ("#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#a463f2")


def show_report(report: ReleaseReport) -> None:
    """The report as a table and sentences."""
    span = f"{local(report.since_ns)} - {local(report.until_ns)}"
    columns = ["", *(figures.release for figures in report.releases)]
    rows = [(t("turns", "次数"), *map(_turns, report.releases))]
    for name in _SHOWN:
        figures = [said(name, getattr(release, name), release) for release in report.releases]
        if any(figures):
            rows.append((_title(name), *figures))
    print_table(columns, rows if report.releases else [], title=f"{report.model}  {span}")
    sentences = [(found.en, found.zh) for found in report.differences] + list(report.notes)
    for en, zh in sentences:
        out.print(t(en, zh), markup=False, highlight=False, soft_wrap=True)


def plain_report(report: ReleaseReport) -> dict[str, Any]:
    """The report as JSON."""
    plain = cast("dict[str, Any]", msgspec.to_builtins(report))
    plain["notes"] = [{"en": en, "zh": zh} for en, zh in report.notes]
    return plain


def said(name: str, figure: Figure | None, figures: ReleaseFigures) -> str:
    """A figure with its interval, in its unit."""
    if figure is None:
        return ""
    low, high = ("?" if bound is None else _number(name, bound) for bound in (figure.low, figure.high))
    unit = {"error_rate": "%", "tokens": "", "score": "", "cost": f" {figures.currency}"}.get(name, " ms")
    return f"{_number(name, figure.value)}{unit} ({low} - {high})"


def picture(report: ReleaseReport) -> str:
    """An SVG: each figure with its interval, releases below one another."""
    lines: list[str] = []
    y = 60
    for name in _SHOWN:
        found = [(figures, getattr(figures, name)) for figures in report.releases]
        most = max((max(figure.value, figure.high or 0.0) for _, figure in found if figure), default=0.0)
        if not most:
            continue
        lines.append(f'<text x="16" y="{y}" font-weight="bold">{escape(_title(name))}</text>')
        for number, (figures, figure) in enumerate(found):
            if figure:
                lines += _bar(name, figure, figures, most, y + 10 + number * _BAR, _COLOURS[number % len(_COLOURS)])
        y += _GAP + 10 + len(found) * _BAR
    title = f"{report.model}  {local(report.since_ns)} - {local(report.until_ns)}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="white"/>'
        f'<text x="16" y="26" font-size="15">{escape(title)}</text>{"".join(lines)}</svg>\n'
    )


def _bar(name: str, figure: Figure, figures: ReleaseFigures, most: float, y: int, colour: str) -> list[str]:
    scale = (_WIDTH - _LEFT - 220) / most
    low = figure.value if figure.low is None else figure.low
    high = most if figure.high is None else figure.high
    middle = y + 8
    return [
        f'<text x="32" y="{y + 12}">{escape(figures.release)}</text>',
        f'<rect x="{_LEFT}" y="{y + 2}" width="{figure.value * scale:.1f}" height="12" fill="{colour}"/>',
        f'<path d="M{_LEFT + low * scale:.1f} {middle}H{_LEFT + high * scale:.1f}" stroke="#333" stroke-width="2"/>',
        f'<text x="{_WIDTH - 210}" y="{y + 12}">{escape(said(name, figure, figures))}</text>',
    ]


def show_sides(sides: Sequence[Shown]) -> None:
    """Answers to the same turn, side by side."""
    panels: list[Panel] = []
    for number, side in enumerate(sides):
        row = side.row
        kind = t("shadow", "影子") if number else t("answer", "回答")
        text = _answer_text(side) or t(f"({side.text_state})", f"（{side.text_state}）")
        facts = f"{row.outcome} {row.error}".strip() + f", {row.prompt_tokens}+{row.completion_tokens}"
        panels.append(
            Panel(Text(text), title=f"{kind}: {row.release_name}", subtitle=f"{facts}, {row.took_us // 1000} ms")
        )
    out.print(Columns(panels, equal=True, expand=True))
    if len(sides) == 1:
        out.print(t("This turn had no shadow, or its shadow is not done yet.", "该请求没有影子，或影子尚未完成。"))


def plain_side(side: Shown) -> dict[str, Any]:
    """One answer as JSON."""
    row = side.row
    texts = side.texts
    answer = msgspec.json.decode(texts.answer) if texts is not None and texts.answer else None
    return {
        "trace": row.trace,
        "shadow_of": row.shadow_of,
        "release": row.release_name,
        "outcome": row.outcome,
        "error": row.error,
        "took_ms": row.took_us / 1000,
        "prompt_tokens": row.prompt_tokens,
        "completion_tokens": row.completion_tokens,
        "text_state": side.text_state,
        "answer": answer,
    }


def _answer_text(side: Shown) -> str:
    if side.texts is None or not side.texts.answer:
        return ""
    choices = msgspec.json.decode(side.texts.answer)
    if not isinstance(choices, list):
        return side.texts.answer.decode("utf-8", "replace")
    parts = [cast("dict[str, Any]", choice) for choice in cast("list[Any]", choices) if isinstance(choice, dict)]
    return "\n\n".join(str(part.get("text") or msgspec.json.encode(part.get("tool_calls")).decode()) for part in parts)


def _turns(figures: ReleaseFigures) -> str:
    more = t(f" (+{figures.uncounted} not counted)", f"（另有 {figures.uncounted} 次不计）")
    return f"{figures.turns}" + (more if figures.uncounted else "")


def _number(name: str, value: float) -> str:
    if name == "error_rate":
        return f"{value * 100:.2f}"
    return (
        f"{value:.6f}".rstrip("0").rstrip(".")
        if name == "cost"
        else f"{value:.3f}"
        if name == "score"
        else f"{value:.0f}"
    )


def _title(name: str) -> str:
    titles = {
        "error_rate": ("errors", "错误率"),
        "first_p50": ("first p50", "首词元 p50"),
        "first_p95": ("first p95", "首词元 p95"),
        "took_p50": ("turn p50", "耗时 p50"),
        "took_p95": ("turn p95", "耗时 p95"),
        "tokens": ("tokens", "词元"),
        "cost": ("cost", "费用"),
        "score": ("score", "评分"),
    }
    return titles[name][1 if chinese() else 0]
