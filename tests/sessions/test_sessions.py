"""The sessions room over a real database file, as several processes would use it."""

import asyncio
import os
import sqlite3
import subprocess
import sys

import pytest

from zhongshu.core.clock import FakeClock, SystemClock
from zhongshu.core.problems import Fault
from zhongshu.sessions.kept import Kept, Pieces
from zhongshu.sessions.sealing import Sealer, Unsealable
from zhongshu.sessions.sessions import open_sessions
from zhongshu.sessions.settings import SessionsSettings


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
async def sessions(tmp_path, clock):
    opened = open_sessions(SessionsSettings(retention_days=1), tmp_path, clock)
    yield opened
    await opened.aclose()


def turn(id, tenant="acme", *, previous=None, state="done", items=(), text=b"a secret of mine"):
    return Kept(
        id=id, tenant=tenant, created_ns=1, state=state, previous=previous, asked=text, answered=b"{}", items=items
    )


async def test_a_turn_is_found_again_by_its_own_tenant_only(sessions):
    await sessions.keep(turn("one", items=("i1",)))
    found = await sessions.find("acme", "one")
    assert (found.asked, found.answered, found.state) == (b"a secret of mine", b"{}", "done")
    assert await sessions.find("globex", "one") is None
    assert await sessions.chain("globex", "one") is None
    assert await sessions.with_items("globex", ["i1"]) == []
    assert not await sessions.delete("globex", "one")
    assert [each.id for each in await sessions.with_items("acme", ["i1", "i2"])] == ["one"]


async def test_a_chain_is_whole_or_not_there(sessions):
    await sessions.keep(turn("one"))
    await sessions.keep(turn("two", previous="one"))
    await sessions.keep(turn("three", previous="two"))
    assert [each.id for each in await sessions.chain("acme", "three")] == ["one", "two", "three"]
    assert await sessions.delete("acme", "two")
    assert await sessions.chain("acme", "three") is None
    assert [each.id for each in await sessions.chain("acme", "one")] == ["one"]


async def test_a_chain_does_not_lead_to_another_tenant(sessions):
    await sessions.keep(turn("theirs", "globex"))
    await sessions.keep(turn("mine", previous="theirs"))
    assert await sessions.chain("acme", "mine") is None


async def test_a_chain_has_a_longest_length(tmp_path, clock):
    sessions = open_sessions(SessionsSettings(longest_chain=2), tmp_path, clock)
    for number in range(3):
        await sessions.keep(turn(f"t{number}", previous=f"t{number - 1}" if number else None))
    assert len(await sessions.chain("acme", "t1")) == 2
    assert await sessions.chain("acme", "t2") is None
    await sessions.aclose()


async def test_what_is_past_its_time_is_not_found_and_then_gone(sessions, clock):
    await sessions.keep(turn("old", items=("i",)))
    clock.advance(3600 * 23)
    await sessions.keep(turn("new"))
    assert await sessions.find("acme", "old")
    clock.advance(3601)
    assert await sessions.find("acme", "old") is None
    assert await sessions.with_items("acme", ["i"]) == []
    assert await sessions.sweep() == 1
    assert await sessions.sweep() == 0
    assert await sessions.find("acme", "new")


async def test_nothing_a_tenant_wrote_stands_in_the_file(sessions, tmp_path):
    await sessions.keep(turn("one"))
    await sessions.begin(turn("two", state="queued"))
    await sessions.add_pieces("acme", "two", Pieces(0, 1, b"a secret of mine"))
    raw = b"".join(file.read_bytes() for file in tmp_path.glob("state.db*"))
    assert b"a secret" not in raw
    assert (tmp_path / "secrets" / "sessions.key").stat().st_mode & 0o777 == 0o600


async def test_a_row_cannot_stand_in_for_another(sessions, tmp_path):
    await sessions.keep(turn("one", text=b"first"))
    await sessions.keep(turn("two", "globex", text=b"second"))
    with sqlite3.connect(tmp_path / "state.db") as db:
        db.execute("UPDATE kept_turns SET asked = (SELECT asked FROM kept_turns WHERE id = 'two') WHERE id = 'one'")
    with pytest.raises(Fault) as broken:
        await sessions.find("acme", "one")
    assert broken.value.problem.code == "sessions_unavailable"


async def test_the_life_of_a_turn_under_way(sessions):
    await sessions.begin(turn("bg", state="queued"))
    assert await sessions.run("bg")
    assert not await sessions.run("bg")
    assert (await sessions.find("acme", "bg")).state == "running"
    assert await sessions.wanted("bg")
    assert await sessions.finish(turn("bg", items=("late",)))
    assert not await sessions.finish(turn("bg"))
    assert not await sessions.cancel("bg")
    assert [each.id for each in await sessions.with_items("acme", ["late"])] == ["bg"]


async def test_a_cancelled_turn_stays_cancelled(sessions):
    await sessions.begin(turn("bg", state="queued"))
    assert await sessions.cancel("bg")
    assert not await sessions.wanted("bg")
    assert not await sessions.run("bg")
    assert not await sessions.finish(turn("bg"))
    assert (await sessions.find("acme", "bg")).state == "cancelled"


async def test_pieces_come_back_in_order_and_go_with_their_turn(sessions):
    await sessions.begin(turn("bg", state="queued"))
    for pieces in (Pieces(0, 2, b"abc"), Pieces(3, 3, b"d"), Pieces(4, 9, b"rest")):
        await sessions.add_pieces("acme", "bg", pieces)
    assert [p.data for p in await sessions.pieces("acme", "bg", -1)] == [b"abc", b"d", b"rest"]
    assert [p.first for p in await sessions.pieces("acme", "bg", 3)] == [4]
    await sessions.delete("acme", "bg")
    await sessions.add_pieces("acme", "bg", Pieces(10, 10, b"late"))
    assert await sessions.pieces("acme", "bg", -1) == []


async def test_everything_of_a_tenant_can_be_forgotten(sessions):
    await sessions.keep(turn("one", items=("i",)))
    await sessions.keep(turn("two", "globex"))
    assert await sessions.delete_tenant("acme") == 1
    assert await sessions.find("acme", "one") is None
    assert await sessions.find("globex", "two")


WORK = """
import asyncio, sys
from pathlib import Path
from zhongshu.core.clock import SystemClock
from zhongshu.sessions.kept import Kept
from zhongshu.sessions.sessions import open_sessions
from zhongshu.sessions.settings import SessionsSettings
async def main():
    sessions = open_sessions(SessionsSettings(), Path(sys.argv[1]), SystemClock())
    await sessions.begin(Kept(id="bg", tenant="acme", created_ns=1, state="queued"))
    print("begun", flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.fixture
def worker(tmp_path):
    """Another process that is at work on a turn."""
    process = subprocess.Popen([sys.executable, "-c", WORK, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"begun\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


async def test_a_turn_is_lost_when_its_process_is_killed(tmp_path, worker):
    sessions = open_sessions(SessionsSettings(), tmp_path, SystemClock())
    assert (await sessions.find("acme", "bg")).state == "queued"
    worker.kill()
    worker.wait()
    assert (await sessions.find("acme", "bg")).state == "lost"
    await sessions.aclose()


async def test_many_at_once_and_one_that_fails(sessions):
    await sessions.keep(turn("t7"))
    done = await asyncio.gather(*[sessions.keep(turn(f"t{n}")) for n in range(40)], return_exceptions=True)
    assert [n for n, result in enumerate(done) if isinstance(result, Fault)] == [7]
    assert all([await sessions.find("acme", f"t{n}") for n in range(40)])


def test_sealed_text_opens_only_in_its_place():
    sealer = Sealer(os.urandom(32))
    sealed = sealer.seal("acme", "one/asked", b"text")
    assert sealer.open("acme", "one/asked", sealed) == b"text"
    for tenant, place in (("globex", "one/asked"), ("acme", "one/answered"), ("acme", "two/asked")):
        with pytest.raises(Unsealable):
            sealer.open(tenant, place, sealed)
    with pytest.raises(Unsealable):
        Sealer(os.urandom(32)).open("acme", "one/asked", sealed)


@pytest.mark.parametrize("wrong", [{"retention_days": 0}, {"retention_days": 40_000}, {"longest_chain": 0}])
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SessionsSettings(**wrong)
