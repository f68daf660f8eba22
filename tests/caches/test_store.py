"""The file of answers: bounds, fairness, damage, erasure."""

import asyncio
import os
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.caches.conftest import Cached, opened
from tests.waiting import eventually
from zhongshu.caches.front import Front, Held
from zhongshu.caches.store import FILE, Bounds, Entry, Store
from zhongshu.core.answers import Answer, Choice, Usage
from zhongshu.core.ports import Hit
from zhongshu.ledger.textkeys import TextKeys

ROOMY = Bounds(1000, 1_000_000, 1.0)


def entry(number, tenant="acme", size=100, expires_ns=10**18, user="", scope=b""):
    return Entry(
        b"%s/%d" % (tenant.encode(), number), scope, tenant, user, "m@1", expires_ns, size, 1, b"sealed", b"q", 0
    )


@pytest.fixture
def store(tmp_path):
    opened_store = Store(tmp_path / FILE)
    yield opened_store
    opened_store.close()


def held(store):
    return {size.tenant: (size.entries, size.bytes) for size in store.sizes()}


def test_an_answer_is_found_until_it_expires(store):
    store.keep([entry(1, expires_ns=50)], {}, ROOMY, 10)
    assert store.find(b"acme/1", 49).answer == b"sealed"
    assert store.find(b"acme/1", 50) is None
    store.keep([], {}, ROOMY, 60)
    assert held(store) == {}


def test_kept_again_it_counts_once(store):
    for size in (100, 300):
        store.keep([entry(1, size=size)], {}, ROOMY, 10)
    assert held(store) == {"acme": (1, 300)}


def test_what_was_used_longest_ago_goes_first(store):
    store.keep([entry(n) for n in range(10)], {}, ROOMY, 10)
    store.keep([], {b"acme/0": 20}, ROOMY, 20)
    store.keep([entry(10)], {}, Bounds(10, 1_000_000, 1.0), 30)
    assert store.find(b"acme/0", 31)
    assert store.find(b"acme/1", 31) is None


def test_one_tenant_cannot_push_out_another(store):
    bounds = Bounds(1000, 10_000, 0.6)
    store.keep([entry(n, "small") for n in range(20)], {}, bounds, 1)
    for start in range(0, 1000, 50):
        store.keep([entry(start + n, "large") for n in range(50)], {}, bounds, 2 + start)
    assert held(store)["small"] == (20, 2000)
    assert held(store)["large"][1] <= 6000


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(1, 400)), max_size=60))
def test_bounds_hold_whatever_is_kept(tmp_path_factory, kept):
    store = Store(tmp_path_factory.mktemp("bounds") / FILE)
    bounds = Bounds(12, 1500, 0.5)
    store.keep([entry(n, tenant, size) for n, (tenant, size) in enumerate(kept)], {}, bounds, 5)
    sizes = held(store)
    assert sum(entries for entries, _ in sizes.values()) <= 12
    assert sum(size for _, size in sizes.values()) <= 1500
    assert all(entries <= 6 and size <= 750 for entries, size in sizes.values())
    store.close()


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 9), st.integers(1, 60)), max_size=80))
def test_the_front_counts_right_and_is_fair(kept):
    front = Front(100, 0.6)
    hit = Hit(Answer((Choice(0, "x"),), None), "exact", 1.0, Usage(), 0, 0)
    for number, (tenant, key, size) in enumerate(kept):
        front.put(b"%d" % key, Held(hit, tenant, 10**9, size))
        mine = [front.get(t, b"%d" % k, 0) for t in "abc" for k in range(10)]
        assert front.bytes == sum(h.bytes for h in mine if h) <= 100, number
        assert len(front) == sum(h is not None for h in mine)
    front.clear()
    assert (front.bytes, len(front)) == (0, 0)


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ({}, []),
        ({"tenant": "a"}, ["b/1"]),
        ({"tenant": "a", "user": "ann"}, ["a/1", "b/1"]),
        ({"model": "m"}, []),
        ({"model": "m@1"}, []),
        ({"model": "n"}, ["a/1", "a/2", "b/1"]),
    ],
)
def test_clearing(store, asked, left):
    store.keep([entry(1, "a"), entry(2, "a", user="ann"), entry(1, "b")], {}, ROOMY, 1)
    before = store.cleared()
    assert store.clear(**asked) == 3 - len(left)
    assert store.cleared() != before
    assert [key for key in ("a/1", "a/2", "b/1") if store.find(key.encode(), 2)] == left


def test_a_question_that_comes_later_does_not_bring_back_what_was_cleared(store):
    store.keep([entry(1, scope=b"s")], {}, ROOMY, 1, frozenset({b"acme/1"}))
    assert held(store) == {}
    store.keep([entry(1)], {}, ROOMY, 1)
    store.keep([entry(1, scope=b"s")], {}, ROOMY, 1, frozenset({b"acme/1"}))
    assert len(store.questions(b"s", 0, 2)) == 1


DAMAGE = {
    "not a database": lambda path: path.write_bytes(b"not a database at all" * 300),
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "another version": lambda path: sqlite3.connect(path).execute("PRAGMA user_version = 99").connection.close(),
    "a table is missing": lambda path: sqlite3.connect(path).execute("DROP TABLE entries").connection.close(),
    "zeroes": lambda path: os.truncate(path, 4096) or path.write_bytes(bytes(40_000)),
}


@pytest.mark.parametrize("how", sorted(DAMAGE))
async def test_a_damaged_file_is_made_anew_and_turns_go_on(home, how):
    path = home / FILE
    way = Cached(opened(home))
    await way.ask("a")
    await way.cache.aclose()
    for ending in ("-wal", "-shm"):
        path.with_name(FILE + ending).unlink(missing_ok=True)
    DAMAGE[how](path)
    way = Cached(opened(home))
    assert (await way.ask("a")).outcome == "answered"
    assert (await way.ask("b")).outcome == "answered"
    assert (await way.ask("b")).cache == "exact"
    await way.cache.aclose()
    after = Cached(opened(home))
    assert (await after.ask("b")).cache == "exact"
    await after.cache.aclose()


async def test_a_file_damaged_under_a_running_worker_costs_no_turn(home, caches):
    way = Cached(caches())
    await way.ask("a")
    for number in range(6):
        if number == 2:
            for ending in ("", "-wal"):
                (home / f"{FILE}{ending}").write_bytes(b"\xff" * 20_000)
        if number == 4:
            (home / FILE).unlink(missing_ok=True)
        assert (await way.ask(f"q{number}")).outcome == "answered"
        await asyncio.sleep(0.05)

    async def kept():
        return bool(Store(home / FILE).sizes())

    await way.ask("after all")
    await eventually(kept)


async def test_a_place_that_cannot_be_written_costs_no_turn(home, caches, monkeypatch):
    def full(*_args):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Store, "keep", full)
    monkeypatch.setattr(Store, "find", full)
    way = Cached(caches())
    assert (await way.ask("a")).outcome == "answered"
    assert (await way.ask("a")).cache == "exact"  # from memory


async def test_erasing_a_tenants_texts_takes_the_answers_with_them(home, caches, monkeypatch):
    monkeypatch.setattr("zhongshu.storage.sealing._FRESH_S", 0.0)
    way, other = Cached(caches()), Cached(caches())
    await way.ask("a")
    await way.ask("a", tenant="other")

    async def sealed():
        return len(way.cache.front.text_keys()) == 2

    await eventually(sealed)
    keys = TextKeys(home)
    for row in keys.rows():
        if row.tenant == "acme":
            keys.shred("acme", row.month, 1, "test")

    async def forgotten():
        return len(way.cache.front) == 1

    await eventually(forgotten)
    assert (await other.ask("a")).cache == ""
    assert (await other.ask("a", tenant="other")).cache == "exact"
