"""Reading a stream: the data of server-sent events -> core Events, one for each, that keep their exact JSON.

Put right for followers of the format: a call whose input comes whole with its start, a call without any input, a
block or a stream that is not ended although its stop reason is known.
"""

from __future__ import annotations

import msgspec

from zhongshu.core.answers import (
    Delta,
    Event,
    StopDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallArguments,
    ToolCallEnd,
    ToolCallStart,
    UsageDelta,
)
from zhongshu.core.problems import fault
from zhongshu.core.signatures import signed
from zhongshu.upstreams.anthropic import errors
from zhongshu.upstreams.anthropic.response import DIALECT, arguments_of, stop_of, usage_of
from zhongshu.upstreams.anthropic.shapes import BlockShape, DeltaShape, PieceShape, UsageShape, piece_decoder

_ENOUGH = ("{}", "null", "")


class _Open:
    """A tool call that is open: its number among the calls, its input where that came with its start, and whether any
    of its arguments were sent. The answer tool has no number: its arguments are text."""

    __slots__ = ("call", "input", "sent")

    def __init__(self, call: int | None, given: str) -> None:
        self.call = call
        self.input = given
        self.sent = False


class EventReader:
    """Turns each event's JSON into an Event. answer_tool: the tool whose arguments are the answer's text."""

    __slots__ = ("_answer_tool", "_calls", "_open", "_signed", "_stopped", "_upstream", "_usage", "done", "model")

    def __init__(self, upstream: str, answer_tool: str = "") -> None:
        self._upstream = upstream
        self._answer_tool = answer_tool
        self._calls = 0
        self._open: dict[int, _Open] = {}
        self._usage = UsageShape()
        self._stopped = False
        self.done = False
        self.model = ""

    def read(self, payload: bytes) -> Event | None:
        """The Event of one piece. Raises Fault: upstream_malformed when it is none, or what an error says."""
        if payload.startswith(b"[DONE]"):
            self.done = True
            return None
        try:
            piece = piece_decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise fault(
                "upstream_malformed", upstream=self._upstream, why="an event is not JSON of a message"
            ) from None
        deltas: list[Delta] = []
        match piece.type:
            case "content_block_delta":
                if piece.delta is not None:
                    self._block_delta(piece.index, piece.delta, deltas)
            case "content_block_start":
                if piece.content_block is not None:
                    self._block_start(piece.index, piece.content_block, deltas)
            case "content_block_stop":
                self._block_stop(piece.index, deltas)
            case "message_start":
                self._message_start(piece)
            case "message_delta":
                self._message_delta(piece, deltas)
            case "message_stop":
                self.done = True
            case "error":
                raise errors.explain(self._upstream, "", 200, payload)
            case "":
                raise fault("upstream_malformed", upstream=self._upstream, why="an event says not what it is")
            case _:  # ping, and what is newer than this
                pass
        if self._answer_tool or (piece.type == "message_delta" and not self._stopped):
            return Event(tuple(deltas))
        if payload.find(b"\n") >= 0:  # JSON over several data lines is sent on in one
            payload = msgspec.json.format(payload, indent=-1)
        return Event(tuple(deltas), payload, DIALECT)

    def finish(self) -> Event | None:
        """The stream is over: what was left open. Raises Fault("upstream_cut") when it broke off."""
        if self._stopped:
            return None
        if not self.done:
            raise fault("upstream_cut", upstream=self._upstream)
        deltas: list[Delta] = []
        self._stop(None, None, deltas)
        return Event(tuple(deltas))

    def _message_start(self, piece: PieceShape) -> None:
        message = piece.message
        if message is not None:
            self.model = message.model or ""
            self._merge(message.usage)

    def _merge(self, usage: UsageShape | None) -> None:
        """Later counts stand for the earlier ones; what is not said again stays."""
        for name in UsageShape.__struct_fields__ if usage is not None else ():
            value = getattr(usage, name)
            if value is not None:
                setattr(self._usage, name, value)

    def _message_delta(self, piece: PieceShape, deltas: list[Delta]) -> None:
        self._merge(piece.usage)
        if piece.delta is not None and piece.delta.stop_reason and not self._stopped:
            self._stop(piece.delta.stop_reason, piece.delta.stop_sequence, deltas)
        usage = usage_of(self._usage)
        if usage is not None:
            deltas.append(UsageDelta(usage))

    def _stop(self, reason: str | None, by: str | None, deltas: list[Delta]) -> None:
        self._stopped = True
        for index in tuple(self._open):
            self._block_stop(index, deltas)
        deltas.append(
            StopDelta(0, stop_of(reason, called=bool(self._calls)), by if reason == "stop_sequence" else None)
        )

    def _block_start(self, index: int, block: BlockShape, deltas: list[Delta]) -> None:
        match block.type:
            case "text":
                if block.text:
                    deltas.append(TextDelta(0, block.text))
            case "thinking":
                if block.thinking or block.signature:
                    deltas.append(ThoughtDelta(0, block.thinking or "", signed("anthropic", block.signature)))
            case "redacted_thinking":
                deltas.append(ThoughtDelta(0, "", signed("anthropic", block.data) or "", redacted=True))
            case "tool_use" if self._answer_tool and block.name == self._answer_tool:
                self._open[index] = _Open(None, arguments_of(block.input))
            case "tool_use":
                self._open[index] = _Open(self._calls, arguments_of(block.input))
                deltas.append(ToolCallStart(0, self._calls, block.id or f"toolu_{self._calls}", block.name or ""))
                self._calls += 1
            case _:
                return

    def _block_delta(self, index: int, delta: DeltaShape, deltas: list[Delta]) -> None:
        match delta.type:
            case "text_delta":
                if delta.text:
                    deltas.append(TextDelta(0, delta.text))
            case "thinking_delta":
                if delta.thinking:
                    deltas.append(ThoughtDelta(0, delta.thinking))
            case "signature_delta":
                deltas.append(ThoughtDelta(0, "", signed("anthropic", delta.signature)))
            case "input_json_delta":
                opened = self._open.get(index)
                if opened is not None and delta.partial_json:
                    opened.sent = True
                    deltas.append(_argument(opened, delta.partial_json))
            case _:
                return

    def _block_stop(self, index: int, deltas: list[Delta]) -> None:
        """A call's arguments are never nothing: who asked for them decodes them as JSON."""
        opened = self._open.pop(index, None)
        if opened is None:
            return
        if not opened.sent:
            deltas.append(_argument(opened, opened.input if opened.input not in _ENOUGH else "{}"))
        if opened.call is not None:
            deltas.append(ToolCallEnd(0, opened.call))


def _argument(opened: _Open, text: str) -> Delta:
    return TextDelta(0, text) if opened.call is None else ToolCallArguments(0, opened.call, text)
