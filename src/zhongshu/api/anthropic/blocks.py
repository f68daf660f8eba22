"""The content blocks of a stream in our words: one open at a time, every delta between its block's start and stop.

Other formats may go back to a tool call after the next has begun. So the first call is written as it comes, and those
after it are held until it must be complete: a client runs none of them before the message ends. A piece of a block is
written as bytes prepared when the block began, around the text alone.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Raw

from zhongshu.api.anthropic.words import tool_use
from zhongshu.core.answers import ThoughtDelta, ToolCallArguments, ToolCallStart
from zhongshu.core.problems import fault
from zhongshu.core.signatures import beside_call, leaving

Kind = Literal["text", "thinking", "tool_use", "other"]

PIECE_END = b"}}\n\n"
_encode = msgspec.json.Encoder().encode
_PIECES: dict[Kind, bytes] = {
    "text": b'"text_delta","text":',
    "thinking": b'"thinking_delta","thinking":',
    "tool_use": b'"input_json_delta","partial_json":',
    "other": b'"unused":',
}


def event_of(kind: str, data: bytes) -> bytes:
    """One server-sent event."""
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


class Blocks:
    """The blocks of one message. kind: of the open one, or None. begins: what stands before a piece of it.
    called: whether any was a tool call."""

    __slots__ = ("_call", "_held", "begins", "called", "index", "kind")

    def __init__(self) -> None:
        self.index = -1
        self.kind: Kind | None = None
        self.begins = b""
        self.called = False
        self._call: int | None = None
        self._held: dict[int, tuple[ToolCallStart, list[str]]] = {}

    def opened(self, index: int, kind: Kind, call: int | None) -> None:
        """A block that somebody else began; `call` is its number among the tool calls."""
        self.index, self.kind, self._call = index, kind, call
        self.called = self.called or call is not None
        self.begins = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":%b' % (
            index, _PIECES[kind],
        )  # fmt: skip

    def piece(self, kind: Literal["text", "thinking"], text: str, out: list[bytes]) -> None:
        """More text or thought."""
        if self.kind != kind:
            empty = _EMPTY_TEXT if kind == "text" else _EMPTY_THOUGHT
            self._begin(kind, empty, out)
        out += (self.begins, _encode(text), PIECE_END)

    def thought(self, delta: ThoughtDelta, out: list[bytes]) -> None:
        """More thought. A signature ends the block it comes with; what was redacted is a block of its own."""
        if delta.redacted:
            self._redacted(leaving(delta.signature or "", "anthropic"), out)
            return
        signature = delta.signature
        if delta.text or (signature is not None and self.kind != "thinking"):
            self.piece("thinking", delta.text, out)
        if signature is not None:
            piece = {"type": "signature_delta", "signature": leaving(signature, "anthropic")}
            data = {"type": "content_block_delta", "index": self.index, "delta": piece}
            out.append(event_of("content_block_delta", _encode(data)))
            self._end(out)

    def call(self, start: ToolCallStart, out: list[bytes]) -> None:
        """A tool call begins."""
        if self.kind == "tool_use":
            self._held[start.call] = (start, [])
        else:
            self._begin_call(start, out)

    def arguments(self, delta: ToolCallArguments, out: list[bytes]) -> None:
        """More of a call's arguments."""
        if delta.call == self._call and self.kind == "tool_use":
            out += (self.begins, _encode(delta.text), PIECE_END)
        elif delta.call in self._held:
            self._held[delta.call][1].append(delta.text)
        else:
            raise fault("upstream_malformed", upstream="?", why="a tool call goes on after its end")

    def finish(self, out: list[bytes]) -> None:
        """The message has no more blocks."""
        self._let_go(out)
        self._end(out)

    def _begin(self, kind: Kind, block: dict[str, Any], out: list[bytes]) -> None:
        self._let_go(out)
        self._end(out)
        self._start(kind, block, None, out)

    def _redacted(self, data: str, out: list[bytes]) -> None:
        self._begin("other", {"type": "redacted_thinking", "data": data}, out)
        self._end(out)

    def _begin_call(self, start: ToolCallStart, out: list[bytes]) -> None:
        self._end(out)
        if start.signature:
            held = {"type": "redacted_thinking", "data": beside_call(start.signature)}
            self._start("other", held, None, out)
            self._end(out)
        self._start("tool_use", tool_use(start.id, start.name, _NO_INPUT), start.call, out)

    def _start(self, kind: Kind, block: dict[str, Any], call: int | None, out: list[bytes]) -> None:
        self.opened(self.index + 1, kind, call)
        start = {"type": "content_block_start", "index": self.index, "content_block": block}
        out.append(event_of("content_block_start", _encode(start)))

    def _let_go(self, out: list[bytes]) -> None:
        """The calls that were held, each whole."""
        for start, pieces in self._held.values():
            self._begin_call(start, out)
            if any(pieces):
                out += (self.begins, _encode("".join(pieces)), PIECE_END)
        self._held.clear()

    def _end(self, out: list[bytes]) -> None:
        if self.kind is not None:
            self.kind = None
            out.append(b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % self.index)


_NO_INPUT = Raw(b"{}")
_EMPTY_TEXT: dict[str, Any] = {"type": "text", "text": "", "citations": None}
_EMPTY_THOUGHT: dict[str, Any] = {"type": "thinking", "thinking": "", "signature": ""}
