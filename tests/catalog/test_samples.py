"""The book of samples: what is set aside holds for every worker."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from zhongshu.catalog.samples import DAY_NS, Sample, SampleBook
from zhongshu.core.clock import FakeClock
from zhongshu.storage.database import open_database

NOON = 20_000 * DAY_NS + DAY_NS // 2


def sample(trace: str, **more: object) -> Sample:
    made = Sample(trace, trace[::-1], "t", NOON, True, "deep@1", "small@1", "lookup", 0.2, 5, 3, 1, "judged", 1.0, 1.0)
    return msgspec.structs.replace(made, **more)


def spent(book: SampleBook, nano: int) -> bool:
    """Whether this is what samples of the day have cost: one that takes the rest of a ceiling is let in, one that takes
    more is not."""
    return not book.reserve("e" * 32, NOON, 101, nano + 100) and book.reserve("f" * 32, NOON, 100, nano + 100)


def test_workers_that_reserve_at_once_never_pass_the_ceiling(tmp_path: Path) -> None:
    databases = [open_database(tmp_path / "state.db") for _ in range(2)]
    books = [SampleBook(database, FakeClock(NOON)) for database in databases]
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda n: books[n % 2].reserve(f"{n:032x}", NOON, 10, 35), range(16)))
    assert got.count(True) == 3
    assert spent(books[0], 30)
    for database in databases:
        database.close()


def test_what_was_set_aside_becomes_the_sample_and_is_none_before(tmp_path: Path) -> None:
    database = open_database(tmp_path / "state.db")
    book = SampleBook(database, FakeClock(NOON))
    assert book.reserve("a" * 32, NOON, 10, 15)
    assert not book.reserve("a" * 32, NOON, 1, 15), "a turn is sampled once"
    assert not book.reserve("b" * 32, NOON, 10, 15)
    assert (book.find(), book.of("a" * 32)) == ((), None)
    book.keep(sample("a" * 32))
    assert book.find() == (sample("a" * 32),)
    assert book.reserve("b" * 32, NOON, 10, 15)
    assert spent(book, 14)
    database.close()


def test_a_day_is_the_turn_s_own(tmp_path: Path) -> None:
    """A turn of yesterday that is sampled past midnight counts as yesterday's."""
    database = open_database(tmp_path / "state.db")
    book = SampleBook(database, FakeClock(NOON))
    yesterday = NOON - DAY_NS
    assert book.reserve("a" * 32, yesterday, 10, 15)
    assert not book.reserve("b" * 32, yesterday, 10, 15)
    assert book.reserve("c" * 32, NOON, 10, 15)
    assert spent(book, 10)
    database.close()


def test_samples_of_auto_and_of_assistants_are_found_apart(tmp_path: Path) -> None:
    database = open_database(tmp_path / "state.db")
    book = SampleBook(database, FakeClock(NOON))
    theirs = sample("b" * 32, asked="helpdesk", done=0.5, general_nano=1, reasoning_nano=2)
    for one in (sample("a" * 32), theirs):
        book.keep(one)
    assert book.find(asked="helpdesk") == (theirs,)
    assert [one.trace for one in book.find(asked="auto")] == ["a" * 32]
    assert len(book.find()) == 2
    database.close()
