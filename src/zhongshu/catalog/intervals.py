"""How sure a comparison is: intervals of rates, means and quantiles, and of the difference of two of them. Pure numbers.

    rate      Wilson's score interval (Wilson 1927)
    mean      normal, by the sample's variance
    quantile  by order statistics: the ranks that a binomial count of turns below it may have
    a - b     from the two intervals, by the method of variance estimates recovery (Zou and Donner 2008), which for
              rates is Newcombe's hybrid score interval (Newcombe 1998, method 10)

Turns of one user resemble each other, and a user stays with its release: `Spread` weighs turns by how much they do
(the design effect of Kish, by the between-group variance of users hashed into groups). With fewer than 20 groups that
cannot be known, and turns are taken as independent.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import msgspec

GROUPS = 256
FEWEST_GROUPS = 20

_NORMAL = NormalDist()
_STEP = 100.0
"""Buckets of a Histogram for a factor of e: each is one in a hundred wide."""


class Interval(msgspec.Struct, frozen=True):
    """An estimate, and the bounds it lies between at some confidence."""

    value: float
    low: float
    high: float


Measure = Callable[[float], Interval]
"""The interval at z standard deviations."""


def z_of(alpha: float) -> float:
    """How many standard deviations leave `alpha` on one side."""
    return _NORMAL.inv_cdf(1 - alpha)


def wilson(share: float, turns: float, z: float) -> Interval:
    """A rate of `share` among `turns` (which need not be whole: they may be weighed)."""
    if turns <= 0:
        return Interval(share, 0.0, 1.0)
    square = z * z / turns
    middle = (share + square / 2) / (1 + square)
    half = z / (1 + square) * math.sqrt(share * (1 - share) / turns + square / (4 * turns))
    return Interval(share, max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share)))


def difference(a: Interval, b: Interval) -> Interval:
    """a - b, of independent samples."""
    value = a.value - b.value
    low = value - math.hypot(a.value - a.low, b.high - b.value)
    return Interval(value, low, value + math.hypot(a.high - a.value, b.value - b.low))


def p_value(a: Measure, b: Measure) -> float:
    """The two-sided level at which the interval of a - b just reaches 0."""

    def excludes(z: float) -> bool:
        between = difference(a(z), b(z))
        return between.low > 0 or between.high < 0

    low, high = 0.0, 8.0
    if not excludes(1e-3):
        return 1.0
    if excludes(high):
        return 0.0
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if excludes(middle) else (low, middle)
    return 2 * (1 - _NORMAL.cdf(low))


class Spread:
    """A sample's count, mean and variance, and how alike the turns of one group are."""

    __slots__ = ("_group_sum", "_group_turns", "_squares", "_sum", "turns")

    def __init__(self) -> None:
        self.turns = 0
        self._sum = 0.0
        self._squares = 0.0
        self._group_turns = [0] * GROUPS
        self._group_sum = [0.0] * GROUPS

    def add(self, group: int, value: float) -> None:
        """One turn of a group's."""
        self.turns += 1
        self._sum += value
        self._squares += value * value
        self._group_turns[group] += 1
        self._group_sum[group] += value

    def join(self, other: Spread) -> None:
        """Take in another sample."""
        self.turns += other.turns
        self._sum += other._sum
        self._squares += other._squares
        for group in range(GROUPS):
            self._group_turns[group] += other._group_turns[group]
            self._group_sum[group] += other._group_sum[group]

    @property
    def total(self) -> float:
        """The sum."""
        return self._sum

    @property
    def mean(self) -> float:
        """0 of nothing."""
        return self._sum / self.turns if self.turns else 0.0

    @property
    def variance(self) -> float:
        """Of one turn."""
        if self.turns < 2:
            return 0.0
        return max(0.0, (self._squares - self.turns * self.mean**2) / (self.turns - 1))

    @property
    def groups(self) -> int:
        """How many groups there were."""
        return sum(turns > 0 for turns in self._group_turns)

    @property
    def weight(self) -> float:
        """How many independent turns these amount to."""
        groups, variance = self.groups, self.variance
        if groups < FEWEST_GROUPS or not variance:
            return float(self.turns)
        mean = self.mean
        between = sum(
            (total - mean * turns) ** 2 for total, turns in zip(self._group_sum, self._group_turns, strict=True)
        )
        effect = groups / (groups - 1) * between / (self.turns * variance)
        return self.turns / max(1.0, effect)

    def rate(self, z: float) -> Interval:
        """The mean of zeros and ones."""
        return wilson(self.mean, self.weight, z)

    def average(self, z: float) -> Interval:
        """The mean."""
        half = z * math.sqrt(self.variance / self.weight) if self.turns > 1 else math.inf
        return Interval(self.mean, self.mean - half, self.mean + half)

    def log_average(self, z: float, least: float = 1.0) -> Interval:
        """The mean's logarithm, for comparing by ratio; what is below `least` counts as that."""
        found = self.average(z)
        return Interval(*(math.log(max(least, part)) for part in (found.value, found.low, found.high)))


class Histogram:
    """How long turns took, kept to a hundredth, whatever their number."""

    __slots__ = ("_counts", "spread")

    def __init__(self) -> None:
        self.spread = Spread()
        self._counts: dict[int, int] = {}

    def add(self, group: int, us: int) -> None:
        """One turn; microseconds."""
        size = math.log(max(1, us))
        self.spread.add(group, size)
        bucket = int(size * _STEP)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1

    def join(self, other: Histogram) -> None:
        """Take in another."""
        self.spread.join(other.spread)
        for bucket, count in other._counts.items():
            self._counts[bucket] = self._counts.get(bucket, 0) + count

    def quantile(self, part: float) -> Measure:
        """The logarithm of the value that `part` of all turns stay below."""
        turns, weight = self.spread.turns, self.spread.weight
        sorted_counts = sorted(self._counts.items())

        def at(share: float) -> float:
            rank, seen = math.ceil(share * turns), 0
            for bucket, count in sorted_counts:
                seen += count
                if seen >= rank:
                    return (bucket + 0.5) / _STEP
            return math.inf

        def measured(z: float) -> Interval:
            if not turns:
                return Interval(0.0, -math.inf, math.inf)
            half = z * math.sqrt(part * (1 - part) / weight)
            low = at(part - half) if part - half > 0 else -math.inf
            high = at(part + half) if part + half < 1 else math.inf
            return Interval(at(part), low, high)

        return measured
