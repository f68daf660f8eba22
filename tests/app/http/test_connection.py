"""Requests on a kept connection over a real socket, whatever way their bytes are cut."""

import asyncio
import contextlib
import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.waiting import eventually
from zhongshu.api.asgi import BODY, headers_by_name
from zhongshu.app.serving import listening_socket, server


async def echo(scope, receive, send):
    """Says what was asked: once by ASGI's words, once by the short ones, as the path wants it."""
    given_whole = scope.get(BODY)
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        if not message["more_body"]:
            break
    assert given_whole in (None, body)
    said = json.dumps(
        {
            "path": scope["path"],
            "query": scope["query_string"].decode(),
            "length": headers_by_name(scope).get(b"content-length", b"").decode(),
            "body": body.decode("latin-1"),
        }
    ).encode()
    if scope["path"] == "/broken":
        raise LookupError("a secret of the caller's")
    if scope["path"] == "/short" and send.reply(200, b"content-type: text/plain\r\n", said):
        return
    if scope["path"] == "/pieces":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for at in range(0, len(said), 7):
            if not send.piece(said[at : at + 7]):
                await send({"type": "http.response.body", "body": said[at : at + 7], "more_body": True})
        return await send({"type": "http.response.body"})
    headers = [(b"content-length", b"%d" % len(said))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": said})


@contextlib.asynccontextmanager
async def served(app=echo, **bounds):
    listener = listening_socket("127.0.0.1", 0, 64)
    running = server(app, **({"keep_alive_s": 30, "arrive_within_s": 30, "backlog": 64} | bounds))
    running.config.loop = "none"
    task = asyncio.create_task(running.serve(sockets=[listener]))
    await eventually(lambda: running.started)
    try:
        yield listener.getsockname()[1]
    finally:
        running.stop(1)
        await task


def request(path: str, body: bytes, *more: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: here", "Content-Type: text/plain", f"Content-Length: {len(body)}", *more]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def read(reader) -> tuple[int, dict, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *lines = head.decode().strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int((await reader.readline()).strip(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers["content-length"]))
    return int(line.split()[1]), headers, body


ASKED = [
    ("/long", b"one"), ("/long", b"three"), ("/short", b""), ("/short", b"x" * 300), ("/short?a=b", b"y"),
    ("/pieces", b"z" * 40), ("/long", b"x" * 70_000), ("/short", b"x" * 70_000), ("/short", b"last"),
]  # fmt: skip


def right(asked, reply) -> None:
    (where, body), (status, _, said) = asked, reply
    path, _, query = where.partition("?")
    wanted = {"path": path, "query": query, "length": str(len(body)), "body": body.decode()}
    assert (status, json.loads(said)) == (200, wanted)


@pytest.mark.parametrize("pipelined", [False, True])
async def test_each_request_has_its_own_reply(pipelined):
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if pipelined:
            writer.write(b"".join(request(*asked) for asked in ASKED))
        for asked in ASKED:
            if not pipelined:
                writer.write(request(*asked))
            right(asked, await read(reader))
        writer.close()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(cuts=st.lists(st.integers(1, 900), max_size=12))
async def test_any_cutting_of_the_bytes_gives_the_same_replies(cuts):
    asked = [each for each in ASKED if len(each[1]) < 1000] * 2
    data = b"".join(request(*each) for each in asked)
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        places = sorted({at % len(data) for at in (sum(cuts[:end]) for end in range(len(cuts) + 1))} | {0, len(data)})
        for begin, end in itertools.pairwise(places):
            writer.write(data[begin:end])
            await asyncio.sleep(0)
        for each in asked:
            right(each, await read(reader))
        writer.close()


async def test_a_broken_application_is_told_of_without_its_words(caplog):
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request("/broken", b"mine"))
        status, headers, body = await read(reader)
        assert (status, headers["connection"], await reader.read()) == (500, "close", b"")
        assert json.loads(body)["error"]["code"] == "internal_error"
        writer.close()
    assert "LookupError" in caplog.text
    assert "secret" not in caplog.text


async def test_a_connection_that_says_close_is_closed():
    async with served() as port:
        for path in ("/short", "/long"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request(path, b"b", "Connection: close"))
            status, headers, _ = await read(reader)
            assert (status, headers["connection"], await reader.read()) == (200, "close", b"")
            writer.close()


async def test_who_waits_to_be_told_is_told():
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        asked = request("/short", b"later", "Expect: 100-continue")
        writer.write(asked[: -len(b"later")])
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"later")
        right(("/short", b"later"), await read(reader))
        writer.close()


async def test_an_idle_connection_is_closed_and_a_busy_one_is_not():
    release = asyncio.Event()

    async def slow(scope, receive, send):
        await release.wait()
        await echo(scope, receive, send)

    async with served(slow, keep_alive_s=1.0) as port:
        busy, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request("/short", b"b"))
        await asyncio.sleep(2.5)
        release.set()
        right(("/short", b"b"), await read(busy))
        assert await busy.read() == b""  # now it is idle
        writer.close()


async def test_a_reply_may_take_longer_than_its_request_that_came_in_two_pieces():
    async def slow(scope, receive, send):
        await asyncio.sleep(3.0)
        await echo(scope, receive, send)

    async with served(slow, arrive_within_s=1.5) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for asked in [("/long", b"first"), ("/long", b"second")]:
            head, body = request(*asked)[: -len(asked[1])], asked[1]
            writer.write(head)
            await asyncio.sleep(0.05)
            writer.write(body)
            right(asked, await read(reader))
        writer.close()


async def test_one_socket_is_read_no_further_than_what_is_being_answered():
    release = asyncio.Event()

    async def slow(scope, receive, send):
        await release.wait()
        await echo(scope, receive, send)

    async with served(slow) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in range(5):
            writer.write(request("/short", b"%d" % number))
            await asyncio.sleep(0.02)
        release.set()
        for number in range(5):
            right(("/short", b"%d" % number), await read(reader))
        writer.close()
