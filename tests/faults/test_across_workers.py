"""Limits, budgets and revocation with two workers: what one has learnt or spent holds for both."""

import asyncio

from tests.faults.asking import Asking, ask, chat, request
from tests.faults.conftest import port_of
from tests.faults.judging import turns
from tests.faults.keys import new_key, revoke, spent_nano
from tests.faults.test_worker_killed import MOST_NANO, PAID, PAID_STREAM
from tests.waiting import eventually

SEVERAL = 12


async def test_a_revoked_key_is_refused_everywhere_within_a_second(pair):
    """A machine that stands still may take longer once, but not every time; and then it is refused for good."""
    port = port_of(pair)

    async def said(key, number: int) -> set[tuple[int, str]]:
        replies = await asyncio.gather(*(ask(port, PAID, key=key.secret) for _ in range(number)))
        return {(reply.status, reply.code) for reply in replies}

    in_time = []
    while not any(in_time):
        assert len(in_time) < 5, "never within a second"
        key = new_key(pair)
        assert await said(key, SEVERAL) == {(200, "")}
        await asyncio.to_thread(revoke, pair, key)
        await asyncio.sleep(1.0)
        in_time.append(await said(key, 4 * SEVERAL) == {(401, "invalid_api_key")})
    assert await said(key, SEVERAL) == {(401, "invalid_api_key")}


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
    await eventually(lambda: spent_nano(pair, key) == journal, "the counters come to what the journal says")


async def test_requests_a_minute_and_seats_hold_together(pair):
    key = new_key(pair, requests_per_minute=40)
    replies = await asyncio.gather(*(ask(port_of(pair), PAID, key=key.secret) for _ in range(80)))
    let_in = [reply for reply in replies if reply.status == 200]
    assert 30 <= len(let_in) <= 40
    refused = [reply for reply in replies if reply.status == 429]
    assert {reply.code for reply in refused} == {"rate_limit_exceeded"}
    assert all(int(reply.headers["retry-after"]) >= 1 for reply in refused)

    key = new_key(pair, concurrency=5)
    hanging = request(chat("mock-hang"), key=key.secret)
    asking = await asyncio.gather(*(Asking(port_of(pair)).open(hanging) for _ in range(20)))
    heads = [asyncio.create_task(one.head()) for one in asking]
    await eventually(lambda: sum(head.done() for head in heads) >= 15)
    told = [one for one, head in zip(asking, heads, strict=True) if head.done()]
    assert {(one.reply.status, (await one.rest()).code) for one in told} == {(429, "concurrency_exceeded")}
    assert len(told) == 15
    for one, head in zip(asking, heads, strict=True):
        if one not in told:
            head.cancel()
        one.leave()
    await eventually(lambda: _let_in(pair, key), "seats are given back")


async def _let_in(pair, key) -> bool:
    return (await ask(port_of(pair), PAID, key=key.secret)).status == 200
