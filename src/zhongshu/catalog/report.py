"""Comparing releases over a time: each one's figures with intervals, and of each difference whether it is real.

A difference is called real when its interval does not hold 0 at 95% over all differences of the report together
(Bonferroni): among those that are not, no more than one report in twenty calls one real. Pure values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import msgspec

from zhongshu.catalog.intervals import FEWEST_GROUPS, Interval, Measure, difference, p_value, z_of
from zhongshu.catalog.tallies import Tally

CONFIDENCE = 0.95
FEWEST = 30
"""Below so many turns on either side nothing is compared."""


class Figure(msgspec.Struct, frozen=True):
    """One figure of a release, with its interval at 95%; None where there was nothing to measure. A bound is None
    where there are too few turns to give one."""

    value: float
    low: float | None
    high: float | None


class ReleaseFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A release's turns. Times in milliseconds; tokens and cost are means of a turn, cost in units of `currency`;
    uncounted turns say nothing about it (the caller's own mistakes, clients that left)."""

    release: str
    turns: int
    uncounted: int
    error_rate: Figure | None
    first_p50: Figure | None
    first_p95: Figure | None
    took_p50: Figure | None
    took_p95: Figure | None
    tokens: Figure | None
    cost: Figure | None
    currency: str
    score: Figure | None
    scored: int


class Difference(msgspec.Struct, frozen=True):
    """One figure of a release against the first one's: `release` minus `against`, or for relative ones the ratio less
    1. verdict: "higher" or "lower" when that is sure, else "none". p: before the correction for several comparisons."""

    figure: str
    release: str
    against: str
    relative: bool
    value: float
    low: float | None
    high: float | None
    p: float
    verdict: str
    en: str
    zh: str


class ReleaseReport(msgspec.Struct, frozen=True):
    """Releases of one model over a time (ns, UTC). notes: what to know when reading it, (English, Chinese)."""

    model: str
    since_ns: int
    until_ns: int
    releases: tuple[ReleaseFigures, ...]
    differences: tuple[Difference, ...]
    notes: tuple[tuple[str, str], ...]


class _Row(msgspec.Struct, frozen=True):
    name: str
    en: str
    zh: str
    measure: Callable[[Tally], Measure]
    turns: Callable[[Tally], int]
    relative: bool = True


_ROWS = (
    _Row("error_rate", "error rate", "错误率", lambda t: t.failed.rate, lambda t: t.turns, relative=False),
    _Row("first_p95", "p95 time to the first token", "p95 首词元耗时",
         lambda t: t.first.quantile(0.95), lambda t: t.first.spread.turns),
    _Row("took_p50", "median time of a turn", "耗时中位数",
         lambda t: t.took.quantile(0.5), lambda t: t.took.spread.turns),
    _Row("took_p95", "p95 time of a turn", "p95 耗时", lambda t: t.took.quantile(0.95), lambda t: t.took.spread.turns),
    _Row("tokens", "mean number of tokens", "平均词元数", lambda t: t.tokens.log_average, lambda t: t.tokens.turns),
    _Row("cost", "mean cost", "平均费用",
         lambda t: t.cost.log_average, lambda t: t.cost.turns if t.cost.total else 0),
    _Row("score", "score", "评分", lambda t: t.score.average, lambda t: t.score.turns, relative=False),
)  # fmt: skip


def compare(model: str, since_ns: int, until_ns: int, tallies: Mapping[str, Tally]) -> ReleaseReport:
    """The report. tallies: by release ("model@2"); the others are compared with the first of those that had turns."""
    there = {release: tally for release, tally in tallies.items() if tally.turns or tally.uncounted}
    first, *others = there or [""]
    asked = [
        (row, release)
        for release in others
        for row in _ROWS
        if min(row.turns(there[first]), row.turns(there[release])) >= FEWEST
    ]
    z = z_of((1 - CONFIDENCE) / 2 / max(1, len(asked)))
    differences = tuple([_difference(row, release, first, there, z) for row, release in asked])
    figures = tuple([_figures(release, tally) for release, tally in there.items()])
    return ReleaseReport(model, since_ns, until_ns, figures, differences, _notes(there))


def _figures(release: str, tally: Tally) -> ReleaseFigures:
    z = z_of((1 - CONFIDENCE) / 2)
    first, took = tally.first, tally.took
    return ReleaseFigures(
        release=release,
        turns=tally.turns,
        uncounted=tally.uncounted,
        error_rate=_figure(tally.turns, tally.failed.rate(z)),
        first_p50=_milliseconds(first.spread.turns, first.quantile(0.5)(z)),
        first_p95=_milliseconds(first.spread.turns, first.quantile(0.95)(z)),
        took_p50=_milliseconds(took.spread.turns, took.quantile(0.5)(z)),
        took_p95=_milliseconds(took.spread.turns, took.quantile(0.95)(z)),
        tokens=_figure(tally.tokens.turns, tally.tokens.average(z)),
        cost=_figure(tally.cost.turns, tally.cost.average(z), 1e9),
        currency=tally.currency,
        score=_figure(tally.score.turns, tally.score.average(z)),
        scored=tally.score.turns,
    )


def _figure(turns: int, found: Interval, in_one: float = 1.0) -> Figure | None:
    if not turns:
        return None
    return Figure(found.value / in_one, _finite(max(0.0, found.low) / in_one), _finite(found.high / in_one))


def _milliseconds(turns: int, found: Interval) -> Figure | None:
    """From the logarithm of microseconds."""
    if not turns:
        return None
    low, high = (None if math.isinf(bound) else math.exp(bound) / 1000 for bound in (found.low, found.high))
    return Figure(math.exp(found.value) / 1000, low, high)


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _difference(row: _Row, release: str, against: str, tallies: Mapping[str, Tally], z: float) -> Difference:
    a, b = row.measure(tallies[release]), row.measure(tallies[against])
    between = difference(a(z), b(z))
    verdict = "higher" if between.low > 0 else "lower" if between.high < 0 else "none"
    p = p_value(a, b)
    en, zh = _sentence(row, release, against, between, p, verdict)
    shown = [_ratio(part) if row.relative else part for part in (between.value, between.low, between.high)]
    return Difference(
        figure=row.name, release=release, against=against, relative=row.relative, value=shown[0],
        low=_finite(shown[1]) if math.isfinite(between.low) else None,
        high=_finite(shown[2]) if math.isfinite(between.high) else None, p=p, verdict=verdict, en=en, zh=zh,
    )  # fmt: skip


def _ratio(size: float) -> float:
    return math.expm1(min(size, 50.0))


def _sentence(row: _Row, release: str, against: str, between: Interval, p: float, verdict: str) -> tuple[str, str]:
    low, high = (_said(row, bound) for bound in (between.low, between.high))
    chance = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    if verdict == "none":
        return (
            f"The {row.en} of {release} and {against} cannot be told apart: the difference is between {low} and "
            f"{high} ({chance}).",
            f"{release} 与 {against} 的{row.zh}没有可以确认的差别：差值在 {low} 与 {high} 之间（{chance}）。",
        )
    size, word_zh = _said(row, between.value), "高于" if verdict == "higher" else "低于"
    return (
        f"The {row.en} of {release} is {verdict} than {against}'s by {size}, between {low} and {high} ({chance}): "
        "a real difference.",
        f"{release} 的{row.zh}{word_zh} {against}，相差 {size}，在 {low} 与 {high} 之间（{chance}）：差别是真实的。",
    )


def _said(row: _Row, size: float) -> str:
    if math.isinf(size):
        return "∞" if size > 0 else "-∞"
    if row.relative:
        return f"{_ratio(size):+.1%}"
    return f"{size:+.3f}" if row.name == "score" else f"{size * 100:+.2f}%"


def _notes(tallies: Mapping[str, Tally]) -> tuple[tuple[str, str], ...]:
    notes: list[tuple[str, str]] = []
    if any(tally.turns and tally.failed.groups < FEWEST_GROUPS for tally in tallies.values()):
        notes.append(
            (
                f"Some release had turns of fewer than {FEWEST_GROUPS} users or keys: turns are taken as independent, "
                "which makes differences look surer than they are.",
                f"有版本的请求来自少于 {FEWEST_GROUPS} 个用户或密钥：各次请求按相互独立处理，差别看起来会比实际更确定。",
            )
        )
    small = [release for release, tally in tallies.items() if tally.turns < FEWEST]
    if small:
        names = ", ".join(small)
        notes.append(
            (f"Fewer than {FEWEST} turns, so not compared: {names}.", f"少于 {FEWEST} 次请求，未作比较：{names}。")
        )
    return tuple(notes)
