"""The keeper: indexes, signs, prunes, alone in its home, and survives its parent's whims."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.waiting import until
from zhongshu.core.clock import Clock, FakeClock, SystemClock
from zhongshu.core.records import Record
from zhongshu.ledger.checkpoints import Signer, checkpoint_file, newest_checkpoint, read_lines
from zhongshu.ledger.index import Index
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.keeper import Keeper, KeeperRunning, _leave, _Told, running_keeper, sign_now
from zhongshu.ledger.retention import finish_pruning, prune
from zhongshu.ledger.segments import segments, stream_folder
from zhongshu.ledger.settings import LedgerSettings
from zhongshu.ledger.verify import verify

Make = Callable[..., Record]
DAY_S = 86_400


async def write_days(home: Path, clock: FakeClock, make: Make, days: int, step: int = 1) -> None:
    journal = open_journal(LedgerSettings(min_free_bytes=0), home, "w0", clock)
    for day in range(days):
        await journal.write(make(day, at_ns=clock.now_ns()))
        clock.advance(step * DAY_S)
    await journal.aclose()


def kept(home: Path, clock: Clock, settings: LedgerSettings) -> Keeper:
    keeper = Keeper(settings, home, clock)
    keeper.index_all()
    keeper.checkpoint()
    return keeper


async def test_a_checkpoint_is_signed_only_when_something_moved(
    home: Path, clock: FakeClock, make: Make, settings: LedgerSettings
) -> None:
    await write_days(home, clock, make, 1)
    keeper = kept(home, clock, settings)
    assert not keeper.checkpoint()
    assert keeper.checkpoint(always=True)
    assert newest_checkpoint(home) == 1
    keeper.close()


async def test_one_that_is_killed_while_it_leaves_has_signed_what_was_indexed(
    home: Path, clock: FakeClock, make: Make, settings: LedgerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException): ...

    def killed() -> int:
        raise Killed

    await write_days(home, clock, make, 3)
    keeper = Keeper(settings, home, clock)
    keeper.index_all()
    monkeypatch.setattr(keeper, "index", killed)
    with pytest.raises(Killed):
        _leave(keeper)
    assert newest_checkpoint(home) == 0
    keeper.close()
    assert verify(home).ok


def test_signals_that_come_at_any_moment_are_heard() -> None:
    """Hundreds, while it goes to sleep and wakes, and while it hears the one before."""
    kinds = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
    before = {kind: signal.getsignal(kind) for kind in kinds}
    closed, main = threading.Event(), threading.main_thread().ident
    told = _Told(line for line in (b"",) if not closed.wait())
    assert main is not None

    def send() -> None:
        for _ in range(300):
            signal.pthread_kill(main, signal.SIGUSR1)
            time.sleep(0.001)  # not a storm of handlers one in another

    sending = threading.Thread(target=send)
    try:
        sending.start()
        while sending.is_alive():
            told.sleep(0.001)
        assert told.sign
        signal.raise_signal(signal.SIGTERM)
        told.sleep(1000)
        assert told.stop
    finally:
        closed.set()
        for kind, handler in before.items():
            signal.signal(kind, handler)


async def test_one_that_leaves_does_not_index_for_ever(
    home: Path, clock: FakeClock, make: Make, settings: LedgerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write_days(home, clock, make, 3)
    keeper = Keeper(settings, home, clock)
    monkeypatch.setattr("zhongshu.ledger.keeper._LAST_INDEXING_S", 0.0)
    real, asked = keeper.index, list[int]()
    monkeypatch.setattr(keeper, "index", lambda: (asked.append(1), real(), 1)[-1])
    _leave(keeper)
    assert len(asked) == 1
    assert newest_checkpoint(home) == 0
    keeper.close()


def test_a_home_has_one_keeper(home: Path, clock: FakeClock, settings: LedgerSettings) -> None:
    keeper = Keeper(settings, home, clock)
    assert running_keeper(home)
    with pytest.raises(KeeperRunning):
        Keeper(settings, home, clock)
    keeper.close()
    assert running_keeper(home) is None


async def test_pruning_leaves_a_tombstone_that_verifies(
    home: Path, clock: FakeClock, make: Make, settings: LedgerSettings
) -> None:
    await write_days(home, clock, make, 40, step=10)
    keeper = kept(home, clock, settings)
    keeper.prune()
    keeper.checkpoint(always=True)
    keeper.close()
    left = segments(stream_folder(home, "w0"))
    assert left[0] > 1
    assert left[-1] == 40
    report = verify(home)
    assert report.ok, report.findings
    assert "pruned" in [note.kind for note in report.notes]
    oldest = Index(home).tail(100)[0]
    assert oldest.segment == left[0]
    assert clock.now_ns() - oldest.written_ns <= 366 * DAY_S * 10**9


async def test_after_pruning_further_deletion_is_still_found(
    home: Path, clock: FakeClock, make: Make, settings: LedgerSettings
) -> None:
    await write_days(home, clock, make, 40, step=10)
    keeper = kept(home, clock, settings)
    keeper.prune()
    keeper.close()
    folder = stream_folder(home, "w0")
    (folder / f"{segments(folder)[0]:08d}.zsj").unlink()
    assert "missing_segment" in [found.kind for found in verify(home).findings]


async def test_nothing_is_pruned_by_a_clock_that_has_just_leapt(
    home: Path, clock: FakeClock, make: Make, settings: LedgerSettings, caplog: pytest.LogCaptureFixture
) -> None:
    await write_days(home, clock, make, 20, step=10)
    folder = stream_folder(home, "w0")
    kept(home, clock, settings).close()
    clock.wall += 3 * 366 * DAY_S * 10**9
    keeper = Keeper(settings, home, clock)
    keeper.prune()
    clock.advance(DAY_S - 1)
    keeper.prune()
    assert len(segments(folder)) == 20
    assert "see that it is right" in caplog.text
    clock.wall -= 3 * 366 * DAY_S * 10**9  # somebody sets it right
    clock.advance(DAY_S)
    keeper.prune()
    assert len(segments(folder)) == 20
    keeper.close()


async def test_what_is_old_by_a_clock_that_has_run_on_evenly_is_pruned(
    home: Path, clock: FakeClock, make: Make, settings: LedgerSettings
) -> None:
    await write_days(home, clock, make, 20, step=10)
    keeper = kept(home, clock, settings)
    for _ in range(400):
        clock.advance(DAY_S)
        keeper.prune()
    keeper.close()
    assert len(segments(stream_folder(home, "w0"))) == 1


async def test_a_machine_that_was_off_for_long_prunes_a_day_later(
    home: Path, clock: FakeClock, make: Make, settings: LedgerSettings
) -> None:
    await write_days(home, clock, make, 20, step=10)
    kept(home, clock, settings).close()
    clock.advance(400 * DAY_S)
    keeper = Keeper(settings, home, clock)
    keeper.prune()
    assert len(segments(stream_folder(home, "w0"))) == 20
    clock.advance(DAY_S)
    keeper.prune()
    keeper.close()
    assert len(segments(stream_folder(home, "w0"))) == 1
    assert verify(home).ok


async def test_nothing_inside_the_lock_is_pruned(home: Path, clock: FakeClock, make: Make) -> None:
    await write_days(home, clock, make, 18, step=10)
    signer = Signer(home, [], [], 1.0)
    with pytest.raises(ValueError, match="183"):
        prune(home, signer, now_ns=clock.now_ns(), retention_days=182)
    assert prune(home, signer, now_ns=clock.now_ns(), retention_days=183) == []
    assert len(segments(stream_folder(home, "w0"))) == 18
    with pytest.raises(ValueError, match="retention_days"):
        LedgerSettings(retention_days=182)


async def test_a_prune_cut_short_is_finished(
    home: Path, clock: FakeClock, make: Make, settings: LedgerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write_days(home, clock, make, 40, step=10)
    keeper = kept(home, clock, settings)
    with monkeypatch.context() as patch:
        patch.setattr("zhongshu.ledger.retention._remove", lambda folder, through: None)
        keeper.prune()
    keeper.close()
    assert len(segments(stream_folder(home, "w0"))) == 40
    assert verify(home).ok
    finish_pruning(home)
    assert len(segments(stream_folder(home, "w0"))) < 40
    assert verify(home).ok


def start(home: Path, **settings: object) -> subprocess.Popen[bytes]:
    line = json.dumps({"home": str(home), "settings": {"index_poll_s": 0.02, **settings}}) + "\n"
    process = subprocess.Popen(
        [sys.executable, "-m", "zhongshu.ledger.keeper"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(line.encode())
    process.stdin.flush()
    process.stdout.readline()
    return process


async def test_the_process_indexes_signs_on_request_and_at_the_end(home: Path, make: Make, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.jsonl"
    process = start(home, checkpoint_interval_s=3600, anchors=[str(anchor)])
    journal = open_journal(LedgerSettings(min_free_bytes=0), home, "w0", SystemClock())
    await journal.write(make(1))
    index = Index(home)

    def indexed() -> bool:
        with index._snapshot() as (_, cursors):
            return "w0" in cursors

    until(indexed)
    before = newest_checkpoint(home)
    number = sign_now(LedgerSettings(), home)
    assert number is not None
    assert number != before
    await journal.write(make(2))
    await journal.aclose()
    process.send_signal(signal.SIGTERM)
    assert process.wait(90) == 0
    assert newest_checkpoint(home) == number + 1
    assert read_lines(anchor) == read_lines(checkpoint_file(home))
    report = verify(home, anchor=anchor)
    assert report.ok
    assert report.notes == ()


def test_a_session_that_is_not_its_own_is_left_alone(home: Path) -> None:
    """Or every process of the shell that it was started from would stand back for good."""
    group = Path("/proc/self/autogroup")
    before = group.read_text() if group.exists() else ""
    process = start(home)
    process.terminate()
    assert process.wait(90) == 0
    assert (group.read_text() if group.exists() else "") == before


def test_the_process_ends_with_its_parent(home: Path) -> None:
    process = start(home)
    assert process.stdin
    process.stdin.close()
    assert process.wait(90) == 0


async def test_killed_and_started_again_it_goes_on(home: Path, make: Make) -> None:
    journal = open_journal(LedgerSettings(min_free_bytes=0), home, "w0", SystemClock())
    for round_ in range(3):
        process = start(home, checkpoint_interval_s=0.01)
        for number in range(20):
            await journal.write(make(round_ * 100 + number))
        process.kill()
        process.wait()
    await journal.aclose()
    assert sign_now(LedgerSettings(), home) is not None
    assert len(Index(home).tail(100)) == 60
    assert verify(home).ok


def garbage(file: Path) -> None:
    file.write_bytes(b"garbage" * 1000)


def torn_pages(file: Path) -> None:
    """All but the first page, which says what the file is."""
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xff" * (size - 4096))


@pytest.mark.parametrize("damage", [garbage, torn_pages])
async def test_an_index_that_is_damaged_is_made_again_from_the_journal(
    damage: Callable[[Path], None], home: Path, make: Make, settings: LedgerSettings
) -> None:
    journal = open_journal(settings, home, "w0", SystemClock())
    for number in range(3):
        await journal.write(make(number))
    await journal.aclose()
    kept(home, SystemClock(), settings).close()
    damage(home / "index.db")
    if damage is garbage:
        assert len(Index(home).tail(10)) == 3, "the journal has them all"
    process = start(home)
    try:
        until(lambda: indexed(home) == 3)
    finally:
        process.terminate()
    assert process.wait(90) == 0
    assert len(Index(home).tail(10)) == 3
    assert verify(home).ok


def indexed(home: Path) -> int:
    """How many turns the index holds; 0 while it cannot be read."""
    with contextlib.suppress(sqlite3.Error), sqlite3.connect(f"file:{home / 'index.db'}?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*) FROM turns").fetchone()[0]
    return 0
