"""Writing a stream in Google's form: a GenerateContentResponse for each piece, as server-sent events or as one JSON
array that grows.

A call goes out whole, when its arguments are complete: Google's form has no pieces of one. What ends the last
candidate is held until `close`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from zhongshu.api.asgi import JSON_TYPE
from zhongshu.api.endpoint import EVENT_STREAM
from zhongshu.api.extra import Extra, splice
from zhongshu.api.gemini.parts import FINISH, MALFORMED, call_part, logprobs_result, text_json
from zhongshu.api.gemini.reply import with_usage
from zhongshu.api.gemini.request import GENERATE
from zhongshu.core.answers import (
    Delta,
    Event,
    LogprobsDelta,
    RefusalDelta,
    StopDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallArguments,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from zhongshu.core.signatures import leaving
from zhongshu.core.turns import ToolCall, Turn

_encode = msgspec.json.Encoder().encode
_OPEN = b'{"candidates":[{"content":{"parts":[{"text":'


class _Calls:
    """The calls of one candidate that are not complete, and whether one could not be written."""

    __slots__ = ("malformed", "open")

    def __init__(self) -> None:
        self.open: dict[int, tuple[ToolCallStart, list[str]]] = {}
        self.malformed = False


class ChunkWriter:
    """Writes a stream's events. thoughts: the caller wants to see them; array: as a JSON array."""

    __slots__ = ("_array", "_begun", "_calls", "_held", "_left", "_tail", "_thoughts", "content_type")

    def __init__(self, turn: Turn, *, thoughts: bool, array: bool) -> None:
        self._thoughts = thoughts
        self._array = array
        self.content_type = JSON_TYPE if array else EVENT_STREAM
        self._begun = False
        self._held: list[bytes] = []
        self._left = set(range(turn.sampling.n))
        self._calls: dict[int, _Calls] = {}
        named = _encode({"modelVersion": turn.model, "responseId": turn.trace})
        self._tail = b"," + named[1:]

    def write(self, events: tuple[Event, ...]) -> bytes:
        """The bytes to send now for a batch of events."""
        out: list[bytes] = []
        for event in events:
            chunks = self._chunks(event)
            if self._held or not self._left:
                self._held += chunks
            else:
                out += map(self._framed, chunks)
        return b"".join(out)

    def close(self, usage: Usage, extra: Extra) -> bytes:
        """The held chunks, with usage and our object on the last of them, and the end of the array."""
        *before, last = self._held or [b"{" + self._tail[1:]]
        last = with_usage(last, usage)
        chunks = [*before, splice(last, extra) or last]
        return b"".join(map(self._framed, chunks)) + (b"]" if self._array else b"")

    def broken(self, error: bytes) -> bytes:
        """An error object in place of the next piece."""
        return self._framed(error) + (b"]" if self._array else b"")

    def _framed(self, chunk: bytes) -> bytes:
        if not self._array:
            return b"data: %b\r\n\r\n" % chunk
        before = b",\r\n" if self._begun else b"["
        self._begun = True
        return before + chunk

    def _chunks(self, event: Event) -> list[bytes]:
        """An event's chunks: its own, as the upstream sent it, or one for each of its deltas."""
        if event.wire is not None and event.dialect == GENERATE:
            self._left.difference_update([d.index for d in event.deltas if isinstance(d, StopDelta)])
            return [event.wire]
        return [chunk for delta in event.deltas if (chunk := self._chunk(delta)) is not None]

    def _chunk(self, delta: Delta) -> bytes | None:
        match delta:
            case TextDelta() | RefusalDelta():
                return self._text(delta.index, delta.text, b"")
            case ThoughtDelta():
                return self._thought(delta)
            case ToolCallStart():
                self._of(delta.index).open[delta.call] = (delta, [])
            case ToolCallArguments():
                self._of(delta.index).open[delta.call][1].append(delta.text)
            case ToolCallEnd():
                return self._call(delta)
            case LogprobsDelta():
                return self._candidate(delta.index, {"logprobsResult": logprobs_result(delta.content)})
            case StopDelta():
                return self._stopped(delta)
            case _:
                pass
        return None

    def _text(self, index: int, text: str, more: bytes) -> bytes:
        return b'%b%b%b}],"role":"model"},"index":%d}]%b' % (_OPEN, text_json(text), more, index, self._tail)

    def _thought(self, delta: ThoughtDelta) -> bytes | None:
        signature = delta.signature
        if signature is None:
            return self._text(delta.index, delta.text, b',"thought":true') if self._thoughts and delta.text else None
        signed = b',"thoughtSignature":' + text_json(leaving(signature, "gemini"))
        ends_text = not delta.text and not delta.redacted
        return self._text(delta.index, delta.text, signed if ends_text else b',"thought":true' + signed)

    def _call(self, delta: ToolCallEnd) -> bytes | None:
        calls = self._of(delta.index)
        start, arguments = calls.open.pop(delta.call)
        part = call_part(ToolCall(start.id, start.name, "".join(arguments), start.signature))
        if part is None:
            calls.malformed = True
            return None
        return self._candidate(delta.index, {"content": {"parts": [part], "role": "model"}})

    def _stopped(self, delta: StopDelta) -> bytes:
        self._left.discard(delta.index)
        calls = self._calls.get(delta.index)
        reason = MALFORMED if calls and calls.malformed else FINISH[delta.reason]
        content = {"parts": [{"text": ""}], "role": "model"}
        return self._candidate(delta.index, {"content": content, "finishReason": reason})

    def _candidate(self, index: int, fields: dict[str, Any]) -> bytes:
        return _encode({"candidates": [{**fields, "index": index}]})[:-1] + self._tail

    def _of(self, index: int) -> _Calls:
        calls = self._calls.get(index)
        if calls is None:
            calls = self._calls[index] = _Calls()
        return calls
