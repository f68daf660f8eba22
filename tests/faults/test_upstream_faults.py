"""An upstream or an engine that breaks while it answers: what the client is told, and that nothing else suffers."""

import asyncio
import os
import signal

import pytest

from tests.faults.asking import ask, begin, chat
from tests.faults.conftest import port_of
from tests.running import SMOL

# model -> how a stream of it ends for its client; "" is well. What breaks before the first event is refused by status.
STREAMS = {
    "mock": "",
    "mock-cut": "upstream_cut",
    "mock-reset-mid": "upstream_cut",
    "mock-no-done": "",
    "mock-error-mid": "upstream_error",
    "mock-bad-json": "upstream_malformed",
    "mock-bad-utf8": "upstream_malformed",
}
REFUSED = {
    "mock-close": (502, "upstream_unreachable"),
    "mock-reset": (502, "upstream_unreachable"),
    "mock-500": (502, "upstream_error"),
    "mock-429": (429, "upstream_rate_limited"),
    "mock-401": (502, "upstream_auth"),
    "mock-402": (502, "upstream_unpaid"),
    "mock-html": (502, "upstream_error"),
    "mock-context": (400, "context_length_exceeded"),
}


@pytest.mark.parametrize(("model", "code"), STREAMS.items())
async def test_a_stream_that_breaks_ends_with_an_error_event(house, model, code):
    reply = await ask(port_of(house), chat(model, stream=True))
    assert (reply.status, reply.whole, reply.done, reply.code) == (200, True, True, code)
    assert reply.acknowledged is not bool(code)
    shown = house.cli("ledger", "show", reply.trace, "--json")
    assert ('"outcome": "answered"' in shown) is not bool(code)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", REFUSED)
async def test_an_upstream_that_fails_before_the_first_piece_is_an_error_reply(house, model, stream):
    reply = await ask(port_of(house), chat(model, stream=stream))
    assert (reply.status, reply.code) == REFUSED[model]
    assert reply.json["error"]["message"]


@pytest.mark.engine
@pytest.mark.parametrize("stream", [False, True])
async def test_an_engine_killed_in_mid_answer(house, stream):
    port = port_of(house)
    long = chat(SMOL, "Count from one to two hundred.", stream=True, max_tokens=400)
    reply = None
    while reply is None or reply.acknowledged:  # a small model may be through before it is killed
        asking = await begin(port, long, events=5)
        plain = asyncio.create_task(ask(port, chat(SMOL, "Tell me a long story.", max_tokens=100)))
        if not stream:
            await asyncio.sleep(0.5)
        (engine,) = house.children()["zhongshu.engine.process"]
        os.kill(engine, signal.SIGKILL)
        reply = await asking.rest()
    assert (reply.code, reply.done) == ("engine_crashed", True)
    assert reply.events[-1]["error"]["type"] == "server_error"
    whole = await plain
    assert whole.acknowledged or whole.code == "engine_crashed"
    assert (await ask(port, chat("mock"))).acknowledged, "the rest of the platform does not notice"
    assert (await ask(port, chat(SMOL, max_tokens=3))).acknowledged, "the next turn finds a new engine"
    assert '"outcome": "cut"' in house.cli("ledger", "show", reply.trace, "--json")
