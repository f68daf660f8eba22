"""What routing was worth: quality and cost of what was done, beside always the general model, always the reasoning
model, a random mix at the same cost, and an oracle. Pure functions of cases.

A comparison is only over cases of which it is known how right both models were. Where that is not known, nothing is
said about quality that was not seen.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from zhongshu.router.proving.promise import Promise, Wanted, promise_of
from zhongshu.router.proving.tuning import Span, span_of

_ROUNDS, _POINTS = 1000, 100
Numbers = NDArray[np.float64]


class Case(msgspec.Struct, frozen=True):
    """A turn whose answers by both models were judged. went: to the reasoning model. general, reasoning: how right
    each was, 0 to 1. *_cost: what each took, in one currency. gain: what deep thought was expected to add, for the
    curve; None where it is not known. done: how right the answer given was and what it cost, where it is not simply the
    one it went to."""

    went: bool
    general: float
    reasoning: float
    general_cost: float = 0.0
    reasoning_cost: float = 0.0
    gain: float | None = None
    done: tuple[float, float] | None = None


class Way(msgspec.Struct, frozen=True):
    """One way of routing: mean quality, cost of a turn, and the share of turns that the reasoning model answers."""

    name: str
    quality: float
    cost: float
    strong_calls: float


class Point(msgspec.Struct, frozen=True):
    """One place on the curve: the turns with the highest expected gain go to the reasoning model."""

    strong_calls: float
    quality: float
    cost: float


class Proof(msgspec.Struct, frozen=True):
    """The comparison. over_random: quality of what was done less that of the random mix; kept: as a share of always
    reasoning; saved: of the cost of always reasoning (of its calls where nothing has a price). promise: whether the share
    asked about was kept."""

    cases: int
    priced: bool
    ways: tuple[Way, ...]
    over_random: Span
    kept: Span
    saved: Span
    curve: tuple[Point, ...] = ()
    promise: Promise | None = None


def prove(cases: Sequence[Case], wanted: Wanted | None = None) -> Proof:
    """Compare; and, where a share is wanted, say whether it was kept. Raises ValueError without cases."""
    if not cases:
        raise ValueError("no case of which both answers were judged")
    went = np.array([case.went for case in cases])
    quality = np.array([[case.general, case.reasoning] for case in cases], dtype=np.float64)
    cost = np.array([[case.general_cost, case.reasoning_cost] for case in cases], dtype=np.float64)
    priced = bool(cost.any())
    if not priced:  # what is compared then is how often the reasoning model is asked
        cost = np.tile([0.0, 1.0], (len(cases), 1))
    done_quality, done_cost = _taken(quality, went), _taken(cost, went)
    for number, case in enumerate(cases):
        if case.done is not None:
            done_quality[number] = case.done[0]
            done_cost[number] = case.done[1] if priced else float(case.went)
    best = (quality[:, 1] > quality[:, 0]) | ((quality[:, 1] == quality[:, 0]) & (cost[:, 1] < cost[:, 0]))
    share = _mix(done_cost.mean(), cost[:, 0].mean(), cost[:, 1].mean())
    mixed = (1 - share) * quality.mean(0)[0] + share * quality.mean(0)[1]
    ways = (
        Way("done", float(done_quality.mean()), float(done_cost.mean()), float(went.mean())),
        Way("always general", *_means(quality[:, 0], cost[:, 0]), 0.0),
        Way("always reasoning", *_means(quality[:, 1], cost[:, 1]), 1.0),
        Way("random at the same cost", float(mixed), float(done_cost.mean()), share),
        Way("oracle", *_means(_taken(quality, best), _taken(cost, best)), float(best.mean())),
    )
    spans = _spans(done_quality, done_cost, quality, cost, ways)
    promise = None if wanted is None else promise_of(done_quality, quality[:, 1], wanted)
    return Proof(len(cases), priced, ways, *spans, curve=_curve(cases, quality, cost), promise=promise)


def _spans(
    done_quality: Numbers, done_cost: Numbers, quality: Numbers, cost: Numbers, ways: tuple[Way, ...]
) -> tuple[Span, Span, Span]:
    """By resampling the cases: each with what was done and what could have been."""
    done, _, reasoning, mixed, _ = ways
    generator = np.random.default_rng(0)
    drawn = np.empty((3, _ROUNDS))
    for number in range(_ROUNDS):
        rows = generator.integers(0, len(quality), len(quality))
        q, c = quality[rows].mean(0), cost[rows].mean(0)
        got, paid = done_quality[rows].mean(), done_cost[rows].mean()
        share = _mix(paid, c[0], c[1])
        drawn[:, number] = got - ((1 - share) * q[0] + share * q[1]), _ratio(got, q[1]), 1 - _ratio(paid, c[1])
    return (
        span_of(done.quality - mixed.quality, drawn[0]),
        span_of(_ratio(done.quality, reasoning.quality), drawn[1]),
        span_of(1 - _ratio(done.cost, reasoning.cost), drawn[2]),
    )


def _curve(cases: Sequence[Case], quality: Numbers, cost: Numbers) -> tuple[Point, ...]:
    gains = [case.gain for case in cases if case.gain is not None]
    if len(gains) < len(cases):
        return ()
    order = np.argsort(-np.array(gains), kind="stable")
    count = len(cases)

    def along(values: Numbers) -> Numbers:
        return (values[:, 0].sum() + np.concatenate([[0.0], np.cumsum((values[:, 1] - values[:, 0])[order])])) / count

    better, dearer = along(quality), along(cost)
    places = sorted({round(count * step / _POINTS) for step in range(_POINTS + 1)})
    return tuple(Point(place / count, float(better[place]), float(dearer[place])) for place in places)


def _taken(values: Numbers, second: NDArray[np.bool_]) -> Numbers:
    return np.where(second, values[:, 1], values[:, 0])


def _means(quality: Numbers, cost: Numbers) -> tuple[float, float]:
    return float(quality.mean()), float(cost.mean())


def _mix(paid: float, least: float, most: float) -> float:
    """The share of reasoning turns at which a random mix costs as much; all of one where costs are alike."""
    return 0.0 if most <= least else float(min(1.0, max(0.0, (paid - least) / (most - least))))


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else 1.0
