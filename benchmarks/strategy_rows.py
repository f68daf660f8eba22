"""What the outcomes of the ways come to: rows, and the picture. Knows no server.

A way is compared with always asking the reasoning model on the very questions that the way was asked. Whether it pays
is judged against chance: always-general and always-reasoning mixed at random have every accuracy on the line between
theirs, at the compute between theirs, so a way that is not above that line is not worth having.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.questions.kinds import KINDS
from benchmarks.rows import Reference, Row, Target, ratio_at_least, ratio_at_most
from benchmarks.strategy_outcomes import Outcome
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.difficulty.measures import calibration_error
from zhongshu.router.estimate import hardness_of
from zhongshu.router.proving.picture import svg
from zhongshu.router.proving.proof import Case, prove
from zhongshu.router.settings import RouterSettings, threshold_of

Numbers = NDArray[np.float64]
BASE, FLOOR, LARGER = "reasoning", "general", "qwen2.5-coder-1.5b"
KEPT, COMPUTE = ratio_at_least(0.95), ratio_at_most(0.55)
_TITLES = {
    "general": "always general",
    "reasoning": "always reasoning",
    LARGER: "always the larger model, no thought",
}
_ROUNDS = 1000
ByQuestion = dict[str, dict[str, Outcome]]
"""For each way, its outcomes by the question's id."""


def by_question(outcomes: Sequence[Outcome], current: set[tuple[str, str]]) -> ByQuestion:
    """The outcomes that are of today's questions: of (way, id) the last. current: ways and digests of what is asked."""
    found: ByQuestion = {}
    for one in outcomes:
        if (one.way, one.asked) in current:
            found.setdefault(one.way, {})[one.id] = one
    return found


def rows_of(ways: Sequence[str], found: ByQuestion) -> list[Row]:
    """Rows for every way that was asked anything, in the order of `ways`."""
    base, floor = found.get(BASE, {}), found.get(FLOOR, {})
    rows: list[Row] = []
    for way in ways:
        shared = sorted(found.get(way, {}).keys() & base.keys() & floor.keys())
        if not shared:
            rows.append(
                Row(
                    name=f"{way}: accuracy",
                    value=None,
                    unit="share right",
                    note="not asked yet, or not both single models",
                )
            )
            continue
        of = [[each[name] for name in shared] for each in (found[way], base, floor)]
        rows += _of_way(way, of[0], of[1], of[2])
    return rows


def _of_way(way: str, mine: list[Outcome], base: list[Outcome], floor: list[Outcome]) -> list[Row]:
    title, is_auto = _TITLES.get(way, way), way == "auto"

    def row(what: str, unit: str, value: float, other: float, target: Target | None = None, note: str = "") -> Row:
        reference = None if way == BASE else Reference(_TITLES[BASE], other)
        target = target if is_auto else None
        return Row(name=f"{title}: {what}", value=value, unit=unit, reference=reference, target=target, note=note)

    return [
        row("accuracy", "share right", _right(mine), _right(base), KEPT, f"{len(mine)} questions: {_by_kind(mine)}"),
        row("compute", "10^9 parameters x tokens a question", _compute(mine), _compute(base), COMPUTE),
        row("tokens", "written a question", _mean(mine, "tokens"), _mean(base, "tokens"), note=_thought(mine)),
        row("prompts", "tokens read a question", _mean(mine, "prompt_tokens"), _mean(base, "prompt_tokens")),
        row("seconds", "s a question", _mean(mine, "seconds"), _mean(base, "seconds"), note=_asked_at_once(mine)),
        *([] if way in (BASE, FLOOR) else [_worth(title, mine, base, floor)]),
    ]


def _worth(title: str, mine: list[Outcome], base: list[Outcome], floor: list[Outcome]) -> Row:
    """Accuracy above the random mix of equal compute; with the middle 95% of what resampled questions gave."""
    table = np.array([[float(one.right) for one in way] + [one.compute for one in way] for way in (mine, base, floor)])
    count = len(mine)
    over = _over_mix(table, np.arange(count))
    dice = np.random.default_rng(0)
    drawn = [_over_mix(table, dice.integers(0, count, count)) for _ in range(_ROUNDS)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    verdict = "it pays" if low > 0 else "it does not pay" if over <= 0 else "it may pay: not told from chance"
    note = f"{verdict}; 95% interval {low:+.3f} to {high:+.3f}"
    return Row(name=f"{title}: accuracy above a random mix of equal compute", value=over, unit="share right", note=note)


def _over_mix(table: Numbers, picked: NDArray[np.int64]) -> float:
    """How far above the line between always-general and always-reasoning. Beyond its ends the line is level: more
    compute than always-reasoning buys no more."""
    count = table.shape[1] // 2
    right, compute = table[:, :count][:, picked].mean(1), table[:, count:][:, picked].mean(1)
    span = compute[1] - compute[2]
    share = min(1.0, max(0.0, (compute[0] - compute[2]) / span)) if span > 0 else 1.0
    return float(right[0] - (right[2] + share * (right[1] - right[2])))


def picture(found: ByQuestion) -> str:
    """`auto` against always-general, always-reasoning, chance and an oracle, as SVG. Raises ValueError without cases."""
    mine, base, floor = found.get("auto", {}), found.get(BASE, {}), found.get(FLOOR, {})
    shared = sorted(mine.keys() & base.keys() & floor.keys())
    cases = [
        Case(
            went=mine[name].model == base[name].model,
            general=float(floor[name].right),
            reasoning=float(base[name].right),
            general_cost=floor[name].compute,
            reasoning_cost=base[name].compute,
        )
        for name in shared
    ]
    return svg(prove(cases), "auto on real local models: share right against compute")


def write_picture(found: ByQuestion, folder: Path) -> Path:
    """Keep the picture beside the rows."""
    path = folder / "strategies.svg"
    path.write_text(picture(found))
    return path


def _right(outcomes: Sequence[Outcome]) -> float:
    return sum(one.right for one in outcomes) / len(outcomes)


def _compute(outcomes: Sequence[Outcome]) -> float:
    return sum(one.compute for one in outcomes) / len(outcomes)


def _mean(outcomes: Sequence[Outcome], field: str) -> float:
    return sum(getattr(one, field) for one in outcomes) / len(outcomes)


def _by_kind(outcomes: Sequence[Outcome]) -> str:
    parts: list[str] = []
    for kind in KINDS:
        of_kind = [one for one in outcomes if one.kind == kind]
        if of_kind:
            parts.append(f"{kind} {_right(of_kind):.2f}")
    return ", ".join(parts)


def _thought(outcomes: Sequence[Outcome]) -> str:
    return f"{_mean(outcomes, 'thinking'):.0f} of them thought"


def _asked_at_once(outcomes: Sequence[Outcome]) -> str:
    return f"as the caller waits, several at once; slowest {max(one.seconds for one in outcomes):.0f} s"


def judge_rows(judges: Mapping[str, Judge], prompts: Mapping[str, str], found: ByQuestion) -> list[Row]:
    """What `auto` would come to with each judge at the default dial, by the outcomes of the two single models.

    prompts: by the question's id. Nothing is asked: a turn that goes to a model is as right and as dear as it was there.
    """
    base, floor = found.get(BASE, {}), found.get(FLOOR, {})
    at_once = found.get(LARGER, {})
    shared = sorted(base.keys() & floor.keys() & at_once.keys() & prompts.keys())
    if not shared:
        return []
    return [
        row for name, judge in judges.items() for row in _of_judge(name, judge, shared, prompts, (base, floor, at_once))
    ]


def _of_judge(
    name: str,
    judge: Judge,
    shared: list[str],
    prompts: Mapping[str, str],
    ways: tuple[dict[str, Outcome], dict[str, Outcome], dict[str, Outcome]],
) -> list[Row]:
    base, floor, at_once = ways
    judged = [hardness_of(prompts[one], judge) for one in shared]
    least = threshold_of(RouterSettings().dial)
    gone = [
        (floor if one.gain <= 0 or one.gain < least else base if one.wants_thought(least) else at_once)[at]
        for at, one in zip(shared, judged, strict=True)
    ]
    every = [base[one] for one in shared]
    chance = np.array([one.chance for one in judged])
    wrong = np.array([not floor[one].right for one in shared])
    title, calls = f"judge {name}", sum(one.way != FLOOR for one in gone) / len(gone)
    always = Reference(_TITLES[BASE], _right(every))
    return [
        Row(
            name=f"{title}: accuracy, by the single models' answers",
            value=_right(gone),
            unit="share right",
            reference=always,
            note=f"version {judge.version}; {calls:.0%} of {len(shared)} questions to the reasoning model",
        ),
        Row(
            name=f"{title}: compute, by the single models' answers",
            value=_compute(gone),
            unit="10^9 parameters x tokens a question",
            reference=Reference(_TITLES[BASE], _compute(every)),
        ),
        Row(
            name=f"{title}: calibration error of the chance that the general model is wrong",
            value=round(calibration_error(chance, wrong), 4),
            unit="share",
        ),
    ]
