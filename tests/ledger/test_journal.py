"""The writer: what it acknowledges is on disk, and what it cannot write it refuses."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.waiting import eventually
from zhongshu.core.clock import FakeClock
from zhongshu.core.ports import Journal
from zhongshu.core.problems import Fault
from zhongshu.core.records import Record
from zhongshu.ledger.erasure import erase
from zhongshu.ledger.fake import FakeJournal
from zhongshu.ledger.journal import SlotTaken, Writer, open_journal
from zhongshu.ledger.payloads import Happening, Kept
from zhongshu.ledger.reader import entries
from zhongshu.ledger.segments import Segment, segment_path, segments, stream_folder
from zhongshu.ledger.settings import LedgerSettings
from zhongshu.ledger.verify import verify
from zhongshu.storage.secrets import SecretError

HERE = Path(__file__).parent
Make = Callable[..., Record]
KILLS = int(os.environ.get("ZHONGSHU_KILL_ROUNDS", "20"))


def traces(home: Path) -> list[str]:
    return [e.content.record.trace for e in entries(home, "w0") if isinstance(e.content, Kept)]


async def fill(settings: LedgerSettings, home: Path, clock: FakeClock, records: list[Record]) -> None:
    journal = open_journal(settings, home, "w0", clock)
    await asyncio.gather(*(journal.write(record) for record in records))
    await journal.aclose()


async def test_both_journals_fit_the_port(settings: LedgerSettings, home: Path, clock: FakeClock, make: Make) -> None:
    real = open_journal(settings, home, "w0", clock)
    journals: list[Journal] = [real, FakeJournal()]
    for journal in journals:
        assert journal.ready()
        await journal.write(make(1))
    await real.aclose()


async def test_a_record_comes_back_as_it_was(
    settings: LedgerSettings, home: Path, clock: FakeClock, make: Make
) -> None:
    await fill(settings, home, clock, [make(7)])
    (entry,) = entries(home, "w0")
    assert isinstance(entry.content, Kept)
    assert entry.content.record == msgspec.structs.replace(make(7), prompt=b"", answer=b"")
    assert (entry.segment, entry.frame, entry.written_ns) == (1, 1, clock.wall)
    assert b"hello" not in segment_path(stream_folder(home, "w0"), 1).read_bytes()


async def test_many_at_once_keep_their_order(
    settings: LedgerSettings, home: Path, clock: FakeClock, make: Make
) -> None:
    await fill(settings, home, clock, [make(n) for n in range(500)])
    assert traces(home) == [make(n).trace for n in range(500)]
    assert verify(home).ok


async def test_a_slot_has_one_writer(settings: LedgerSettings, home: Path, clock: FakeClock) -> None:
    first = open_journal(settings, home, "w0", clock)
    with pytest.raises(SlotTaken):
        open_journal(settings, home, "w0", clock)
    other = open_journal(settings, home, "w1", clock)
    await first.aclose()
    await open_journal(settings, home, "w0", clock).aclose()
    await other.aclose()


@pytest.mark.parametrize("slot", ["", "../x", "W0", "a" * 33, "w/0"])
def test_a_slot_name_is_a_plain_word(slot: str, settings: LedgerSettings, home: Path, clock: FakeClock) -> None:
    with pytest.raises(ValueError, match="slot"):
        open_journal(settings, home, slot, clock)


async def test_segments_roll_by_size_and_by_day(home: Path, clock: FakeClock, make: Make) -> None:
    small = LedgerSettings(min_free_bytes=0, segment_bytes=4096)
    journal = open_journal(small, home, "w0", clock)
    for number in range(40):
        await journal.write(make(number))
    by_size = len(segments(stream_folder(home, "w0")))
    clock.advance(86_400)
    await journal.write(make(40))
    await journal.aclose()
    assert by_size > 3
    assert len(segments(stream_folder(home, "w0"))) == by_size + 1
    assert len(traces(home)) == 41
    assert verify(home).ok


async def test_each_start_opens_a_segment_that_names_the_one_before(
    settings: LedgerSettings, home: Path, clock: FakeClock, make: Make
) -> None:
    for start in range(3):
        await fill(settings, home, clock, [make(start)])
    assert segments(stream_folder(home, "w0")) == [1, 2, 3]
    assert verify(home).ok


@pytest.mark.parametrize("cut", [1, 30, 44, 60])
async def test_a_torn_end_is_cut_off_at_the_next_start(
    cut: int, settings: LedgerSettings, home: Path, clock: FakeClock, make: Make
) -> None:
    await fill(settings, home, clock, [make(0), make(1)])
    path = segment_path(stream_folder(home, "w0"), 1)
    os.truncate(path, path.stat().st_size - cut)
    torn = verify(home)
    assert torn.ok
    assert "torn" in [note.kind for note in torn.notes]
    await fill(settings, home, clock, [make(2)])
    assert traces(home) == [make(0).trace, make(2).trace]
    assert [note.kind for note in verify(home).notes] == ["no_checkpoint"]


async def test_too_little_space_turns_new_turns_away_but_keeps_those_in_flight(
    home: Path, clock: FakeClock, make: Make
) -> None:
    journal = open_journal(LedgerSettings(min_free_bytes=1 << 60), home, "w0", clock)
    assert not journal.ready()
    assert journal.why_not
    await journal.write(make(0))
    await journal.aclose()
    assert len(traces(home)) == 1


async def test_after_closing_nothing_is_taken(
    settings: LedgerSettings, home: Path, clock: FakeClock, make: Make
) -> None:
    journal = open_journal(settings, home, "w0", clock)
    await journal.aclose()
    await journal.aclose()
    assert not journal.ready()
    with pytest.raises(Fault) as caught:
        await journal.write(make(0))
    assert caught.value.problem.code == "journal_unavailable"


async def test_a_waiter_that_leaves_disturbs_nobody(
    settings: LedgerSettings, home: Path, clock: FakeClock, make: Make
) -> None:
    journal = open_journal(settings, home, "w0", clock)
    await journal.write(make(0))
    tasks = [asyncio.create_task(journal.write(make(n))) for n in range(1, 20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await journal.aclose()
    assert set(traces(home)) >= {make(n).trace for n in range(2, 20, 2)}
    assert verify(home).ok


async def test_a_waiter_that_leaves_while_a_text_key_is_fetched_is_recorded(
    settings: LedgerSettings, home: Path, clock: FakeClock, make: Make
) -> None:
    journal = open_journal(settings, home, "w0", clock)
    tasks = [asyncio.create_task(journal.write(make(n))) for n in range(4)]
    await asyncio.sleep(0)  # the first of this tenant: its key is not there yet
    for task in tasks[:3]:
        task.cancel()
    assert [type(one) for one in await asyncio.gather(*tasks, return_exceptions=True)] == [
        asyncio.CancelledError, asyncio.CancelledError, asyncio.CancelledError, type(None),
    ]  # fmt: skip
    await journal.aclose()
    assert sorted(traces(home)) == sorted(make(n).trace for n in range(4))
    assert verify(home).ok


def another_key(home: Path) -> bytes:
    """Put another master key in the place of the one that texts were sealed under; the one that was there."""
    file = home / "secrets" / "text.key"
    was = file.read_bytes()
    file.write_bytes(bytes(32))
    return was


async def test_with_another_text_key_no_writer_opens_and_the_key_is_named(
    settings: LedgerSettings, home: Path, clock: FakeClock, make: Make
) -> None:
    await fill(settings, home, clock, [make(0)])
    was = another_key(home)
    with pytest.raises(SecretError, match=r"text\.key"):
        open_journal(settings, home, "w0", clock)
    assert await erase(settings, home, clock, tenant="acme", month="2023-11", reason="x", lawful_request=True) == 1
    (home / "secrets" / "text.key").write_bytes(was)
    await fill(settings, home, clock, [make(1)])
    assert verify(home).ok


async def test_without_its_text_keys_it_lets_no_turn_in_until_they_are_back(
    settings: LedgerSettings, home: Path, clock: FakeClock, make: Make
) -> None:
    await fill(settings, home, clock, [make(0)])
    journal = open_journal(settings, home, "w0", clock)
    (home / "textkeys.db").rename(home / "away.db")
    (home / "textkeys.db").mkdir()
    assert journal.ready()
    with pytest.raises(Fault, match="journal_unavailable"):
        await journal.write(make(1))
    assert (journal.ready(), journal.why_not) == (False, "the text key store cannot be used")
    (home / "textkeys.db").rmdir()
    (home / "away.db").rename(home / "textkeys.db")
    await eventually(journal.ready)
    await journal.write(make(2))
    await journal.aclose()
    assert traces(home) == [make(0).trace, make(2).trace]


async def test_events_stand_among_the_turns(settings: LedgerSettings, home: Path, clock: FakeClock) -> None:
    journal = open_journal(settings, home, "cli", clock)
    await journal.note(Happening("texts_erased", 5, {"tenant": "acme"}))
    await journal.aclose()
    (entry,) = entries(home, "cli")
    assert entry.content == Happening("texts_erased", 5, {"tenant": "acme"})


async def test_counts_say_what_was_written(settings: LedgerSettings, home: Path, clock: FakeClock, make: Make) -> None:
    journal = open_journal(settings, home, "w0", clock)
    await asyncio.gather(*(journal.write(make(n)) for n in range(50)))
    await journal.aclose()
    counts = journal.counts
    assert counts.records == 50
    assert 1 <= counts.batches <= 50
    assert sum(counts.sync_buckets) == counts.batches
    assert counts.bytes > 50 * 100


def noting_threads(monkeypatch: pytest.MonkeyPatch, *, then: Callable[[], None] = lambda: None) -> list[str]:
    """The name of the thread of each write to come; `then` is done in its place before it."""
    append, threads = Segment.append, list[str]()

    def noted(segment: Segment, data: bytes, frames: int, head: bytes) -> None:
        threads.append(threading.current_thread().name)
        then()
        append(segment, data, frames, head)

    monkeypatch.setattr(Segment, "append", noted)
    return threads


async def alone(journal: Writer, *, is_so: bool = True) -> None:
    """From now on; returns once the thread rests."""
    journal.alone = lambda: is_so
    await eventually(lambda: not journal._at_work.locked())


async def test_a_record_of_the_only_turn_in_flight_is_written_at_once(
    settings: LedgerSettings, home: Path, clock: FakeClock, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zhongshu.ledger.journal._QUICK_S", 1e9)
    monkeypatch.setattr("zhongshu.ledger.journal._LOOK_S", 1e6)
    threads = noting_threads(monkeypatch)
    journal = open_journal(settings, home, "w0", clock)
    await journal.write(make(0))  # fetches the text key, and is the thread's
    await alone(journal)
    await journal.write(make(1))
    await alone(journal, is_so=False)
    await asyncio.gather(*(journal.write(make(n)) for n in range(2, 9)))
    await alone(journal)
    await asyncio.gather(*(journal.write(make(n)) for n in range(9, 12)))
    assert traces(home) == [make(n).trace for n in range(12)]
    await journal.aclose()
    with pytest.raises(Fault):
        await journal.write(make(12))
    assert verify(home).ok
    here = threading.current_thread().name
    assert threads[1] == here
    assert threads[-3:] == [here] * 3
    assert set(threads[2:-3]) == {"journal-w0"}


async def test_after_a_write_that_took_its_time_the_thread_has_them(
    settings: LedgerSettings, home: Path, clock: FakeClock, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zhongshu.ledger.journal._QUICK_S", -1.0)
    monkeypatch.setattr("zhongshu.ledger.journal._HESITANT", 1e9)
    monkeypatch.setattr("zhongshu.ledger.journal._LOOK_S", 1e6)
    threads = noting_threads(monkeypatch)
    journal = open_journal(settings, home, "w0", clock)
    await journal.write(make(0))
    await alone(journal)
    for number in range(1, 4):
        await journal.write(make(number))
    await journal.aclose()
    assert threads[1:] == [threading.current_thread().name, "journal-w0", "journal-w0"]


async def test_a_disk_that_refuses_the_only_turns_record_is_waited_for(
    settings: LedgerSettings, home: Path, clock: FakeClock, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    journal = open_journal(settings, home, "w0", clock)
    journal.alone = lambda: True
    await journal.write(make(0))
    with monkeypatch.context() as patch:
        noting_threads(patch, then=full)
        with pytest.raises(Fault, match="journal_unavailable"):
            await journal.write(make(1))
        assert journal.why_not == "No space left on device"
    await eventually(journal.ready)
    await journal.write(make(2))
    await journal.aclose()
    assert traces(home) == [make(0).trace, make(2).trace]
    assert verify(home).ok


def test_killed_at_any_moment_it_keeps_what_it_acknowledged(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "killing.py"), "write", str(home), str(KILLS), "7"],
        capture_output=True,
        check=True,
    )
    acknowledged: list[str] = json.loads(done.stdout)
    found = traces(home)
    assert len(acknowledged) > KILLS
    assert set(acknowledged) <= set(found)
    assert len(found) == len(set(found))
    assert verify(home).ok


def assert_full_disk(home: Path, how: str) -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "filling.py"), str(home), how], capture_output=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert told["codes"] == ["journal_unavailable"]
    assert told["ready_when_full"] is False
    assert set(told["kept"]) == set(traces(home))
    assert not set(told["refused"]) & set(traces(home))
    assert verify(home).ok


def test_a_file_that_may_not_grow_is_given_up_for_a_new_one(home: Path) -> None:
    assert_full_disk(home, "limit")
    assert len(segments(stream_folder(home, "w0"))) > 1


def test_a_full_disk_refuses_and_recovers(home: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(home)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        home.chmod(0o700)
        (home / "ballast").write_bytes(bytes(400_000))
        assert_full_disk(home, "ballast")
    finally:
        subprocess.run(["umount", str(home)], check=True)


async def test_a_writer_that_dies_leaves_nobody_waiting(
    settings: LedgerSettings, home: Path, clock: FakeClock, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal(settings, home, "w0", clock)
    await journal.write(make(0))
    monkeypatch.setattr("zhongshu.ledger.journal.chain", None)
    told = await asyncio.gather(*(journal.write(make(n)) for n in range(1, 9)), return_exceptions=True)
    assert all(isinstance(each, Fault) for each in told)
    assert not journal.ready()
    with pytest.raises(Fault):
        await journal.write(make(9))
    await journal.aclose()


async def test_a_disk_that_is_full_at_the_start_is_waited_for(
    settings: LedgerSettings, home: Path, clock: FakeClock, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("zhongshu.ledger.journal.Segment", full)
        journal = open_journal(settings, home, "w0", clock)
        assert journal.why_not == "No space left on device"
        with pytest.raises(Fault):
            await journal.write(make(0))
    await eventually(journal.ready)
    await journal.write(make(1))
    await journal.aclose()
    assert traces(home) == [make(1).trace]


async def test_the_fake_refuses_like_a_full_disk(make: Make) -> None:
    fake = FakeJournal()
    await fake.write(make(1))
    fake.broken = "disk full"
    assert not fake.ready()
    with pytest.raises(Fault):
        await fake.write(make(2))
    assert [record.trace for record in fake.records] == [make(1).trace]
