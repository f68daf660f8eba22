"""Whether a canary goes on or back. A pure decision over tallies; its sentence stands in the history.

It goes back as soon as it is surely worse than allowed by one check, and on when it is surely not worse than allowed
by any (a test of non-inferiority) and each side has had its turns. In between it waits.

Looking again and again would sooner or later find something by chance, so looks are few and each costs: there is one
when the canary's turns have grown by half, and look number k (from 1) may be wrong with a share 6 / (pi k)^2 of what is
allowed in all, which over any number of looks adds up to it (Bonferroni over looks). Going back, any check in any step
may be the wrong one, so it is divided by their numbers too; going on, all must agree, and k counts from the first look
at which it may.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import msgspec

from zhongshu.catalog.intervals import Interval, Measure, difference, z_of
from zhongshu.catalog.plans import Canary
from zhongshu.catalog.tallies import Tally

FIRST_LOOK = 30
GROWTH = 1.5
FEWEST_SCORES = 20
MANY = 500


class Finding(msgspec.Struct, frozen=True):
    """One check at one look. worse: by how much the canary is worse, between low and high; margin: how much it may be.
    state: "worse" surely beyond the margin, "fine" surely within, "open" cannot be told yet."""

    check: str
    worse: Interval
    margin: float
    state: Literal["worse", "fine", "open"]
    en: str
    zh: str


class Judgement(msgspec.Struct, frozen=True):
    """What one look came to."""

    action: Literal["back", "on", "wait"]
    en: str
    zh: str
    findings: tuple[Finding, ...]


def look_number(turns: int) -> int:
    """Which look so many turns of the canary are worth; 0 for none yet."""
    return 0 if turns < FIRST_LOOK else 1 + int(math.log(turns / FIRST_LOOK) / math.log(GROWTH))


def judge(canary: Canary, mine: Tally, others: Tally) -> Judgement:
    """Compare the canary's turns in this step with the others'. Call it once for each look_number."""
    number = look_number(mine.turns)
    if not number or others.turns < FIRST_LOOK:
        en = f"{mine.turns} turns against {others.turns}: too few to look at"
        zh = f"{mine.turns} 次对 {others.turns} 次：次数太少"
        if not mine.turns and others.turns > MANY:
            en += "; no user falls to the canary: with few users or keys, split turns by sticky=turn"
            zh += "；没有用户落入灰度：用户或密钥很少时，请用 sticky=turn 按请求分配"
        return Judgement("wait", en, zh, ())
    asked = [row for row in _ROWS if getattr(canary.checks, row.name) is not None]
    back = _spent(canary, number) / len(canary.steps) / len(asked)
    on = _spent(canary, max(1, number - look_number(canary.min_turns)))
    findings = tuple([_finding(row, canary, mine, others, z_of(back), z_of(on)) for row in asked])
    worse = [finding for finding in findings if finding.state == "worse"]
    tally = (f"{mine.turns} turns against {others.turns}", f"{mine.turns} 次对 {others.turns} 次")
    if worse:
        return Judgement("back", f"{worse[0].en} ({tally[0]})", f"{worse[0].zh}（{tally[1]}）", findings)
    told = "; ".join(finding.en for finding in findings), "；".join(finding.zh for finding in findings)
    enough = min(mine.turns, others.turns) >= canary.min_turns
    fine = enough and all(finding.state == "fine" for finding in findings)
    return Judgement("on" if fine else "wait", f"{told[0]} ({tally[0]})", f"{told[1]}（{tally[1]}）", findings)


def _spent(canary: Canary, number: int) -> float:
    """How often this look may be wrong."""
    return (1 - canary.confidence) * 6 / (math.pi * number) ** 2


class _Row(msgspec.Struct, frozen=True):
    """A check: how it is measured (positive: the canary is worse), and how it is spoken of."""

    name: str
    en: str
    zh: str
    measure: Callable[[Tally], Measure]
    relative: bool = False
    higher_is_better: bool = False
    enough: Callable[[Tally], bool] = lambda tally: True


_ROWS = (
    _Row("error_rate", "error rate", "错误率", lambda tally: tally.failed.rate),
    _Row("latency", "p95 latency", "p95 耗时", lambda tally: tally.took.quantile(0.95), relative=True),
    _Row("cost", "cost of a turn", "单次费用", lambda tally: tally.cost.log_average, relative=True),
    _Row(
        "score", "score", "评分", lambda tally: tally.score.average,
        higher_is_better=True, enough=lambda tally: tally.score.turns >= FEWEST_SCORES,
    ),
)  # fmt: skip


def _finding(row: _Row, canary: Canary, mine: Tally, others: Tally, z_back: float, z_on: float) -> Finding:
    margin: float = getattr(canary.checks, row.name)
    bound = math.log1p(margin) if row.relative else margin
    if not (row.enough(mine) and row.enough(others)):
        nothing = Interval(0.0, -math.inf, math.inf)
        return Finding(row.name, nothing, margin, "open", f"{row.en}: too few", f"{row.zh}：样本太少")
    a, b = row.measure(mine), row.measure(others)
    surely_worse, surely_fine = _worse(row, a, b, z_back), _worse(row, a, b, z_on)
    state = "worse" if surely_worse.low > bound else "fine" if surely_fine.high <= bound else "open"
    shown = surely_worse if state == "worse" else surely_fine
    en, zh = _sentence(row, shown, margin, state)
    return Finding(row.name, shown, margin, state, en, zh)


def _worse(row: _Row, mine: Measure, others: Measure, z: float) -> Interval:
    return difference(others(z), mine(z)) if row.higher_is_better else difference(mine(z), others(z))


def _sentence(row: _Row, worse: Interval, margin: float, state: str) -> tuple[str, str]:
    low, high = _amount(row, worse.low), _amount(row, worse.high)
    allowed = f"{margin:+.0%}" if row.relative else _points(row, margin)
    if state == "worse":
        return (
            f"{row.en} is worse by {low} at least, and {allowed} is allowed",
            f"{row.zh}至少变差 {low}，而允许 {allowed}",
        )
    if state == "fine":
        return f"{row.en} worse by {high} at most, {allowed} allowed", f"{row.zh}最多变差 {high}，允许 {allowed}"
    return (
        f"{row.en} cannot be told yet: worse by {low} to {high}, {allowed} allowed",
        f"{row.zh}尚无法判断：变差 {low} 到 {high}，允许 {allowed}",
    )


def _amount(row: _Row, size: float) -> str:
    if math.isinf(size):
        return "any amount" if size > 0 else "nothing"
    return f"{math.expm1(min(size, 50)):+.1%}" if row.relative else _points(row, size)


def _points(row: _Row, size: float) -> str:
    return f"{size:+.3f}" if row.higher_is_better else f"{size * 100:+.2f}%"
