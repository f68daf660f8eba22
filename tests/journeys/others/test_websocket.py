"""Chat turns over the WebSocket: interleaved, cancelled, resumed after a break, with errors as messages."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.running import KEY
from tests.waiting import eventually


@pytest.fixture
def address(place):
    return place.url.replace("http", "ws") + "/v1/ws"


def opened(address):
    return connect(address, additional_headers={"authorization": f"Bearer {KEY}"}, open_timeout=60)


def ask(id, model="mock", **fields):
    return {
        "type": "ask",
        "id": id,
        "body": {"model": model, "messages": [{"role": "user", "content": "hi"}], **fields},
    }


async def say(socket, **message):
    await socket.send(json.dumps(message))


async def hear(socket):
    return json.loads(await asyncio.wait_for(socket.recv(), 60))


async def ready(socket):
    said = await hear(socket)
    assert said["type"] == "ready"
    return said


async def until_end(socket, id):
    heard = []
    while not heard or heard[-1]["type"] not in ("done", "error", "cancelled"):
        message = await hear(socket)
        if message.get("id") == id:
            heard.append(message)
    return heard


def text_of(heard):
    chunks = [m["chunk"] for m in heard if m["type"] == "delta"]
    return "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"])


async def test_one_turn_with_our_object_and_a_record(address, place, records):
    async with opened(address) as socket:
        await ready(socket)
        await say(socket, **ask("a"))
        heard = await until_end(socket, "a")
    assert [m["seq"] for m in heard] == list(range(1, len(heard) + 1))
    plain = place.chat("mock")[2]["choices"][0]["message"]["content"]
    assert text_of(heard) == plain
    last = heard[-2]["chunk"]
    assert last["usage"]["total_tokens"] > 0
    assert last["zhongshu"]["trace"] == heard[0]["turn"]
    assert last["zhongshu"]["label"]["explicit"] is True
    assert records(heard[0]["turn"])["outcome"] == "answered"


async def test_several_turns_at_once_and_a_ping_between(address):
    async with opened(address) as socket:
        await ready(socket)
        for name in ("a", "b", "c"):
            await say(socket, **ask(name, max_tokens=30, mock={"text": "word " * 30, "each_s": 0.1}))
        await say(socket, type="ping")
        order, ended = [], 0
        while ended < 3:
            message = await hear(socket)
            order.append(message.get("id", message["type"]))
            ended += message["type"] == "done"
    assert "pong" in order
    assert order.index("c") < len(order) - 1 - order[::-1].index("a")


async def test_cancelling_stops_the_upstream(address, unasked, records):
    stats = unasked.app.stats
    before = stats.left
    async with opened(address) as socket:
        await ready(socket)
        await say(socket, **ask("a", mock={"text": "word " * 2000, "each_s": 0.1}))
        turn = (await hear(socket))["turn"]
        await hear(socket)
        await say(socket, type="cancel", id="a")
        assert (await until_end(socket, "a"))[-1]["type"] == "cancelled"
        await say(socket, **ask("a"))
        assert (await until_end(socket, "a"))[-1]["type"] == "done"
    assert records(turn)["outcome"] == "left"
    await eventually(lambda: stats.left > before)
    assert stats.left == before + 1


async def test_a_turn_is_resumed_where_its_connection_broke(address):
    async with opened(address) as socket:
        await ready(socket)
        await say(socket, **ask("a", "mock-long"))
        first = [await hear(socket) for _ in range(20)]
        socket.transport.abort()
    async with connect(address) as socket:
        await say(socket, type="auth", key=KEY)
        await ready(socket)
        await say(socket, type="resume", id="again", turn=first[0]["turn"], after=first[-1]["seq"])
        rest = await until_end(socket, "again")
    both = first + rest
    assert [m["seq"] for m in both] == list(range(1, len(both) + 1))
    assert rest[-1]["type"] == "done"
    assert text_of(both).endswith("Line 40 of a long answer.")


async def test_only_its_own_key_may_resume_a_turn(address, stranger):
    async with opened(address) as socket:
        await ready(socket)
        await say(socket, **ask("a"))
        turn = (await until_end(socket, "a"))[0]["turn"]
    async with connect(address, additional_headers={"authorization": f"Bearer {stranger}"}) as socket:
        await ready(socket)
        await say(socket, type="resume", id="a", turn=turn)
        assert (await hear(socket))["error"]["code"] == "turn_not_kept"
    async with opened(address) as socket:
        await ready(socket)
        await say(socket, type="resume", id="a", turn=turn, after=3)
        assert (await until_end(socket, "a"))[-1]["type"] == "done"


async def test_a_client_that_reads_slowly_loses_nothing(address):
    """The buffer is 4 KB and the answer is far larger: the turn waits for its reader."""
    async with opened(address) as socket:
        await ready(socket)
        await say(socket, **ask("a", "mock-big"))
        heard = []
        while not heard or heard[-1]["type"] != "done":
            heard.append(await hear(socket))
            if len(heard) % 100 == 0:
                await asyncio.sleep(0.01)
    assert [m["seq"] for m in heard] == list(range(1, len(heard) + 1))
    assert len(text_of(heard)) > 1_000_000


@pytest.mark.parametrize(
    ("message", "code", "param"),
    [
        ("{", "invalid_json", None),
        ("[]", "invalid_value", None),
        ('{"type":"dance"}', "invalid_value", "type"),
        ('{"type":"ask","id":"a"}', "missing_field", "body"),
        ('{"type":"ask","id":"","body":{}}', "invalid_value", "id"),
        ('{"type":"ask","id":"a","body":{"model":"mock"}}', "missing_field", "messages"),
        (json.dumps(ask("a", temperature=9)), "invalid_value", "temperature"),
        ('{"type":"cancel","id":"nobody"}', "invalid_value", "id"),
        ('{"type":"resume","id":"a","turn":"x"}', "invalid_value", "turn"),
        (json.dumps({"type": "resume", "id": "a", "turn": "0" * 32}), "turn_not_kept", "turn"),
        ('{"type":"auth","key":"again"}', "invalid_value", "type"),
    ],
)
async def test_bad_messages_are_errors_and_the_connection_goes_on(address, message, code, param):
    async with opened(address) as socket:
        await ready(socket)
        await socket.send(message)
        said = await hear(socket)
        assert (said["type"], said["error"]["code"], said["error"]["param"]) == ("error", code, param)
        await say(socket, type="ping")
        assert (await hear(socket))["type"] == "pong"


async def test_refusals_and_faults_of_a_turn_are_its_errors(address):
    async with opened(address) as socket:
        await ready(socket)
        for model, code in (("none", "model_not_found"), ("mock-500", "upstream_error"), ("mock-cut", "upstream_cut")):
            await say(socket, **ask(model, model))
            assert (await until_end(socket, model))[-1]["error"]["code"] == code


async def test_too_many_turns_on_one_connection(address):
    async with opened(address) as socket:
        await ready(socket)
        for name in "abcd":
            await say(socket, **ask(name, "mock-hang"))
        while (said := await hear(socket))["type"] != "error":
            pass
        assert (said["id"], said["error"]["code"]) == ("d", "too_many_turns")
        for name in "abc":
            await say(socket, type="cancel", id=name)


async def test_without_a_key_or_with_a_wrong_one(address):
    for first, code in (({"type": "ping"}, "missing_key"), ({"type": "auth", "key": "zs_no"}, "invalid_api_key")):
        async with connect(address) as socket:
            await say(socket, **first)
            assert (await hear(socket))["error"]["code"] == code
            with pytest.raises(ConnectionClosed):
                await socket.recv()


async def test_a_message_that_is_too_large_ends_the_connection(address):
    async with opened(address) as socket:
        await ready(socket)
        with pytest.raises(ConnectionClosed):
            await socket.send("x" * 34_000_000)
            await socket.recv()


async def test_there_is_nothing_at_other_addresses(place):
    with pytest.raises(InvalidStatus):
        async with connect(place.url.replace("http", "ws") + "/v1/chat/completions"):
            pass
