"""Erasing texts: never inside the lock but on a lawful request, always recorded, and for good."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zhongshu.core.clock import FakeClock
from zhongshu.core.records import Record
from zhongshu.ledger.erasure import Locked, erase, locked
from zhongshu.ledger.index import Index
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.payloads import Happening
from zhongshu.ledger.settings import LedgerSettings
from zhongshu.ledger.verify import verify

Make = Callable[..., Record]


@pytest.mark.parametrize(
    ("days_after_the_month", "inside"), [(-5, True), (0, True), (182, True), (183, False), (400, False)]
)
def test_the_lock_counts_from_the_end_of_the_month(days_after_the_month: int, inside: bool) -> None:
    december_first = 1_701_388_800 * 10**9
    assert locked("2023-11", december_first + days_after_the_month * 86_400 * 10**9) is inside


@pytest.mark.parametrize("month", ["2023", "2023-13", "2023-1", "November", ""])
def test_a_month_is_a_month(month: str) -> None:
    with pytest.raises(ValueError, match="month"):
        locked(month, 0)


async def test_erasing_takes_the_texts_and_leaves_the_records(
    settings: LedgerSettings, home: Path, clock: FakeClock, make: Make
) -> None:
    journal = open_journal(settings, home, "w0", clock)
    await journal.write(make(1))
    await journal.write(make(2, tenant="other"))
    await journal.aclose()
    facts = {"tenant": "acme", "month": "2023-11", "reason": "request 4711"}
    with pytest.raises(Locked):
        await erase(settings, home, clock, **facts, lawful_request=False)
    assert await erase(settings, home, clock, **facts, lawful_request=True) == 1
    assert await erase(settings, home, clock, **facts, lawful_request=True) == 0

    index = Index(home)
    gone, other = index.show(make(1).trace, text=True), index.show(make(2).trace, text=True)
    assert gone
    assert other
    assert (gone.text_state, gone.texts, gone.record.user) == ("erased", None, "李雷")
    assert other.text_state == "open"
    (event,) = index.events()
    assert event.content == Happening("texts_erased", clock.wall, {**facts, "lawful_request": "yes"})
    assert verify(home).ok
