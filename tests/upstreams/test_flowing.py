"""A reply whose pieces are handed over in the moment they arrive, over real sockets: all of them, until no more are
wanted, and with the same ends as one that is read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.upstreams.test_transport import ASK, Peer, Server, cut_in_body, hang_in_body, listening, transport
from zhongshu.core.problems import Fault
from zhongshu.upstreams.transport import HttpTransport, Opened

Handler = Callable[[Peer, Server], Awaitable[None]]


async def handed(opened: Opened, takes: int = 1 << 30) -> bytes:
    """The body; after so many pieces the next one is read."""
    pieces: list[bytes] = []

    def take(data: bytes) -> bool:
        pieces.append(data)
        return len(pieces) % takes > 0

    while True:
        await opened.flow(take)
        data = await opened.read()
        if not data:
            return b"".join(pieces)
        pieces.append(data)


async def begun(t: HttpTransport) -> Opened:
    """A reply of which the first piece has been read."""
    opened = await t.open(ASK)
    assert await opened.read() == b"one"
    return opened


@pytest.mark.parametrize("takes", [1, 2, 1 << 30])
async def test_pieces_are_handed_over_until_no_more_are_wanted(takes: int) -> None:
    async def answers(peer: Peer, server: Server) -> None:
        while True:
            await peer.request()
            await peer.begin()
            for _ in range(20):
                await peer.chunk(b"some words")
                await asyncio.sleep(0)
            await peer.say(b"0\r\n\r\n")

    async with listening(answers) as server, transport(server.url) as t:
        for _ in range(3):
            assert await handed(await t.open(ASK), takes) == b"some words" * 20
        assert server.connections == 1


@pytest.mark.parametrize(
    ("handler", "limits", "said"),
    [(hang_in_body, {"idle_s": 0.2}, "idle, 0.2 s"), (hang_in_body, {"total_s": 0.3}, "total, 0.3 s")],
)
async def test_limits_are_kept_while_pieces_are_handed_over(
    handler: Handler, limits: dict[str, float], said: str
) -> None:
    async with listening(handler) as server, transport(server.url, **limits) as t:
        with pytest.raises(Fault) as caught:
            await handed(await begun(t))
        assert said in caught.value.problem.message


async def test_a_reply_that_is_cut_is_found_by_the_next_read() -> None:
    async with listening(cut_in_body) as server, transport(server.url) as t:
        with pytest.raises(Fault, match="upstream_cut"):
            await handed(await t.open(ASK))


async def test_what_breaks_him_who_takes_a_piece_is_raised_where_it_is_waited_for() -> None:
    wanted = asyncio.Event()

    async def two_pieces(peer: Peer, server: Server) -> None:
        await peer.request()
        await peer.begin()
        await peer.chunk(b"one")
        await wanted.wait()
        await peer.chunk(b"two")
        await peer.request()

    def broken(data: bytes) -> bool:
        raise LookupError(data)

    async with listening(two_pieces) as server, transport(server.url) as t:
        opened = await begun(t)
        task = asyncio.ensure_future(opened.flow(broken))
        await asyncio.sleep(0)
        wanted.set()
        with pytest.raises(LookupError):
            await task
        await opened.aclose()
        await asyncio.wait_for(server.left.wait(), 60)


async def test_leaving_while_pieces_are_handed_over_resets_the_connection() -> None:
    async with listening(hang_in_body) as server, transport(server.url) as t:
        opened = await begun(t)
        task = asyncio.ensure_future(opened.flow(lambda data: True))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await opened.aclose()
        await asyncio.wait_for(server.left.wait(), 60)
