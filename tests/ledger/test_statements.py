"""Statements add up: to the records in billionths, and as printed to the cent."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhongshu.core.answers import Usage
from zhongshu.core.clock import FakeClock
from zhongshu.core.money import Exchange, Rate
from zhongshu.core.records import Record
from zhongshu.core.times import month_bounds
from zhongshu.ledger.index import Index
from zhongshu.ledger.indexing import Indexer
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.settings import LedgerSettings
from zhongshu.ledger.statements import BYS, CENT_NANO, apportion, as_csv, cents_text, statement

Make = Callable[..., Record]
NOVEMBER = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp()) * 10**9
DAY = 86_400 * 10**9
DOLLARS = Exchange("CNY", (Rate(0, "USD", "7.1"), Rate(NOVEMBER + 15 * DAY, "USD", "7.2")))


def fill(home: Path, records: list[Record], *, indexed: int = 0) -> Index:
    home.mkdir(mode=0o700, exist_ok=True)

    async def write(part: list[Record]) -> None:
        journal = open_journal(LedgerSettings(min_free_bytes=0), home, "w0", FakeClock())
        for record in part:
            await journal.write(record)
        await journal.aclose()

    asyncio.run(write(records[:indexed]))
    if indexed:
        indexer = Indexer(home)
        while indexer.advance():
            pass
        indexer.close()
    asyncio.run(write(records[indexed:]))
    return Index(home)


@given(nanos=st.lists(st.integers(0, 10**12), max_size=40))
def test_cents_add_up_and_none_is_off_by_one(nanos: list[int]) -> None:
    cents = apportion(nanos)
    assert abs(sum(nanos) - sum(cents) * CENT_NANO) * 2 <= CENT_NANO
    assert all(abs(cent * CENT_NANO - nano) < CENT_NANO for cent, nano in zip(cents, nanos, strict=True))


@pytest.mark.parametrize(
    ("nanos", "cents"),
    [
        ([3_333_333] * 3, [1, 0, 0]),  # a hundredth in all: one line has it
        ([4_000_000, 4_000_000], [1, 0]),
        ([4_999_999], [0]),
        ([5_000_000], [1]),
        ([], []),
        ([10_000_000, 20_000_000], [1, 2]),
    ],
)
def test_what_rounding_leaves_goes_to_the_largest_remainder(nanos: list[int], cents: list[int]) -> None:
    assert apportion(nanos) == cents


turn = st.fixed_dictionaries(
    {
        "tenant": st.sampled_from(["acme", "other"]),
        "key_id": st.sampled_from(["k1", "k2"]),
        "user": st.sampled_from([None, "李雷", "=1+1"]),
        "asked": st.sampled_from(["fast", "deep"]),
        "release": st.sampled_from(["", "fast@1", "deep@2"]),
        "outcome": st.sampled_from(["answered", "refused", "failed", "left", "cut"]),
        "usage": st.builds(Usage, *[st.integers(0, 5000)] * 4),
        "cost_nano": st.integers(0, 10**11),
        "currency": st.sampled_from(["CNY", "USD"]),
        "saved_nano": st.sampled_from([0, 7]),
        "shadow_of": st.sampled_from(["", "", "0" * 32]),
        "at_ns": st.integers(NOVEMBER - DAY, NOVEMBER + 31 * DAY),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(turns=st.lists(turn, max_size=30), by=st.sampled_from(BYS), indexed=st.integers(0, 30))
def test_a_statement_is_the_sum_of_its_records(
    turns: list[dict[str, object]], by: str, indexed: int, make: Make, tmp_path_factory: pytest.TempPathFactory
) -> None:
    records = [make(number, **values) for number, values in enumerate(turns)]
    made = statement(fill(tmp_path_factory.mktemp("home"), records, indexed=indexed), "acme", "2026-11", by, DOLLARS)  # type: ignore[arg-type]
    since_ns, until_ns = month_bounds("2026-11")
    mine = [r for r in records if r.tenant == "acme" and since_ns <= r.at_ns < until_ns]
    charged = [r for r in mine if not r.shadow_of]
    for currency in ("CNY", "USD"):
        exact = sum(r.cost_nano for r in charged if r.currency == currency)
        lines = [line for line in made.lines if line.currency == currency]
        assert sum(line.cost_nano for line in lines) == exact
        total = [total for total in made.totals if total.currency == currency]
        assert sum(t.cost_nano for t in total) == exact
        assert sum(t.cents for t in total) == sum(line.cents for line in lines)
        assert abs(sum(t.cents for t in total) * CENT_NANO - exact) * 2 <= CENT_NANO
        shadow = [line for line in made.shadows if line.currency == currency]
        assert sum(s.cost_nano for s in shadow) == sum(
            r.cost_nano for r in mine if r.shadow_of and r.currency == currency
        )
    assert sum(line.turns for line in made.lines) == len(charged)
    for name in ("prompt", "cached", "completion", "thinking"):
        assert sum(getattr(line, f"{name}_tokens") for line in made.lines) == sum(
            getattr(r.usage, name) for r in charged
        )
    assert sum(line.saved_nano for line in made.lines) == sum(r.saved_nano for r in charged)
    assert made.converted_nano is not None
    rows = list(csv.DictReader(io.StringIO(b"".join(as_csv(made)).decode("utf-8-sig"))))
    for currency in ("CNY", "USD"):
        printed = {
            kind: [r["cost"] for r in rows if r["kind"] == kind and r["currency"] == currency]
            for kind in ("line", "total")
        }
        assert sum(cents(c) for c in printed["line"]) == sum(cents(c) for c in printed["total"])
    assert not any(row["name"].startswith("=") for row in rows)


def cents(printed: str) -> int:
    units, _, hundredths = printed.partition(".")
    return int(units) * 100 + int(hundredths)


def test_currencies_stand_apart_and_are_converted_day_by_day(make: Make, tmp_path: Path) -> None:
    records = [
        make(1, at_ns=NOVEMBER, cost_nano=10**9),
        make(2, at_ns=NOVEMBER + DAY, cost_nano=10**9, currency="USD"),
        make(3, at_ns=NOVEMBER + 20 * DAY, cost_nano=10**9, currency="USD"),
        make(4, at_ns=NOVEMBER, cost_nano=0, outcome="refused", release="", asked="qwen"),
    ]
    index = fill(tmp_path / "home", records)
    made = statement(index, "acme", "2026-11", "model", DOLLARS)
    assert [(t.currency, t.cents, t.turns) for t in made.totals] == [("CNY", 100, 2), ("USD", 200, 2)]
    assert (made.converted_nano, made.converted_cents) == (10**9 + 7_100_000_000 + 7_200_000_000, 1530)
    unknown = statement(index, "acme", "2026-11", "model", Exchange("CNY"))
    assert (unknown.converted_nano, unknown.converted_cents) == (None, None)
    # what was refused cost nothing in any currency and does not make a line of its own
    alone = fill(tmp_path / "usd", [make(1, at_ns=NOVEMBER, currency="USD"), make(2, at_ns=NOVEMBER, cost_nano=0)])
    assert [(line.currency, line.turns) for line in statement(alone, "acme", "2026-11").lines] == [("USD", 2)]


def test_an_empty_month_and_no_month(tmp_path: Path) -> None:
    made = statement(fill(tmp_path / "home", []), "acme", "2026-12")
    assert (made.lines, made.totals, made.converted_nano) == ((), (), 0)
    assert made.until_ns == month_bounds("2027-01")[0]
    for month in ("2026-13", "26-1", "2026-1", "", "2026-11-01"):
        with pytest.raises(ValueError, match="2026-11"):
            statement(Index(tmp_path), "acme", month)


def test_cents_are_printed_with_two_decimals() -> None:
    assert [cents_text(c) for c in (0, 5, 50, 12345)] == ["0.00", "0.05", "0.50", "123.45"]
