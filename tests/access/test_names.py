"""Budget periods are calendar days and months, UTC."""

from datetime import UTC, datetime

import pytest

from zhongshu.access.names import FOREVER_NS, period_end_ns, purse_name, rate_name


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


@pytest.mark.parametrize(
    ("period", "at", "name", "end"),
    [
        ("day", "2026-11-21T12:00", "key/k/2026-11-21", "2026-11-22"),
        ("day", "2026-11-21T00:00", "key/k/2026-11-21", "2026-11-22"),
        ("day", "2024-02-28T23:59:59", "key/k/2024-02-28", "2024-02-29"),
        ("month", "2026-01-31T12:00", "key/k/2026-01", "2026-02-01"),
        ("month", "2026-12-31T23:59:59", "key/k/2026-12", "2027-01-01"),
        ("month", "2024-02-01T00:00", "key/k/2024-02", "2024-03-01"),
    ],
)
def test_a_period_has_a_name_and_an_end(period: str, at: str, name: str, end: str):
    assert purse_name("key", "k", period, ns(at)) == name
    assert period_end_ns(period, ns(at)) == ns(end)
    assert purse_name("key", "k", period, ns(end) - 1) == name
    assert purse_name("key", "k", period, ns(end)) != name


def test_a_total_never_ends():
    assert purse_name("tenant", "t", "total", ns("2026-11-21")) == "tenant/t/total"
    assert period_end_ns("total", ns("2026-11-21")) == FOREVER_NS


def test_rates_are_apart():
    assert rate_name("key", "k", "requests") != rate_name("tenant", "k", "requests")
