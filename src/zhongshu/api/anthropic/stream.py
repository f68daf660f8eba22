"""Events -> Anthropic's stream: message_start, the content blocks, message_delta, message_stop.

An event that still has its exact JSON in this dialect is passed on as it is; anything else is written from our words.
What ends the message is held until `close`, so that the record can be durable, and our object travel, before the
client sees the end.
"""

from __future__ import annotations

import msgspec

from zhongshu.api.anthropic.blocks import PIECE_END, Blocks, Kind, event_of
from zhongshu.api.anthropic.request import DIALECT
from zhongshu.api.anthropic.words import message_of, stop_reason, usage_wire
from zhongshu.api.extra import Extra, splice
from zhongshu.core.answers import (
    Delta,
    Event,
    ProgressDelta,
    RefusalDelta,
    Stop,
    StopDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallArguments,
    ToolCallStart,
    Usage,
    UsageDelta,
)
from zhongshu.core.turns import Turn

_encode = msgspec.json.Encoder().encode
_PASSED_PIECE = b'{"type":"content_block_delta",'
_KINDS: dict[str, Kind] = {"text": "text", "thinking": "thinking", "tool_use": "tool_use"}


class _Block(msgspec.Struct):
    type: str = ""


class _Wire(msgspec.Struct):
    """What a passed event is, and which block it is about."""

    type: str = ""
    index: int | None = None
    content_block: _Block | None = None


_wire = msgspec.json.Decoder(_Wire).decode


class EventWriter:
    """Writes one stream's events as SSE."""

    __slots__ = ("_blocks", "_by", "_ending", "_own", "_passed", "_started", "_stop", "_turn")

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._blocks = Blocks()
        self._started = False
        self._passed = -1  # the last block that went out as the upstream sent it
        self._own = False  # whether a block of ours stands among those, so that their numbers no longer hold
        self._stop: Stop = "stop"
        self._by: str | None = None
        self._ending: dict[str, bytes] = {}

    def write(self, events: tuple[Event, ...]) -> bytes:
        """The bytes to send now for a batch of events."""
        out: list[bytes] = []
        blocks = self._blocks
        for event in events:
            wire = event.wire
            if wire is not None and not self._own and event.dialect == DIALECT:
                self._pass(wire, event, out)
                continue
            if not self._started:
                self._begin(out)
            for delta in event.deltas:
                if type(delta) is TextDelta and blocks.kind == "text" and not delta.index:
                    out += (blocks.begins, _encode(delta.text), PIECE_END)
                else:
                    self._say(delta, out)
            self._own = self._own or -1 < self._passed < blocks.index
        return b"".join(out)

    def close(self, usage: Usage, extra: Extra) -> bytes:
        """What ends the message, our object on the last event."""
        out: list[bytes] = []
        if not self._started:
            self._begin(out)
        self._blocks.finish(out)
        out.append(event_of("message_delta", self._ending.get("message_delta") or self._message_delta(usage)))
        last = self._ending.get("message_stop") or b'{"type":"message_stop"}'
        out.append(event_of("message_stop", splice(last, extra) or last))
        return b"".join(out)

    def broken(self, error: bytes) -> bytes:
        """An error event, which ends the stream."""
        return event_of("error", error)

    def _pass(self, wire: bytes, event: Event, out: list[bytes]) -> None:
        """An event as it came. Those that end the message wait for `close`."""
        if wire.startswith(_PASSED_PIECE):
            out += (b"event: content_block_delta\ndata: ", wire, b"\n\n")
            return
        said = _wire(wire)
        if said.type in ("message_delta", "message_stop"):
            for delta in event.deltas:
                if isinstance(delta, StopDelta):
                    self._stop, self._by = delta.reason, delta.by
            self._ending[said.type] = wire
            return
        self._started = True
        if said.type == "content_block_start" and said.index is not None:
            kind = _KINDS.get(said.content_block.type if said.content_block else "", "other")
            call = next((delta.call for delta in event.deltas if isinstance(delta, ToolCallStart)), None)
            self._passed = said.index
            self._blocks.opened(said.index, kind, call)
        elif said.type == "content_block_stop":
            self._blocks.kind = None
        out.append(event_of(said.type, wire))

    def _say(self, delta: Delta, out: list[bytes]) -> None:
        """A delta in our words. This protocol knows one choice."""
        if isinstance(delta, UsageDelta) or delta.index:
            return
        match delta:
            case TextDelta() | RefusalDelta():
                if delta.text:
                    self._blocks.piece("text", delta.text, out)
            case ThoughtDelta():
                self._blocks.thought(delta, out)
            case ToolCallStart():
                self._blocks.call(delta, out)
            case ToolCallArguments():
                if delta.text:
                    self._blocks.arguments(delta, out)
            case StopDelta():
                self._stop, self._by = delta.reason, delta.by
            case ProgressDelta():
                out.append(event_of("ping", b'{"type":"ping"}'))
            case _:
                return

    def _begin(self, out: list[bytes]) -> None:
        self._started = True
        message = message_of(self._turn, [], None, None, _NOTHING_YET)
        out.append(event_of("message_start", _encode({"type": "message_start", "message": message})))

    def _message_delta(self, usage: Usage) -> bytes:
        reason = stop_reason(self._stop, self._by, called=self._blocks.called)
        delta = {"stop_reason": reason, "stop_sequence": self._by, "stop_details": None, "container": None}
        return _encode({"type": "message_delta", "delta": delta, "usage": usage_wire(usage)})


_NOTHING_YET = Usage()
