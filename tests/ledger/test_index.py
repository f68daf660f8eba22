"""Looking back: what was acknowledged is found at once, indexed or not, once."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from zhongshu.core.clock import FakeClock
from zhongshu.core.records import Record
from zhongshu.ledger.index import Index, Spent, open_index
from zhongshu.ledger.indexing import Indexer
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.payloads import Happening
from zhongshu.ledger.queries import COLUMNS, FILTERS, GROUPS
from zhongshu.ledger.rows import EventFilter, Filter, conditions, group_key
from zhongshu.ledger.segments import segment_path, segments, stream_folder
from zhongshu.ledger.settings import LedgerSettings

Make = Callable[..., Record]
HERE = Path(__file__).parent
VARIED = (
    {},
    {"tenant": "other", "key_id": "k2", "cost_nano": 5},
    {"outcome": "failed", "error": "upstream_timeout", "release": "", "served": "", "asked": "nothing"},
    {"release": "deep@2", "upstream": "cloud", "user": None, "currency": "USD"},
)


async def write(home: Path, clock: FakeClock, records: list[Record], stream: str = "w0") -> None:
    journal = open_journal(LedgerSettings(min_free_bytes=0, segment_bytes=8192), home, stream, clock)
    await asyncio.gather(*(journal.write(record) for record in records))
    await journal.aclose()


def index_all(home: Path) -> None:
    indexer = Indexer(home)
    while indexer.advance():
        pass
    indexer.close()


@pytest.fixture(params=["all indexed", "half indexed", "nothing indexed"])
def index(request: pytest.FixtureRequest, settings: LedgerSettings, home: Path, clock: FakeClock, make: Make) -> Index:
    """20 turns of two streams, and an index that knows all, half or none of them. All must answer alike."""
    records = [make(n, **VARIED[n % len(VARIED)]) for n in range(20)]
    asyncio.run(write(home, clock, records[:10], "w0"))
    if request.param == "half indexed":
        index_all(home)
    clock.advance(100)
    asyncio.run(write(home, clock, records[10:], "w1"))
    if request.param == "all indexed":
        index_all(home)
    return open_index(settings, home)


def test_the_newest_are_listed_oldest_first(index: Index, make: Make) -> None:
    assert [row.trace for row in index.tail(3)] == [make(n).trace for n in (17, 18, 19)]
    assert len(index.tail(100)) == 20


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (Filter(), 20),
        (Filter(tenant="other"), 5),
        (Filter(key="k1"), 15),
        (Filter(user="李雷"), 15),
        (Filter(model="deep"), 5),
        (Filter(model="deep@2"), 5),
        (Filter(model="nothing"), 5),
        (Filter(model="qwen"), 15),
        (Filter(release="qwen@1"), 10),
        (Filter(upstream="cloud"), 5),
        (Filter(outcome="failed", tenant="acme"), 5),
        (Filter(error="upstream_timeout"), 5),
        (Filter(since_ns=1_700_000_000_000_000_015), 5),
        (Filter(until_ns=1_700_000_000_000_000_015), 15),
        (Filter(tenant="nobody"), 0),
    ],
)
def test_filters_keep_what_they_say(index: Index, wanted: Filter, count: int) -> None:
    assert len(index.find(wanted)) == index.count(wanted) == len(list(index.each(wanted))) == count


def test_filters_and_groups_are_the_same_in_sql_and_in_memory() -> None:
    everything = Filter(**dict.fromkeys(FILTERS, "x"))  # type: ignore[arg-type]
    assert conditions(everything).keys() == FILTERS.keys()
    with pytest.raises(KeyError):
        group_key(None, ("nonsense",))  # type: ignore[arg-type]


@pytest.mark.parametrize("group", sorted(GROUPS))
def test_totals_are_the_same_however_they_are_grouped(index: Index, group: str) -> None:
    sums = index.stats((group,))
    assert sum(row.turns for row in sums) == 20
    assert sum(row.prompt_tokens for row in sums) == 200
    assert sum(row.failed for row in sums) == 5
    assert max(row.slowest_us for row in sums) == 900


def test_totals_by_two_groups(index: Index) -> None:
    sums = index.stats(("tenant", "model"))
    assert [(row.group, row.currency, row.turns) for row in sums] == [
        (("acme", "deep"), "USD", 5),
        (("acme", "nothing"), "CNY", 5),
        (("acme", "qwen"), "CNY", 5),
        (("other", "qwen"), "CNY", 5),
    ]
    assert [(row.group, row.turns) for row in index.stats((), Filter(tenant="other"))] == [((), 5)]


def test_texts_are_searched_inside(index: Index, make: Make) -> None:
    (found,) = index.find(Filter(text="hello 13"))
    assert found.trace == make(13).trace
    assert len(index.find(Filter(text="hello", tenant="other"), limit=3)) == 3
    assert index.find(Filter(text="goodbye")) == []


def test_a_turn_is_shown_whole(index: Index, make: Make) -> None:
    shown = index.show(make(5).trace, text=True)
    assert shown
    assert shown.texts
    assert (shown.record.usage, shown.text_state, shown.texts.prompt) == (make(5).usage, "open", make(5).prompt)
    closed = index.show(make(5).trace)
    assert closed
    assert (closed.text_state, closed.texts) == ("sealed", None)
    assert index.show("0" * 31 + "x") is None


def test_spending_is_told_by_key_from_a_moment_on(index: Index, clock: FakeClock) -> None:
    begun = FakeClock().wall
    assert index.spent("w0", begun) == (
        Spent("acme", "k1", "", "auto", "2023-11-14", "USD", 2 * 1000 + 3 + 7),
        Spent("acme", "k1", "李雷", "auto", "2023-11-14", "CNY", 3 * 1000 + 0 + 4 + 8),
        Spent("acme", "k1", "李雷", "nothing", "2023-11-14", "CNY", 2 * 1000 + 2 + 6),
        Spent("other", "k2", "李雷", "auto", "2023-11-14", "CNY", 15),
    )
    assert index.spent("w0", begun + 10) == ()
    assert sum(spent.cost_nano for spent in index.spent("w1", begun + 10)) > 0
    assert index.spent("nobody", 0) == ()


def test_following_tells_only_what_is_new(index: Index, home: Path, clock: FakeClock, make: Make) -> None:
    following = index.follow()
    assert next(following) is None
    asyncio.run(write(home, clock, [make(77)], "w2"))
    row = next(following)
    assert row
    assert row.trace == make(77).trace
    assert next(following) is None


def test_escaped_text_is_found_as_a_person_reads_it(
    settings: LedgerSettings, home: Path, clock: FakeClock, make: Make
) -> None:
    asyncio.run(write(home, clock, [make(1, prompt=b'{"content":"\\u4f60\\u597d"}')]))
    assert len(open_index(settings, home).find(Filter(text="你好"))) == 1


def test_indexers_killed_at_any_moment_neither_lose_nor_double(home: Path, clock: FakeClock, make: Make) -> None:
    asyncio.run(write(home, clock, [make(n) for n in range(700)]))
    done = subprocess.run(
        [sys.executable, str(HERE / "killing.py"), "index", str(home), "20", "3"], capture_output=True, check=True
    )
    assert json.loads(done.stdout) > 0
    index_all(home)
    traces = [row.trace for row in Index(home).each(Filter())]
    assert sorted(traces) == [make(n).trace for n in range(700)]


def test_frames_that_a_failed_sync_took_back_leave_the_index(home: Path, clock: FakeClock, make: Make) -> None:
    asyncio.run(write(home, clock, [make(0), make(1)]))
    path = segment_path(stream_folder(home, "w0"), 1)
    kept = path.stat().st_size
    asyncio.run(write(home, clock, [make(2)]))
    # as if frame 2 of segment 1 had been seen by the indexer and then been cut off
    segment_path(stream_folder(home, "w0"), 2).unlink()
    index_all(home)
    from zhongshu.ledger.segments import Scan

    last = list(Scan(path))[-1]
    with path.open("r+b") as file:
        file.truncate(kept - (last.end - last.offset))
    asyncio.run(write(home, clock, [make(3)]))
    index_all(home)
    assert [row.trace for row in Index(home).each(Filter())] == [make(0).trace, make(3).trace]


def test_a_home_without_a_journal_has_no_turns(settings: LedgerSettings, home: Path) -> None:
    index = open_index(settings, home)
    assert index.tail() == []
    assert index.stats(("tenant",)) == []
    assert segments(stream_folder(home, "w0")) == []


def test_fields_a_newer_record_has_are_blank_in_old_segments(home: Path, clock: FakeClock, make: Make) -> None:
    import msgspec

    from zhongshu.ledger.frames import Frame
    from zhongshu.ledger.payloads import FIELDS, decode, encode_turn
    from zhongshu.ledger.rows import row_values

    whole = msgspec.msgpack.decode(encode_turn(make(1), ()))
    place = FIELDS.index("overhead_us")
    old_fields = FIELDS[:place] + FIELDS[place + 1 :]
    del whole[1][place]
    payload = msgspec.msgpack.encode(whole)
    kept = decode(payload, old_fields)
    assert kept.record.overhead_us == 0  # type: ignore[union-attr]
    assert kept.record.took_us == 900  # type: ignore[union-attr]
    values = row_values("w0", 1, Frame(1, 8, 5, bytes(32), payload), old_fields)
    assert values
    named = dict(zip(COLUMNS, values, strict=True))
    assert (named["took_us"], named["overhead_us"], named["queued_us"]) == (900, 0, 0)


def test_an_index_of_another_version_is_not_read_and_is_made_anew(home: Path, clock: FakeClock, make: Make) -> None:
    asyncio.run(write(home, clock, [make(1), make(2)]))
    old = sqlite3.connect(home / "index.db")
    old.executescript(
        "CREATE TABLE turns (stream TEXT, trace TEXT); INSERT INTO turns VALUES ('w0', 'old');"
        "CREATE TABLE cursors (stream TEXT PRIMARY KEY, segment, frame, place, head);"
        "INSERT INTO cursors VALUES ('w0', 1, 2, 900000, x'00');"
    )
    old.close()
    wanted = [make(1).trace, make(2).trace]
    assert [row.trace for row in Index(home).each(Filter())] == wanted
    index_all(home)
    assert [row.trace for row in Index(home).each(Filter())] == wanted
    kept = sqlite3.connect(home / "index.db")
    assert kept.execute("SELECT count(*) FROM turns").fetchone() == (2,)
    kept.close()
    index_all(home)  # of this version: goes on, and nothing is doubled
    assert len(Index(home).find(Filter())) == 2


@pytest.mark.parametrize("indexed", [True, False])
def test_turns_are_found_by_release_rule_cache_and_shadow(
    home: Path, clock: FakeClock, make: Make, indexed: bool
) -> None:
    hit = {"cache": "exact", "saved_nano": 700, "saved_us": 5000, "cost_nano": 0, "queued_us": 12}
    shadow = {"shadow_of": make(0).trace, "split": "canary"}
    asyncio.run(write(home, clock, [make(0), make(1, **hit), make(2, **shadow), make(3, kind="embedding")]))
    if indexed:
        index_all(home)
    index = Index(home)

    def found(**wanted: object) -> list[int]:
        return sorted(int(row.trace, 16) for row in index.find(Filter(**wanted)))  # type: ignore[arg-type]

    assert found(cache="exact") == [1]
    assert found(cache="") == [0, 2, 3]
    assert found(shadow=True) == found(shadow_of=make(0).trace) == found(split="canary") == [2]
    assert found(shadow=False) == [0, 1, 3]
    assert found(shadow_of="") == []
    assert found(kind="embedding") == [3]
    assert found(asked="auto", split="") == [0, 1, 3]
    (row,) = index.find(Filter(cache="exact"))
    assert (row.saved_nano, row.saved_us, row.queued_us) == (700, 5000, 12)
    assert [(s.group, s.saved_nano, s.saved_us, s.queued_us) for s in index.stats(("cache",))] == [
        (("",), 0, 0, 0),
        (("exact",), 700, 5000, 12),
    ]


@pytest.mark.parametrize("indexed", ["all", "half", "none"])
def test_events_of_every_stream_are_listed_newest_first(home: Path, clock: FakeClock, make: Make, indexed: str) -> None:
    async def note(stream: str, name: str) -> None:
        clock.advance(1)
        journal = open_journal(LedgerSettings(min_free_bytes=0), home, stream, clock)
        await journal.write(make(clock.wall % 1000))
        await journal.note(Happening(name, clock.now_ns(), {"by": stream}))
        await journal.aclose()

    asyncio.run(note("w0", "managed"))
    began = clock.now_ns()
    asyncio.run(note("cli", "texts_erased"))
    if indexed == "half":
        index_all(home)
    asyncio.run(note("w1", "managed"))
    if indexed == "all":
        index_all(home)
    index = Index(home)

    def listed(limit: int = 10, **wanted: object) -> list[tuple[str, str]]:
        found = index.events(EventFilter(**wanted), limit)  # type: ignore[arg-type]
        assert all(isinstance(entry.content, Happening) for entry in found)
        return [(entry.stream, entry.content.name) for entry in found]  # type: ignore[union-attr]

    assert listed() == [("w1", "managed"), ("cli", "texts_erased"), ("w0", "managed")]
    assert listed(limit=1) == [("w1", "managed")]
    assert listed(name="managed", since_ns=began + 1) == [("w1", "managed")]
    assert listed(until_ns=began + 1) == [("w0", "managed")]
    assert listed(name="nothing") == []
