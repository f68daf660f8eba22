"""A turn is resumed whichever worker its client comes back to, and cancelled from there."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect

from tests.running import KEY, over, platform
from zhongshu.upstreams.scripted.script import SHIPPED
from zhongshu.upstreams.scripted.serve import serving


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    with serving() as upstream:
        settings = over(upstream.port, {name: name for name in SHIPPED}, "[server]\nworkers = 3\n")
        with platform(tmp_path_factory.mktemp("several"), settings) as running:
            yield running


async def opened(running):
    socket = await connect(
        running.url.replace("http", "ws") + "/v1/ws",
        additional_headers={"authorization": f"Bearer {KEY}"},
        open_timeout=60,
    )
    await socket.recv()
    return socket


async def hear(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), 60))


async def say(socket, **message):
    await socket.send(json.dumps(message))


async def begun(running, model, pieces, **fields):
    """A turn whose connection broke after so many pieces."""
    socket = await opened(running)
    body = {"model": model, "max_tokens": 60, "messages": [{"role": "user", "content": "hi"}], **fields}
    await say(socket, type="ask", id="a", body=body)
    heard = [await hear(socket) for _ in range(pieces)]
    socket.transport.abort()
    return heard


async def test_resumed_on_whichever_worker_answers(several):
    for _ in range(5):
        heard = await begun(several, "mock-long", 10)
        socket = await opened(several)
        await say(socket, type="resume", id="b", turn=heard[0]["turn"], after=10)
        while heard[-1]["type"] == "delta":
            heard.append(await hear(socket))
        assert heard[-1]["type"] == "done"
        assert [message["seq"] for message in heard] == list(range(1, len(heard) + 1))
        await socket.close()


async def test_cancelled_from_whichever_worker_answers(several):
    for _ in range(5):
        heard = await begun(several, "mock", 2, max_tokens=2000, mock={"text": "word " * 2000, "each_s": 0.05})
        socket = await opened(several)
        await say(socket, type="resume", id="b", turn=heard[0]["turn"], after=2)
        await say(socket, type="cancel", id="b")
        while (message := await hear(socket))["type"] == "delta":
            pass
        assert message["type"] == "cancelled"
        await socket.close()


async def test_a_turn_that_nobody_has(several):
    socket = await opened(several)
    await say(socket, type="resume", id="b", turn="0" * 32, after=0)
    assert (await hear(socket))["error"]["code"] == "turn_not_kept"
    await socket.close()
