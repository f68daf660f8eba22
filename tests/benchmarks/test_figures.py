"""Medians, percentiles and slopes."""

from __future__ import annotations

import random

import pytest

from benchmarks import figures


@pytest.mark.parametrize(
    ("samples", "share", "expected"),
    [
        ([5.0], 0.99, 5.0),
        ([3.0, 1.0, 2.0], 0.0, 1.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([3.0, 1.0, 2.0], 1.0, 3.0),
        ([float(n) for n in range(101)], 0.99, 99.0),
        ([], 0.5, None),
    ],
)
def test_percentile_is_the_nearest_rank(samples: list[float], share: float, expected: float | None) -> None:
    assert figures.percentile(samples, share) == expected


def test_percentile_refuses_a_share_that_is_none() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        figures.percentile([1.0], 99)


def test_median_of_nothing_is_none() -> None:
    assert figures.median([]) is None
    assert figures.median([1.0, 9.0, 2.0]) == 2.0


def test_slope_of_a_straight_line_is_exact() -> None:
    line = figures.slope([(x, 7.0 + 3.0 * x) for x in range(10)])

    assert line is not None
    assert line.value == pytest.approx(3.0)
    assert line.low == pytest.approx(3.0)
    assert line.high == pytest.approx(3.0)


def test_interval_holds_the_true_slope_about_as_often_as_it_says() -> None:
    noise = random.Random(7)
    held = 0
    for _ in range(400):
        line = figures.slope([(x, 0.5 * x + noise.gauss(0, 4)) for x in range(24)])
        assert line is not None
        held += line.low <= 0.5 <= line.high

    assert 0.91 <= held / 400 <= 0.98


@pytest.mark.parametrize("points", [[], [(0.0, 1.0), (1.0, 2.0)], [(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]])
def test_no_slope_without_a_line(points: list[tuple[float, float]]) -> None:
    assert figures.slope(points) is None


def test_blocks_average_what_lies_together() -> None:
    points = [(0.0, 1.0), (9.0, 3.0), (10.0, 5.0), (35.0, 7.0)]

    assert figures.blocks(points, 10.0) == [(4.5, 2.0), (10.0, 5.0), (35.0, 7.0)]
