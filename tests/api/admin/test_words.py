"""Money, moments and cursors survive the way out and back in."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.api.admin.words import MOST_NS, cursor_of, moment, nanoseconds, page, place_of
from zhongshu.core.money import money_nano, money_text
from zhongshu.core.problems import Fault


@given(st.integers(0, 10**18 - 1))
def test_money_there_and_back(amount):
    assert money_nano(money_text(amount)) == amount


@given(st.integers(0, MOST_NS // 1000 - 1))
def test_moments_there_and_back(micros):
    assert nanoseconds(moment(micros * 1000)) == micros * 1000


@pytest.mark.parametrize(("at", "ns"), [(datetime.min, 0), (datetime.max.replace(tzinfo=UTC), MOST_NS), (None, None)])
def test_moments_beyond_what_the_ledger_counts(at, ns):
    assert nanoseconds(at) == ns


@given(st.text())
def test_cursors_there_and_back(place):
    assert place_of(cursor_of(place), str) == place


@given(st.text())
def test_no_text_as_a_cursor_breaks_anything(cursor):
    with contextlib.suppress(Fault):
        assert isinstance(place_of(cursor, str), str)


@given(st.lists(st.text(), unique=True), st.integers(1, 5))
def test_pages_hold_each_row_once(rows, limit):
    seen, cursor = [], None
    while True:
        found, cursor = page(rows, lambda row: row, limit, cursor)
        seen += found
        if cursor is None:
            break
    assert seen == rows
