"""The transport's in-memory twin does what the real one does, as far as tests lean on it."""

from __future__ import annotations

import pytest

from zhongshu.core.problems import Fault, fault
from zhongshu.upstreams.memory import MemoryTransport, Reply
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.upstream import OpenAIUpstream
from zhongshu.upstreams.transport import Request

ASK = Request("POST", "/x", b"hello")


async def test_a_reply_whole_and_in_pieces() -> None:
    transport = MemoryTransport(lambda r: Reply(status=201, headers={"x-a": "b"}, chunks=(r.body, 0.0, b"!")))
    whole = await transport.send(ASK)
    assert (whole.status, whole.body, whole.header("X-A"), whole.header("x-b")) == (201, b"hello!", "b", None)
    opened = await transport.open(ASK)
    assert [chunk async for chunk in opened] == [b"hello", b"!"]
    assert not transport.opened[-1].left
    assert transport.requests == [ASK, ASK]


async def test_breaking_and_leaving() -> None:
    broken = fault("upstream_cut", upstream="there")
    transport = MemoryTransport(lambda r: Reply(chunks=(b"a", broken, b"b")))
    with pytest.raises(Fault, match="upstream_cut"):
        await transport.send(ASK)
    opened = await transport.open(ASK)
    assert await opened.read() == b"a"
    await opened.aclose()
    assert transport.opened[-1].left
    assert await opened.read() == b""


async def test_an_upstream_over_it() -> None:
    transport = MemoryTransport(lambda r: Reply(status=404 if r.path == "/models" else 500))
    upstream = OpenAIUpstream("there", Manner(), transport)
    await upstream.check()
    assert await upstream.models() is None
