"""Prices come out to the billionth, always rounded against the house's loss."""

import pytest

from zhongshu.core.answers import Usage
from zhongshu.core.models import Price


@pytest.mark.parametrize(
    ("price", "usage", "nano"),
    [
        (Price(input=2, output=8), Usage(prompt=1_000_000, completion=1_000_000), 10_000_000_000),
        (Price(input=0.14, output=0.28), Usage(prompt=1, completion=0), 140),
        (Price(input=0.0145), Usage(prompt=1), 15),  # 14.5 billionths, rounded up
        (Price(input=2, cached_input=0.5), Usage(prompt=100, cached=40), 60 * 2000 + 40 * 500),
        (Price(output=8, thinking=4), Usage(completion=10, thinking=4), 6 * 8000 + 4 * 4000),
        (Price(), Usage(prompt=10**9, completion=10**9), 0),
    ],
)
def test_cost(price, usage, nano):
    assert price.cost_nano(usage) == nano
