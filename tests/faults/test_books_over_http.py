"""Mixed turns over real HTTP: four protocols, plain and streamed, good and failing upstreams, clients that leave, answers
given again - by two workers. Afterwards replies, records and budgets agree to the token and the billionth.

ZHONGSHU_TEST_TURNS says how many; 10,000 take some minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
from decimal import Decimal

import pytest

from tests.faults.asking import Asking, Reply, ask, request
from tests.faults.conftest import SERVER, port_of
from tests.faults.judging import turns, verified
from tests.faults.keys import new_key, spent_nano
from tests.running import over, platform
from tests.waiting import eventually
from zhongshu.upstreams.scripted.serve import serving

TURNS = int(os.environ.get("ZHONGSHU_TEST_TURNS", "400"))
AT_ONCE = 8
MODELS = {
    name: name
    for name in (
        "mock", "mock-thought", "mock-tools", "mock-usage-missing", "mock-usage-each", "mock-500", "mock-429", "mock-cut",
    )
}  # fmt: skip
CACHED = (
    '[[models]]\nname = "cached"\nupstream = "scripted"\nupstream_model = "mock"\ncache = "exact"\n'
    'price = { input = 2.0, output = 8.0, currency = "CNY" }\n'
)
PATHS = {
    "openai": "/v1/chat/completions",
    "responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/{model}:{method}",
}


def asked(protocol: str, model: str, text: str, stream: bool) -> tuple[str, dict[str, object]]:
    """Where and what to ask."""
    said = [{"role": "user", "content": text}]
    if protocol == "gemini":
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        body = {"contents": [{"role": "user", "parts": [{"text": text}]}], "generationConfig": {"temperature": 0}}
        return PATHS[protocol].format(model=model, method=method), body
    fields = {"responses": {"input": text, "store": False}, "anthropic": {"messages": said, "max_tokens": 64}}
    body = {"model": model, "stream": stream, "temperature": 0, **fields.get(protocol, {"messages": said})}
    return PATHS[protocol], body


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with serving() as upstream:
        settings = over(upstream.port, MODELS, SERVER + "workers = 2\n") + CACHED
        with platform(tmp_path_factory.mktemp("books"), settings) as running:
            yield running


async def left(port: int, body: dict[str, object], **how: str) -> Reply:
    """A client that goes away once the reply has begun."""
    asking = await Asking(port).open(request(body, **how))
    await asking.head()
    asking.leave(reset=True)
    return asking.reply


async def settled(running, keys, expected: dict[str, int]) -> dict[str, int]:
    """What the counters say, once every worker has accounted for what it knew."""
    spent: dict[str, int] = {}

    async def agreed() -> bool:
        spent.update({key.id: await asyncio.to_thread(spent_nano, running, key) for key in keys})
        return spent == expected

    with contextlib.suppress(AssertionError):  # whoever asked says what differs
        await eventually(agreed)
    return spent


async def recorded(running) -> int:
    """Ended turns of ours in the ledger, once no more are on their way."""
    with contextlib.suppress(AssertionError):  # whoever asked says which are missing
        await eventually(lambda: len(turns(running.home)) >= TURNS)
    return len(turns(running.home))


async def test_new_api_5698_litellm_34732_37923_replies_records_and_budgets_agree(running):
    dice, port = random.Random(7), port_of(running)
    keys = [new_key(running, budget="1000", budget_period="total") for _ in range(3)]
    replies: list[Reply] = []

    async def turn(number: int) -> None:
        protocol, model = dice.choice(list(PATHS)), dice.choice([*MODELS, "cached", "cached"])
        stream, leaves = dice.random() < 0.5, dice.random() < 0.2
        text = f"question {number % 5}" if model == "cached" else f"question {number}"
        path, body = asked(protocol, model, text, stream)
        how = {"path": path, "key": dice.choice(keys).secret}
        reply = await (left(port, body, **how) if stream and leaves else ask(port, body, **how))
        reply.asked = (protocol, model, stream, leaves)
        replies.append(reply)

    for begin in range(0, TURNS, AT_ONCE):
        await asyncio.gather(*(turn(number) for number in range(begin, min(begin + AT_ONCE, TURNS))))

    assert await recorded(running) == TURNS, [
        (reply.asked, reply.status, reply.trace, reply.body[:200])
        for reply in replies
        if reply.trace not in {row.trace for row in turns(running.home)}
    ]
    rows = {row.trace: row for row in turns(running.home)}
    assert (
        {"answered", "failed", "cut"} <= {row.outcome for row in rows.values()} <= {"answered", "failed", "cut", "left"}
    )
    assert {row.cache for row in rows.values()} == {"", "exact"}
    expected = {key.id: sum(row.cost_nano for row in rows.values() if row.key_id == key.id) for key in keys}
    assert await settled(running, keys, expected) == expected
    assert sum(expected.values()) == sum(row.cost_nano for row in rows.values()) > 0
    whole = [reply for reply in replies if reply.status == 200 and reply.whole and not reply.streamed]
    assert len(whole) > TURNS // 8
    for reply in whole:
        told, row = json.loads(reply.body)["zhongshu"], rows[reply.trace]
        assert (told["usage"]["prompt"], told["usage"]["completion"]) == (row.prompt_tokens, row.completion_tokens)
        assert Decimal(told["cost"]["amount"]) * 10**9 == row.cost_nano
        assert told.get("cache", "") == row.cache
    for row in rows.values():
        if row.outcome == "answered" and not row.cache:
            assert row.cost_nano == row.prompt_tokens * 2000 + row.completion_tokens * 8000
        if row.cache:
            assert row.cost_nano == 0
    verified(running)
