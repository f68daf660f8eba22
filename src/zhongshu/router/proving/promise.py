"""How sure one may be that a share of the reasoning model's accuracy is kept. Pure functions of numbers.

A row's margin is how right the answer was, less the wanted share of how right the reasoning model was: the share is kept
exactly where the mean margin of all turns is nothing or more. Both tests are one-sided and by the normal approximation, with one row
added that speaks against what is tested: without it, a few rows on which nothing went wrong would prove anything (with
it they prove about what the rule of three allows).
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from zhongshu.core.problems import Said

Numbers = NDArray[np.float64]
State = Literal["kept", "broken", "open"]

CONFIDENCE = 0.95
"""How sure one wants to be where nobody says."""

LEAST_CONFIDENCE, MOST_CONFIDENCE = 0.5, 0.9999
"""Less is no confidence; for more the normal approximation is not good enough."""

MOST_ROWS = 1_000_000
"""Beyond this, rows are not worth waiting for."""


class Wanted(msgspec.Struct, frozen=True):
    """The share of the reasoning model's accuracy to keep, 0 to 1, and how sure one wants to be of it, LEAST_CONFIDENCE to
    MOST_CONFIDENCE."""

    quality: float
    confidence: float = CONFIDENCE


class Promise(msgspec.Struct, frozen=True):
    """Whether `quality` of the reasoning model's accuracy was kept. state: "kept" and "broken" are wrong of at most one in
    1 / (1 - confidence) periods; "open": these rows do not tell. rows: how many there are; needed: about how many would
    tell if they go on like these, None where there is no telling."""

    quality: float
    confidence: float
    state: State
    rows: int
    needed: int | None
    said: Said


def promise_of(done: Numbers, reasoning: Numbers, wanted: Wanted) -> Promise:
    """The promise, by how right each answer and the reasoning model's were, 0 to 1, at least one of them."""
    quality, confidence = wanted.quality, wanted.confidence
    margins = done - quality * reasoning
    total, squares, rows = float(margins.sum()), float((margins**2).sum()), len(margins)
    state: State = "open"
    more: int | None = None
    if least(total, squares, rows, quality, confidence) >= 0:
        state = "kept"
    elif least(-total, squares, rows, 1.0, confidence) > 0:
        state = "broken"
    else:
        more = needed(abs(total), squares, rows, quality if total >= 0 else 1.0, confidence)
    return Promise(quality, confidence, state, rows, more, _said(state, wanted, rows, more))


def untold(wanted: Wanted) -> Said:
    """Where nothing was judged."""
    share = f"{100 * wanted.quality:.4g}%"
    return Said(
        f"Whether {share} of the reasoning model's accuracy was kept cannot be told: no turn has both answers judged.",
        f"无法判断是否保持推理模型准确率的 {share}：没有两个回答均已评判的请求。",
    )


def _said(state: State, wanted: Wanted, rows: int, more: int | None) -> Said:
    share, sure = f"{100 * wanted.quality:.4g}%", f"{100 * wanted.confidence:.4g}%"
    if state == "kept":
        return Said(
            f"{share} of the reasoning model's accuracy was kept: {sure} sure, on {rows} judged cases.",
            f"已保持推理模型准确率的 {share}：把握 {sure}，依据 {rows} 个已评判的请求。",
        )
    if state == "broken":
        return Said(
            f"{share} of the reasoning model's accuracy was NOT kept: {sure} sure, on {rows} judged cases. Look for a higher "
            "dial with `zhongshu route tune`.",
            f"未能保持推理模型准确率的 {share}：把握 {sure}，依据 {rows} 个已评判的请求。请用 `zhongshu route tune` 求更高的档位。",
        )
    if more is None:
        return Said(
            f"Whether {share} of the reasoning model's accuracy was kept cannot be told: {rows} judged cases are on the very edge.",
            f"无法判断是否保持推理模型准确率的 {share}：{rows} 个已评判的请求恰在边界上。",
        )
    return Said(
        f"Whether {share} of the reasoning model's accuracy was kept cannot be told yet with {rows} judged cases: to be "
        f"{sure} sure takes about {more}.",
        f"尚无法判断是否保持推理模型准确率的 {share}：已评判的请求只有 {rows} 个，要有 {sure} 的把握约需 {more} 个。",
    )


def bounds(total: Numbers, squares: Numbers, rows: int, worst: float, confidence: float) -> Numbers:
    """What the mean is at least, with this confidence, of values whose sum and sum of squares these are; one at -worst is
    added to them."""
    mean = (total - worst) / (rows + 1)
    variance = np.maximum((squares + worst**2) / (rows + 1) - mean**2, 0.0)
    return mean - NormalDist().inv_cdf(confidence) * np.sqrt(variance / (rows + 1))


def least(total: float, squares: float, rows: int, worst: float, confidence: float) -> float:
    """`bounds` of one sum."""
    return float(bounds(np.array([total]), np.array([squares]), rows, worst, confidence)[0])


def needed(total: float, squares: float, rows: int, worst: float, confidence: float) -> int | None:
    """About how many rows like these put the mean above nothing, to two figures; None where no number would."""

    def enough(count: int) -> bool:
        return least(total * count / rows, squares * count / rows, count, worst, confidence) >= 0

    if total <= 0 or not enough(MOST_ROWS):
        return None
    low, high = 0, MOST_ROWS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    step = 10 ** max(0, math.floor(math.log10(high)) - 1)
    return math.ceil(high / step) * step
