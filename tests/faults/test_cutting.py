"""The bytes of an upstream, cut anywhere, give the same message at the far end of the real server.

The upstream here is a bare socket: it plays back an answer in pieces that are each sent by themselves, so that no HTTP
library of ours can put them together again.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults.asking import ask, chat
from tests.faults.conftest import port_of
from tests.running import over, platform

EVENTS = [
    '{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}',
    '{"choices":[{"index":0,"delta":{"reasoning_content":"想一想 thinking "},"finish_reason":null}]}',
    '{"choices":[{"index":0,"delta":{"content":"Hello, 世界 \\u4e2d \\ud83d\\ude00 "},"finish_reason":null}]}',
    '{"choices":[{"index":0,"delta":{"content":"😀 \\"quoted\\"\\n\\ndata: no event"},"finish_reason":null}]}',
    '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":""}}]}}]}',
    '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\\"城市\\": "}}]}}]}',
    '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\\"北京\\"}"}}]}}]}',
    '{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}',
    '{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":11,"total_tokens":18}}',
]
TEXT = 'Hello, 世界 中 😀 😀 "quoted"\n\ndata: no event'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def stream_bytes(end: str, comments: bool) -> bytes:
    """The event stream, with this line end."""
    comment = f": 注释 comment{end}{end}" if comments else ""
    return "".join(f"{comment}data: {event}{end}{end}" for event in [*EVENTS, "[DONE]"]).encode()


def chunked(body: bytes, cuts: list[int]) -> bytes:
    """HTTP's own chunks, cut here."""
    edges = [0, *sorted({cut % len(body) for cut in cuts} - {0}), len(body)]
    pieces = [body[a:b] for a, b in pairwise(edges)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


class Playing:
    """A socket that answers each connection with `pieces`."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                with connection, contextlib.suppress(OSError):
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        got = b""
        while b"\r\n\r\n" not in got:
            got += connection.recv(65_536)
        head, _, body = got.partition(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        while len(body) < length:
            body += connection.recv(65_536)
        for piece in self.pieces:
            connection.sendall(piece)


@pytest.fixture(scope="module")
def playing() -> Iterator[Playing]:
    player = Playing()
    yield player
    player.close()


@pytest.fixture(scope="module")
def running(playing, tmp_path_factory):
    text = over(playing.port, {"played": "played"}, 'profile = "none"\n').replace('profile = "none"\n', "", 1)
    with platform(tmp_path_factory.mktemp("cutting"), text) as house:
        yield house


def told(reply) -> dict[str, object]:
    """What a client makes of the reply."""
    message: dict[str, object] = {"text": reply.text, "thought": "", "call": ["", ""], "stop": None, "usage": None}
    for event in reply.events:
        message["usage"] = event.get("usage") or message["usage"]
        for choice in event["choices"]:
            delta = choice["delta"]
            message["thought"] += delta.get("reasoning_content") or ""
            for call in delta.get("tool_calls") or ():
                message["call"][0] += call["function"].get("name") or ""
                message["call"][1] += call["function"].get("arguments") or ""
            message["stop"] = choice.get("finish_reason") or message["stop"]
    return message


EXPECTED = {
    "text": TEXT,
    "thought": "想一想 thinking ",
    "call": ["f", '{"城市": "北京"}'],
    "stop": "tool_calls",
}
cuts = st.lists(st.integers(0, 1 << 16), max_size=40)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chunks=cuts, packets=cuts, end=st.sampled_from(["\n", "\r\n", "\r"]), comments=st.booleans())
def test_any_cut_gives_the_same_message(running, playing, chunks, packets, end, comments):
    wire = HEAD + chunked(stream_bytes(end, comments), chunks)
    edges = [0, *sorted({cut % len(wire) for cut in packets} - {0}), len(wire)]
    playing.pieces = [wire[a:b] for a, b in pairwise(edges)]
    body = chat("played", stream=True, stream_options={"include_usage": True})
    reply = asyncio.run(ask(port_of(running), body))
    assert reply.acknowledged, reply.body
    message = told(reply)
    assert message.pop("usage")["total_tokens"] == 18
    assert message == EXPECTED


@pytest.mark.parametrize("stop_at", [0.0, 0.1, 0.35, 0.7, 0.95, 0.999])
def test_any_end_before_the_end_is_said(running, playing, stop_at):
    """Cut off anywhere: an error, before the head or as an event, and never a [DONE] that is not true."""
    wire = HEAD + chunked(stream_bytes("\n", False), [])
    playing.pieces = [wire[: int(len(wire) * stop_at)]]
    reply = asyncio.run(ask(port_of(running), chat("played", stream=True)))
    complete = stop_at == 0.999  # all but HTTP's own last chunk: [DONE] has come
    assert reply.acknowledged is complete
    assert reply.code == ("" if complete else "upstream_cut" if reply.streamed else reply.code)
    assert reply.whole
