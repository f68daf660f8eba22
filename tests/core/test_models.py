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


@pytest.mark.parametrize(
    ("price", "usage", "nano"),
    [
        (Price(search_unit=0.002, currency="USD"), Usage(searches=3), 6_000_000),
        (Price(search_unit=0.002), Usage(prompt=9), 0),
        (Price(search_unit=0.002, request=0.001, input=1.0), Usage(prompt=9, searches=1), 3_009_000),
        (Price(request=0.001), Usage(searches=1), 1_000_000),
        (Price(input=1.0), Usage(searches=5), 0),
    ],
)
def test_searches_of_a_reranker(price, usage, nano):
    assert price.cost_nano(usage) == nano


def test_a_turn_reserves_one_search():
    assert Price(search_unit=0.002).most_nano(100, 0) == 2_000_000
    assert not Price(search_unit=0.002).free
