"""What users of other gateways report of gateways that run for long: memory that grows, a database of logs in the way."""

import asyncio
import sqlite3

from tests.faults.asking import ask, chat
from tests.faults.conftest import port_of
from tests.faults.judging import processes_of, resident_kib, turns

LARGE = 200_000
SEVERAL = 8


async def many(port: int, number: int, letters: int) -> list[str]:
    """Turns whose texts are all different; the traces of those that were answered."""
    found: list[str] = []
    for begin in range(0, number, SEVERAL):
        texts = (f"{begin + place} {'word ' * (letters // 5)}" for place in range(SEVERAL))
        replies = await asyncio.gather(*(ask(port, chat("mock", text, user=f"user {hash(text)}")) for text in texts))
        found += [reply.trace for reply in replies if reply.acknowledged]
    return found


async def test_litellm_38193_new_api_5480_memory_does_not_grow_with_what_was_asked(pair):
    port = port_of(pair)

    def taken() -> int:
        workers = [pid for pid, command in processes_of(pair.home).items() if "zhongshu.app.worker" in command]
        assert len(workers) == 2
        return sum(map(resident_kib, workers))

    await many(port, 160, LARGE)
    before = taken()
    assert len(await many(port, 400, LARGE)) == 400
    grown_kib = taken() - before
    assert grown_kib < 400 * LARGE // 1024 // 2, "not even half of what has gone through stays"


async def test_litellm_12067_41499_bifrost_4838_turns_do_not_wait_for_the_database_of_the_ledger(pair):
    port = port_of(pair)
    known = len(await asyncio.to_thread(turns, pair.home))
    locked = sqlite3.connect(pair.home / "index.db", isolation_level=None, timeout=60)
    try:
        locked.execute("BEGIN EXCLUSIVE")
        answered = await many(port, 80, 100)
        assert len(answered) == 80
        assert locked.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0, "it was locked all the while"
    finally:
        locked.close()
    kept = {row.trace for row in await asyncio.to_thread(turns, pair.home)}
    assert set(answered) <= kept
    assert len(kept) >= known + 80
