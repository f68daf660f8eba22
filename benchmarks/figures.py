"""Figures out of samples: medians, percentiles, and a slope with its confidence interval. Knows nothing of servers."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import msgspec

# Two-sided 95% points of Student's t for 1 to 30 degrees of freedom (any table of the distribution).
_T95 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
    2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


class Slope(msgspec.Struct, frozen=True):
    """A least-squares slope and the ends of its 95% confidence interval, in units of y for one unit of x."""

    value: float
    low: float
    high: float


def median(samples: Sequence[float]) -> float | None:
    """The median, or None of nothing."""
    return statistics.median(samples) if samples else None


def percentile(samples: Sequence[float], share: float) -> float | None:
    """The sample at `share` (0 to 1) of the sorted samples, nearest rank; None of nothing."""
    if not 0 <= share <= 1:
        raise ValueError("share: give a number between 0 and 1")
    if not samples:
        return None
    return sorted(samples)[round(share * (len(samples) - 1))]


def blocks(points: Sequence[tuple[float, float]], width: float) -> list[tuple[float, float]]:
    """Points (x, y) averaged over runs of `width` in x, so that neighbours say something new.

    Samples of memory taken seconds apart repeat one another; a regression over them all would be too sure of itself.
    """
    grouped: dict[int, list[tuple[float, float]]] = {}
    for point in points:
        grouped.setdefault(int(point[0] // width), []).append(point)
    return [
        (statistics.fmean(x for x, _ in group), statistics.fmean(y for _, y in group))
        for _, group in sorted(grouped.items())
    ]


def slope(points: Sequence[tuple[float, float]]) -> Slope | None:
    """The least-squares slope through points (x, y) with its 95% interval; None for fewer than three points."""
    if len(points) < 3:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    mean_x, mean_y = statistics.fmean(xs), statistics.fmean(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    if spread == 0:
        return None
    value = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    residue = sum((y - mean_y - value * (x - mean_x)) ** 2 for x, y in points)
    freedom = len(points) - 2
    error = math.sqrt(residue / freedom / spread)
    reach = error * (_T95[freedom - 1] if freedom <= len(_T95) else 1.96)
    return Slope(value, value - reach, value + reach)
