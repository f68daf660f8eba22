"""Moments, days and months are those of the calendar, UTC."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.core.times import DAY_NS, SECOND_NS, date_of, month_bounds, month_of, ns_of

moments = st.integers(min_value=0, max_value=4_000_000_000 * SECOND_NS)


@given(moments)
def test_a_month_holds_its_moments(at_ns: int) -> None:
    assert month_of(at_ns) == time.strftime("%Y-%m", time.gmtime(at_ns // SECOND_NS))
    begin_ns, end_ns = month_bounds(month_of(at_ns))
    assert begin_ns <= at_ns < end_ns
    assert 28 * DAY_NS <= end_ns - begin_ns <= 31 * DAY_NS


@pytest.mark.parametrize("month", ["2026-13", "26-1", "2026-1", "", "2026-11-01", "0000-01"])
def test_what_is_no_month(month: str) -> None:
    with pytest.raises(ValueError, match="give a month"):
        month_bounds(month)


@given(moments)
def test_to_the_second_there_and_back(at_ns: int) -> None:
    assert ns_of(date_of(at_ns)) == at_ns // SECOND_NS * SECOND_NS


def test_a_date_without_a_zone_is_utc() -> None:
    eight = timezone(timedelta(hours=8))
    assert ns_of(datetime(2026, 11, 1)) == ns_of(datetime(2026, 11, 1, tzinfo=UTC))
    assert ns_of(datetime(2026, 11, 1, 8, tzinfo=eight)) == ns_of(datetime(2026, 11, 1, tzinfo=UTC))
