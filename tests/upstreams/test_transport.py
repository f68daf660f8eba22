"""The transport against real sockets: phases of waiting, ways of breaking, pooling, leaving, proxies."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from tests.waiting import eventually
from zhongshu.core.problems import Fault
from zhongshu.upstreams.connection import Connection
from zhongshu.upstreams.transport import HttpTransport, Limits, Request, drain

ASK = Request("POST", "/x", b"hello")
Handler = Callable[["Peer"], Awaitable[None]]


class Peer:
    """One connection as the server sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """The next request's head and body; raises when the client has gone."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        return head + (await self.reader.readexactly(length[0]) if length else b"")

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self, body: bytes = b"ok") -> None:
        await self.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

    async def begin(self) -> None:
        await self.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        await self.say(b"%x\r\n%b\r\n" % (len(data), data))

    def reset(self) -> None:
        own = self.writer.get_extra_info("socket")
        with socket.socket(fileno=os.dup(own.fileno())) as double:
            double.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Server:
    """A little server that counts its connections."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests = 0
        self.port = 0
        self.left = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.asynccontextmanager
async def listening(handler: Callable[[Peer, Server], Awaitable[None]]) -> AsyncIterator[Server]:
    server = Server()
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        running.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            await handler(Peer(reader, writer), server)
        except (asyncio.IncompleteReadError, ConnectionError):
            server.left.set()
        except asyncio.CancelledError:
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for task in running:
            task.cancel()


@contextlib.asynccontextmanager
async def transport(url: str, **limits: float) -> AsyncIterator[HttpTransport]:
    made = HttpTransport("there", url, limits=Limits(**limits))  # type: ignore[arg-type]
    try:
        yield made
    finally:
        await made.aclose()


async def problem_of(work: Awaitable[object]) -> str:
    with pytest.raises(Fault) as caught:
        await work
    problem = caught.value.problem
    assert "there" in problem.message
    return problem.code if problem.code != "upstream_timeout" else problem.message


async def read_all(t: HttpTransport) -> bytes:
    opened = await t.open(ASK)
    return b"".join([chunk async for chunk in opened])


async def test_a_reply_comes_back_whole_and_the_connection_is_kept() -> None:
    async def echo(peer: Peer, server: Server) -> None:
        while True:
            await peer.reply(await peer.request())

    async with listening(echo) as server, transport(server.url) as t:
        for _ in range(3):
            response = await t.send(ASK)
            assert response.status == 200
            assert response.body.endswith(b"hello")
            assert response.header("Content-Length") == str(len(response.body))
            assert response.header("absent") is None
        assert await read_all(t) == response.body
        assert server.connections == 1


async def test_headers_and_address_are_the_upstreams() -> None:
    async def echo(peer: Peer, server: Server) -> None:
        await peer.reply(await peer.request())

    async with listening(echo) as server:
        t = HttpTransport("there", server.url + "/v1/", headers=(("Authorization", "Bearer k"),))
        request = Request("POST", "/chat", b"{}", (("content-type", "application/json"),))
        text = (await t.send(request)).body.lower()
        await t.aclose()
    assert text.startswith(b"post /v1/chat http/1.1\r\n")
    assert b"authorization: bearer k\r\n" in text
    assert b"content-type: application/json\r\n" in text
    assert b"accept-encoding" not in text


async def test_pieces_come_as_they_arrive() -> None:
    go = asyncio.Event()

    async def two(peer: Peer, server: Server) -> None:
        await peer.request()
        await peer.begin()
        await peer.chunk(b"first")
        await go.wait()
        await peer.chunk(b"second")
        await peer.say(b"0\r\n\r\n")
        await peer.request()

    async with listening(two) as server, transport(server.url) as t:
        opened = await t.open(ASK)
        assert await opened.read() == b"first"
        go.set()
        assert await opened.read() == b"second"
        assert await opened.read() == b""
        assert await opened.read() == b""


async def hang_before_head(peer: Peer, server: Server) -> None:
    await peer.request()
    server.requests += 1
    await peer.request()


async def hang_in_body(peer: Peer, server: Server) -> None:
    await peer.request()
    server.requests += 1
    await peer.begin()
    await peer.chunk(b"one")
    await peer.request()


async def hang_in_long_body(peer: Peer, server: Server) -> None:
    await peer.request()
    await peer.begin()
    await peer.chunk(b"x" * 100_000)
    await peer.request()


async def trickle(peer: Peer, server: Server) -> None:
    await peer.request()
    await peer.begin()
    while True:
        await peer.chunk(b"x")
        await asyncio.sleep(0.01)


async def cut_in_body(peer: Peer, server: Server) -> None:
    await peer.request()
    await peer.begin()
    await peer.chunk(b"one")


async def cut_short(peer: Peer, server: Server) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")


async def reset_in_body(peer: Peer, server: Server) -> None:
    await cut_in_body(peer, server)
    await asyncio.sleep(0.02)
    peer.reset()


async def close_at_once(peer: Peer, server: Server) -> None:
    await peer.request()


async def reset_at_once(peer: Peer, server: Server) -> None:
    await peer.request()
    peer.reset()


async def talk_nonsense(peer: Peer, server: Server) -> None:
    await peer.request()
    await peer.say(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


FIRST = "first byte, 0.1 s"
IDLE = "idle, 0.2 s"
TOTAL = "total, 0.15 s"


@pytest.mark.parametrize(
    ("handler", "limits", "sent", "streamed"),
    [
        (hang_before_head, {"first_byte_s": 0.1}, FIRST, FIRST),
        (hang_in_body, {"idle_s": 0.2}, IDLE, IDLE),
        (hang_in_long_body, {"idle_s": 0.2}, IDLE, IDLE),
        (trickle, {"total_s": 0.15}, TOTAL, TOTAL),
        (hang_before_head, {"total_s": 0.15}, TOTAL, TOTAL),
        (cut_in_body, {}, "upstream_cut", "upstream_cut"),
        (cut_short, {}, "upstream_cut", "upstream_cut"),
        (reset_in_body, {}, "upstream_cut", "upstream_cut"),
        (close_at_once, {}, "upstream_unreachable", "upstream_unreachable"),
        (reset_at_once, {}, "upstream_unreachable", "upstream_unreachable"),
        (talk_nonsense, {}, "upstream_malformed", "upstream_malformed"),
    ],
)
async def test_every_way_of_failing_has_its_problem(
    handler: Callable[[Peer, Server], Awaitable[None]], limits: dict[str, float], sent: str, streamed: str
) -> None:
    async with listening(handler) as server, transport(server.url, **limits) as t:
        assert sent in await problem_of(t.send(ASK))
        assert streamed in await problem_of(read_all(t))


async def test_nobody_there() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with transport(f"http://127.0.0.1:{unused.getsockname()[1]}") as t:
            assert await problem_of(t.send(ASK)) == "upstream_unreachable"


async def test_a_name_that_is_not_known() -> None:
    async with transport("http://nowhere.invalid") as t:
        assert await problem_of(t.send(ASK)) == "upstream_unreachable"


async def test_a_server_that_does_not_speak_tls() -> None:
    async def plain(peer: Peer, server: Server) -> None:
        await peer.reader.readexactly(5)
        await peer.reply()

    async with listening(plain) as server, transport(f"https://127.0.0.1:{server.port}") as t:
        assert await problem_of(t.send(ASK)) == "upstream_unreachable"


async def test_connecting_takes_too_long() -> None:
    """A listener whose queue is full leaves further connections without an answer."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        async with transport(f"http://127.0.0.1:{port}", connect_s=0.2) as t:
            assert "connect, 0.2 s" in await problem_of(t.send(ASK))
        for one in waiting:
            one.close()


async def test_a_limit_that_is_kept_does_not_fire() -> None:
    async def slowly(peer: Peer, server: Server) -> None:
        await peer.request()
        await asyncio.sleep(0.05)
        await peer.begin()
        for _ in range(8):  # 4 s in all
            await peer.chunk(b"x")
            await asyncio.sleep(0.5)
        await peer.say(b"0\r\n\r\n")

    async with listening(slowly) as server, transport(server.url, first_byte_s=60, idle_s=3, total_s=60) as t:
        assert await read_all(t) == b"x" * 8


async def test_our_timeout_does_not_swallow_somebody_elses_cancelling() -> None:
    async with listening(hang_before_head) as server, transport(server.url, first_byte_s=30) as t:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await t.send(ASK)
        task = asyncio.create_task(t.send(ASK))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()


@pytest.mark.parametrize("handler", [hang_before_head, hang_in_body])
async def test_leaving_resets_the_connection_at_once(handler: Callable[[Peer, Server], Awaitable[None]]) -> None:
    async with listening(handler) as server, transport(server.url) as t:
        task = asyncio.create_task(t.send(ASK))
        await eventually(lambda: server.requests)
        task.cancel()
        await eventually(server.left.is_set)


async def test_closing_an_open_reply_stops_what_is_drawn() -> None:
    """What the server could still send after the client left is what the buffers of two sockets hold, not more."""
    drawn = 0

    async def flood(peer: Peer, server: Server) -> None:
        nonlocal drawn
        await peer.request()
        await peer.begin()
        while True:
            await peer.chunk(b"x" * 1000)
            drawn += 1000
            await asyncio.sleep(0.001)

    async with listening(flood) as server, transport(server.url) as t:
        opened = await t.open(ASK)
        received = 0
        for _ in range(5):
            received += len(await opened.read())
        await opened.aclose()
        await eventually(server.left.is_set)
        assert drawn - received < 20_000
        assert await opened.read() == b""


async def test_a_stale_connection_does_not_fail_a_request() -> None:
    """The server closes a kept connection just as the next request arrives: nothing was answered, so it is sent again."""

    async def one_each(peer: Peer, server: Server) -> None:
        await peer.request()
        await peer.reply()
        await peer.request()
        server.requests += 1

    async with listening(one_each) as server, transport(server.url) as t:
        assert (await t.send(ASK)).body == b"ok"
        assert (await t.send(ASK)).body == b"ok"
        assert await read_all(t) == b"ok"
        assert server.requests == 2
        assert server.connections == 3


async def test_a_server_that_keeps_closing_is_tried_twice_and_no_more() -> None:
    async def once(peer: Peer, server: Server) -> None:
        await peer.request()
        server.requests += 1
        if server.requests == 1:
            await peer.reply()
            await peer.request()
            server.requests += 1

    async with listening(once) as server, transport(server.url) as t:
        await t.send(ASK)
        assert await problem_of(t.send(ASK)) == "upstream_unreachable"
        assert server.requests == 3


async def test_a_reply_over_the_limit_is_refused() -> None:
    async def big(peer: Peer, server: Server) -> None:
        await peer.request()
        await peer.reply(b"x" * 300_000)

    async with listening(big) as server:
        async with transport(server.url, body_bytes=200_000) as t:
            assert await problem_of(t.send(ASK)) == "upstream_malformed"
        async with transport(server.url, body_bytes=400_000) as t:
            assert len((await t.send(ASK)).body) == 300_000


async def test_redirects_are_not_followed() -> None:
    async def elsewhere(peer: Peer, server: Server) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")

    async with listening(elsewhere) as server, transport(server.url) as t:
        assert (await t.send(ASK)).status == 307


async def test_drain_keeps_the_connection_when_the_body_ends_and_does_not_wait_when_it_does_not() -> None:
    async def ends(peer: Peer, server: Server) -> None:
        while True:
            await peer.request()
            await peer.begin()
            await peer.chunk(b"last")
            await peer.say(b"0\r\n\r\n")

    for handler, connections, within_s in ((ends, 1, 60), (hang_in_body, 2, 0.1)):
        async with listening(handler) as server, transport(server.url) as t:
            for _ in range(2):
                opened = await t.open(ASK)
                await opened.read()
                await drain(opened, within_s)
            assert server.connections == connections


async def test_an_http_proxy_is_used() -> None:
    async def proxy(peer: Peer, server: Server) -> None:
        await peer.reply(await peer.request())

    async with listening(proxy) as server:
        t = HttpTransport("there", "http://model.example", proxy=server.url)
        text = (await t.send(ASK)).body
        await t.aclose()
    assert text.startswith(b"POST http://model.example/x HTTP/1.1\r\n")


async def test_a_connect_proxy_is_asked_for_tls() -> None:
    seen: list[bytes] = []

    async def proxy(peer: Peer, server: Server) -> None:
        seen.append(await peer.request())
        await peer.say(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")

    async with listening(proxy) as server:
        t = HttpTransport("there", "https://model.example", proxy=server.url)
        assert await problem_of(t.send(ASK)) == "upstream_unreachable"
        await t.aclose()
    assert seen[0].startswith(b"CONNECT model.example:443 HTTP/1.1\r\n")


async def test_a_socks_proxy_gets_the_name() -> None:
    seen: list[bytes] = []

    async def socks(peer: Peer, server: Server) -> None:
        assert await peer.reader.readexactly(3) == b"\x05\x01\x00"
        await peer.say(b"\x05\x00")
        seen.append(await peer.reader.readexactly(5 + 13 + 2))
        await peer.say(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")
        await peer.reply(await peer.request())

    async with listening(socks) as server:
        t = HttpTransport("there", "http://model.example", proxy=f"socks5h://127.0.0.1:{server.port}")
        assert (await t.send(ASK)).body.startswith(b"POST /x HTTP/1.1")
        await t.aclose()
    assert seen == [b"\x05\x01\x00\x03\x0dmodel.example\x00\x50"]


async def test_the_environments_proxy_is_not_used_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def proxy(peer: Peer, server: Server) -> None:
        await peer.request()
        await peer.reply(b"by proxy")

    async with listening(proxy) as server:
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, server.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        t = HttpTransport("there", "http://model.invalid", proxy="system")
        assert (await t.send(ASK)).body == b"by proxy"
        await t.aclose()
        async with transport("http://model.invalid") as direct:
            assert await problem_of(direct.send(ASK)) == "upstream_unreachable"


async def test_announcements_before_the_reply_are_passed_over() -> None:
    async def early(peer: Peer, server: Server) -> None:
        while True:
            await peer.request()
            await peer.say(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")
            await peer.reply()

    async with listening(early) as server, transport(server.url) as t:
        for _ in range(2):
            response = await t.send(ASK)
            assert (response.status, response.body, response.header("link")) == (200, b"ok", None)
        assert await read_all(t) == b"ok"
        assert server.connections == 1


async def test_a_body_without_a_length_ends_with_its_connection() -> None:
    async def old(peer: Peer, server: Server) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.0 200 OK\r\n\r\nold")
        await peer.say(b" style")

    async with listening(old) as server, transport(server.url) as t:
        assert (await t.send(ASK)).body == b"old style"
        assert await read_all(t) == b"old style"
        assert server.connections == 2


async def test_a_head_without_end_is_refused() -> None:
    async def endless(peer: Peer, server: Server) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n")
        while True:
            await peer.say(b"x-filler: " + b"y" * 1000 + b"\r\n")

    async with listening(endless) as server, transport(server.url) as t:
        assert await problem_of(t.send(ASK)) == "upstream_malformed"


async def test_what_comes_unasked_closes_the_connection() -> None:
    async def talkative(peer: Peer, server: Server) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" * 2)
        await peer.request()

    async with listening(talkative) as server, transport(server.url) as t:
        for _ in range(2):
            assert (await t.send(ASK)).body == b"ok"
            await eventually(server.left.is_set)
            server.left.clear()
        assert await read_all(t) == b"ok"


async def test_a_slow_reader_holds_the_server_back() -> None:
    sent = 0

    async def flood(peer: Peer, server: Server) -> None:
        nonlocal sent
        await peer.request()
        await peer.begin()
        for _ in range(1000):
            await peer.chunk(b"x" * 50_000)
            sent += 50_000
        await peer.say(b"0\r\n\r\n")

    async with listening(flood) as server, transport(server.url) as t:
        opened = await t.open(ASK)
        await opened.read()
        await asyncio.sleep(0.3)
        assert sent < 20_000_000
        assert sum([len(chunk) async for chunk in opened]) > 49_000_000


async def test_no_more_connections_than_allowed() -> None:
    at_once, most = 0, 0

    async def slow(peer: Peer, server: Server) -> None:
        nonlocal at_once, most
        while True:
            await peer.request()
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0.02)
            at_once -= 1
            await peer.reply()

    async with listening(slow) as server, transport(server.url, connections=2) as t:
        replies = await asyncio.gather(*[t.send(ASK) for _ in range(7)])
        assert [reply.body for reply in replies] == [b"ok"] * 7
        assert (server.connections, most) == (2, 2)


async def test_waiting_for_a_free_connection_has_a_limit_and_may_be_given_up() -> None:
    async with listening(hang_before_head) as server, transport(server.url, connections=1, connect_s=1.0) as t:
        first = asyncio.create_task(t.send(ASK))
        await eventually(lambda: server.requests)
        given_up = asyncio.create_task(t.send(ASK))
        await asyncio.sleep(0.02)
        given_up.cancel()
        assert "pool, 1 s" in await problem_of(t.send(ASK))
        first.cancel()
        await asyncio.gather(first, given_up, return_exceptions=True)


async def test_a_header_with_a_line_end_cannot_be_made() -> None:
    for value in ("k\r\nx: y", "k\x00", "密钥"):
        with pytest.raises(ValueError, match="cannot be sent"):
            HttpTransport("there", "http://127.0.0.1:1", headers=(("Authorization", value),))


async def test_connections_of_a_busier_time_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    all_here = asyncio.Event()

    async def slow(peer: Peer, server: Server) -> None:
        while True:
            await peer.request()
            if server.connections == 8:
                all_here.set()
            await all_here.wait()
            await peer.reply()

    async with listening(slow) as server, transport(server.url) as t:
        await asyncio.gather(*[t.send(ASK) for _ in range(8)])
        assert server.connections == 8
        monkeypatch.setattr("zhongshu.upstreams.transport._KEEP_S", 0.05)
        await asyncio.sleep(0.06)
        await t.send(ASK)
        assert server.connections == 9
        assert len(t._idle) == 1


def kept() -> int:
    """Connections and failures that there are, other tests' included."""
    return sum(isinstance(o, Connection | Fault) for o in gc.get_objects())


@contextlib.contextmanager
def no_collector() -> Iterator[int]:
    """Nothing is freed but what nobody refers to any more; what `kept` is now."""
    gc.collect()
    gc.disable()
    before = kept()
    try:
        yield before
    finally:
        gc.enable()


@pytest.mark.parametrize("ending", ["left", "cut", "cut in the head", "malformed", "too slow", "cancelled"])
async def test_a_connection_that_is_gone_leaves_nothing_to_the_garbage_collector(ending: str) -> None:
    async def play(peer: Peer, server: Server) -> None:
        await peer.request()
        if ending in ("left", "cut"):
            await peer.begin()
            await peer.chunk(b"some")
        if ending == "malformed":
            await peer.say(b"what?\r\n\r\n")
        if ending.startswith("cut"):
            return peer.reset()
        await peer.reader.read()

    async def one(t: HttpTransport) -> None:
        opened = await t.open(ASK)
        await opened.read()
        if ending != "left":
            await opened.read()
        await opened.aclose()

    limits = {"first_byte_s": 0.05} if ending == "too slow" else {}
    with no_collector() as before:
        async with listening(play) as server, transport(server.url, **limits) as t:
            for _ in range(3):
                work = asyncio.create_task(one(t))
                if ending == "cancelled":
                    await eventually(lambda: bool(t._busy))
                    await asyncio.sleep(0.01)
                    work.cancel()
                await asyncio.wait([work])
                assert work.cancelled() or ending == "left" or isinstance(work.exception(), Fault)
                del work
            await eventually(lambda: kept() <= before)
