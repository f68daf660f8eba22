"""The counters of one machine: what is leased to one is not there for another; the dead give back what is safe to."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from zhongshu.storage.counter_file import SILENT_NS, CounterFile
from zhongshu.storage.counters import SLOT_NS, WINDOW_SLOTS, Changes, CounterError, Grant, Short, Want

NOW = 1_700_000_000 * 1_000_000_000
Opener = Callable[[str], CounterFile]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    files: list[CounterFile] = []

    def make(owner: str) -> CounterFile:
        files.append(CounterFile(tmp_path / "counters.db", owner, NOW))
        return files[-1]

    yield make
    for file in files:
        file._quick.close()
        file._patient.close()


def rate(need: int, limit: int = 100, slice: int = 0, **more: object) -> Want:
    return Want("rate", "r", limit, need, slice, **more)


def test_a_slice_is_leased_when_there_is_plenty_and_less_towards_the_end(opened: Opener):
    counters = opened("a")
    assert counters.grant([rate(1, 1000, 62)], NOW) == [Grant(62, 938)]
    assert counters.grant([rate(900, 1000, 62)], NOW) == [Grant(900, 38)]
    assert counters.grant([rate(1, 1000, 62)], NOW) == [Grant(4, 34)]  # an eighth of what is left
    assert counters.grant([rate(35, 1000, 62)], NOW) == Short(0, 34, (WINDOW_SLOTS + 1) * SLOT_NS / 1e9)


def test_all_or_nothing(opened: Opener):
    counters = opened("a")
    seats = Want("seats", "s", 1, 1, 1)
    purse = Want("purse", "p", 50, 60, 0)
    assert counters.grant([rate(10), seats, purse], NOW) == Short(2, 50, None)
    assert counters.grant([rate(100), seats], NOW) == [Grant(100, 0), Grant(1, 0)]


def test_a_rate_slides_slot_by_slot(opened: Opener):
    counters = opened("a")
    for slot in (0, 10, 20):
        counters.grant([rate(30)], NOW + slot * SLOT_NS)
    later = NOW + 20 * SLOT_NS
    # 10 are free; 15 are once the first slot has gone, 65 once two have, and 101 never
    assert counters.grant([rate(15)], later) == Short(0, 10, 11 * SLOT_NS / 1e9)
    assert counters.grant([rate(65)], later) == Short(0, 10, 21 * SLOT_NS / 1e9)
    assert counters.grant([rate(101)], later) == Short(0, 10, None)
    assert counters.grant([rate(15)], later + 11 * SLOT_NS - 1) == Short(0, 10, 1e-9)
    assert counters.grant([rate(15)], later + 11 * SLOT_NS) == [Grant(15, 25)]


def test_what_is_given_back_is_there_even_if_the_want_is_not_met(opened: Opener):
    counters = opened("a")
    slot = NOW // SLOT_NS
    counters.grant([rate(100)], NOW)
    assert counters.grant([rate(50, giveback={slot: 40})], NOW) == Short(0, 40, (WINDOW_SLOTS + 1) * SLOT_NS / 1e9)
    assert counters.grant([rate(40)], NOW) == [Grant(40, 0)]


def test_what_is_given_back_with_a_later_want_is_kept_too(opened: Opener):
    counters = opened("a")
    counters.grant([rate(100)], NOW)
    nothing_left = Want("seats", "s", 0, 1, 0)
    assert counters.grant([nothing_left, rate(50, giveback={NOW // SLOT_NS: 40})], NOW) == Short(0, 0, None)
    assert counters.grant([rate(40)], NOW) == [Grant(40, 0)]


def test_a_clock_turned_back_far_does_not_lock_anybody_out(opened: Opener):
    counters = opened("a")
    counters.grant([rate(100)], NOW + 3600 * 10**9)
    assert counters.grant([rate(100)], NOW) == [Grant(100, 0)]


def test_seats_come_back_one_by_one(opened: Opener):
    a, b = opened("a"), opened("b")
    seat = Want("seats", "s", 2, 1, 1)
    assert a.grant([seat], NOW) == [Grant(1, 1)]
    assert b.grant([seat], NOW) == [Grant(1, 0)]
    assert b.grant([seat], NOW) == Short(0, 0, None)
    a.leave(["s"])
    assert b.grant([seat], NOW) == [Grant(1, 0)]
    a.leave(["s"])  # more than it holds: nothing to give
    assert a.grant([seat], NOW) == Short(0, 0, None)


def test_a_purse_is_spent_for_good(opened: Opener):
    a, b = opened("a"), opened("b")
    a.grant([Want("purse", "p", 100, 80, 0)], NOW)
    assert b.grant([Want("purse", "p", 100, 30, 0)], NOW) == Short(0, 20, None)
    a.apply(Changes(held={"p": -80}, spent={"p": 50}), NOW)
    assert a.spent(["p", "q"]) == {"p": 50}
    assert b.grant([Want("purse", "p", 100, 50, 0)], NOW) == [Grant(50, 0)]


def test_closing_gives_everything_back_but_what_was_spent(opened: Opener, tmp_path: Path):
    a = opened("a")
    a.grant([Want("purse", "p", 100, 80, 0), Want("seats", "s", 1, 1, 1)], NOW)
    a.apply(Changes(held={"p": -30}, spent={"p": 30}), NOW)
    a.close()
    b = opened("b")
    assert b.grant([Want("purse", "p", 100, 70, 0), Want("seats", "s", 1, 1, 1)], NOW) == [Grant(70, 0), Grant(1, 0)]
    assert b.recover(NOW) == []


HOLDER = """
import sys
from pathlib import Path
from zhongshu.storage.counter_file import CounterFile
from zhongshu.storage.counters import Changes, Want
now = int(sys.argv[2])
counters = CounterFile(Path(sys.argv[1]), "dead", now)
counters.grant([Want("purse", "p", 100, 80, 0), Want("seats", "s", 1, 1, 1)], now)
counters.apply(Changes(held={"p": -30}, spent={"p": 30}), now)
print("ready", flush=True)
input()
"""


def test_a_dead_holder_loses_its_seats_and_its_money_waits_for_somebody_who_knows(opened: Opener, tmp_path: Path):
    counters = opened("alive")
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "counters.db"), str(NOW)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"ready\n"
    seat, money = Want("seats", "s", 1, 1, 1), Want("purse", "p", 100, 21, 0)

    assert counters.recover(NOW) == []
    with pytest.raises(ValueError, match="is alive"):
        counters.reconcile("dead", {"p": 99})
    assert counters.grant([seat], NOW) == Short(0, 0, None)

    holder.kill()
    holder.wait()
    (orphan,) = counters.recover(NOW)
    assert (orphan.owner, orphan.pid, orphan.name) == ("dead", holder.pid, "p")
    assert (orphan.held, orphan.settled, orphan.since_ns) == (50, 30, NOW)
    assert counters.grant([seat], NOW) == [Grant(1, 0)]
    assert counters.grant([money], NOW) == Short(0, 20, None, 30)  # counted as spent until somebody knows

    counters.reconcile("dead", {"p": 42, "another": 7})
    assert counters.spent(["p", "another"]) == {"p": 42}
    counters.reconcile("dead", {"p": 42})
    assert counters.spent(["p"]) == {"p": 42}
    assert counters.recover(NOW) == []
    assert counters.grant([Want("purse", "p", 100, 58, 0)], NOW) == [Grant(58, 0)]


def test_a_holder_in_another_container_counts_as_dead_only_when_long_silent(opened: Opener, tmp_path: Path):
    a, b = opened("a"), opened("b")
    b.grant([Want("purse", "p", 100, 10, 0)], NOW)
    db = sqlite3.connect(tmp_path / "counters.db")
    mark = db.execute("SELECT mark FROM owners WHERE owner = 'b'").fetchone()[0]
    boot, _, rest = mark.partition("/")
    db.execute("UPDATE owners SET mark = ? WHERE owner = 'b'", (f"{boot}/pid:[1] {rest.rpartition(' ')[2]}",))
    db.commit()
    db.close()
    assert a.recover(NOW + SILENT_NS) == []
    b.apply(Changes(), NOW + SILENT_NS)
    assert a.recover(NOW + 2 * SILENT_NS) == []
    assert [orphan.owner for orphan in a.recover(NOW + 2 * SILENT_NS + 2)] == ["b"]


def test_a_file_that_cannot_be_written_is_one_error_of_ours(opened: Opener, tmp_path: Path):
    counters = opened("a")
    blocker = sqlite3.connect(tmp_path / "counters.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(CounterError, match="locked"):
        counters.grant([rate(1)], NOW)
    blocker.execute("ROLLBACK")
    blocker.close()
    assert counters.grant([rate(1)], NOW) == [Grant(1, 99)]


def test_old_slots_are_dropped(opened: Opener, tmp_path: Path):
    counters = opened("a")
    for slot in range(0, 200, 5):
        counters.grant([rate(1)], NOW + slot * SLOT_NS)
        counters.apply(Changes(), NOW + slot * SLOT_NS)
    db = sqlite3.connect(tmp_path / "counters.db")
    assert db.execute("SELECT count(*) FROM rates").fetchone()[0] <= 2 * WINDOW_SLOTS / 5 + 2
    db.close()


def test_the_log_is_moved_into_the_file(opened: Opener, tmp_path: Path):
    counters = opened("a")
    counters.apply(Changes(held={"p": 0}, spent={"p": 5}), time.time_ns())
    alone = tmp_path / "copy.db"
    alone.write_bytes((tmp_path / "counters.db").read_bytes())  # without its -wal
    db = sqlite3.connect(alone)
    assert db.execute("SELECT spent FROM purses WHERE name = 'p'").fetchone() == (5,)
    db.close()


def test_a_grant_never_begins_the_log_which_would_wait_for_the_disk(opened: Opener, tmp_path: Path):
    counters = opened("a")
    begun = set()
    for second in range(5):
        counters.apply(Changes(spent={"p": 1}), NOW + second * SLOT_NS)
        header = (tmp_path / "counters.db-wal").read_bytes()[:32]
        begun.add(header)
        counters.grant([rate(1)], NOW + second * SLOT_NS)
        assert (tmp_path / "counters.db-wal").read_bytes()[:32] == header
    assert len(begun) == 5, "each time it was told, the log was begun anew"


def test_catching_up_adds_only_what_nobody_has_counted(tmp_path: Path):
    counters = CounterFile(tmp_path / "counters.db", "us", NOW)
    counters.catch_up({"p": 40})
    assert counters.spent(["p"]) == {"p": 40}
    assert counters.grant([Want("purse", "p", 100, 20, 0)], NOW) == [Grant(20, 40)]
    counters.catch_up({"p": 55})  # 20 are leased, and may be among them
    assert counters.spent(["p"]) == {"p": 40}
    counters.catch_up({"p": 65, "q": 0})
    counters.catch_up({"p": 65})
    assert counters.spent(["p", "q"]) == {"p": 45}
    counters.close()


def test_purses_are_found_by_the_beginning_of_their_name(tmp_path: Path):
    counters = CounterFile(tmp_path / "counters.db", "us", NOW)
    counters.catch_up({"user/acme/李雷/2026-11": 1, "user/acme/x/total": 2, "user/acme2/x/total": 3, "users": 4})
    assert counters.spent_under("user/acme/") == {"user/acme/李雷/2026-11": 1, "user/acme/x/total": 2}
    assert counters.spent_under("nobody/") == {}
    counters.close()
