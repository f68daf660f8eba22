"""Limits, budgets and revocation with two workers: what one has learnt or spent holds for both."""

import asyncio
import time

from tests.faults.asking import ask, chat
from tests.faults.conftest import port_of
from tests.faults.judging import turns
from tests.faults.keys import new_key, revoke, spent_nano
from tests.faults.test_worker_killed import MOST_NANO, PAID, PAID_STREAM

SEVERAL = 12


async def test_a_revoked_key_is_refused_everywhere_within_a_second(pair):
    key = new_key(pair)
    port = port_of(pair)
    assert {r.status for r in await asyncio.gather(*(ask(port, PAID, key=key.secret) for _ in range(SEVERAL)))} == {200}
    await asyncio.to_thread(revoke, pair, key)
    await asyncio.sleep(1.0)
    after = await asyncio.gather(*(ask(port, PAID, key=key.secret) for _ in range(4 * SEVERAL)))
    assert {(reply.status, reply.code) for reply in after} == {(401, "invalid_api_key")}


async def test_money_runs_out_once(pair):
    budget_nano = 10_000_000
    key = new_key(pair, budget="0.01", budget_period="total")
    refused: list[str] = []

    async def client(body) -> None:
        while len(refused) < 2 * SEVERAL:
            reply = await ask(port_of(pair), body, key=key.secret)
            assert reply.status in (200, 429), reply.body
            if reply.status == 429:
                refused.append(reply.code)
                await asyncio.sleep(0.05)

    await asyncio.gather(*(client(body) for body in (PAID, PAID_STREAM) * (SEVERAL // 2)))
    assert set(refused) <= {"insufficient_quota", "budget_too_small", "budget_reserved"}
    journal = sum(row.cost_nano for row in turns(pair.home, key=key.id))
    assert journal <= budget_nano + SEVERAL * MOST_NANO
    assert journal >= budget_nano // 2, "and is not refused long before it is spent"
    for _ in range(50):
        if spent_nano(pair, key) == journal:
            break
        await asyncio.sleep(0.1)
    assert spent_nano(pair, key) == journal


async def test_requests_a_minute_and_seats_hold_together(pair):
    key = new_key(pair, requests_per_minute=40)
    replies = await asyncio.gather(*(ask(port_of(pair), PAID, key=key.secret) for _ in range(80)))
    let_in = [reply for reply in replies if reply.status == 200]
    assert 30 <= len(let_in) <= 40
    refused = [reply for reply in replies if reply.status == 429]
    assert {reply.code for reply in refused} == {"rate_limit_exceeded"}
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in refused)

    key = new_key(pair, concurrency=5)
    slow = chat("mock", mock={"first_s": 1.0})
    replies = await asyncio.gather(*(ask(port_of(pair), slow, key=key.secret) for _ in range(20)))
    assert sum(reply.status == 200 for reply in replies) == 5
    assert {reply.code for reply in replies if reply.status != 200} == {"concurrency_exceeded"}
    since = time.monotonic()
    while (await ask(port_of(pair), PAID, key=key.secret)).status != 200:
        assert time.monotonic() - since < 5, "seats are given back"
