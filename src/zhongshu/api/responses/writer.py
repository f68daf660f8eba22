"""Stream events written from our words: the deltas of any upstream -> the typed events of this protocol, in its order.

    response.created, response.in_progress
    for each item: output_item.added, its parts and deltas, their `done`s, output_item.done
    response.completed | response.incomplete | response.failed

The events that end open items, and the last one, are held until `close`, so that the record can be durable, and our
object travel, before the client sees the end. `response` is then the whole object, as it is to be kept.
"""

from __future__ import annotations

from typing import Any

import msgspec

from zhongshu.api.extra import Extra
from zhongshu.api.responses import frame, output
from zhongshu.core.answers import (
    Delta,
    Event,
    LogprobsDelta,
    RefusalDelta,
    Stop,
    StopDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallArguments,
    ToolCallEnd,
    ToolCallStart,
    Usage,
)
from zhongshu.core.clock import Clock
from zhongshu.core.turns import Thought

_encode = msgspec.json.Encoder().encode
Fields = dict[str, Any]


class _Message:
    """A message under way: its finished parts, and the one that is open ("text" or "refusal")."""

    def __init__(self, id: str, place: int) -> None:
        self.at: Fields = {"item_id": id, "output_index": place}
        self.id = id
        self.parts: list[Fields] = []
        self.open = ""
        self.pieces: list[str] = []
        self.logprobs: list[Any] = []


class _Thinking:
    """A thought under way."""

    def __init__(self, id: str, place: int) -> None:
        self.at: Fields = {"item_id": id, "output_index": place}
        self.id = id
        self.pieces: list[str] = []


class _Calling:
    """A function call under way."""

    def __init__(self, id: str, place: int, start: ToolCallStart) -> None:
        self.at: Fields = {"item_id": id, "output_index": place}
        self.id = id
        self.start = start
        self.pieces: list[str] = []

    def item(self, status: str, arguments: str) -> Fields:
        made = output.function_call(self.id, self.start.id, self.start.name, arguments, status)
        return made | output.proof_of(self.start.signature)


class EventWriter:
    """Writes one stream. `base`: the response object before anything came of it (frame_of)."""

    def __init__(self, base: Fields, trace: str, clock: Clock, *, summarised: bool) -> None:
        self._base = base
        self._trace = trace
        self._clock = clock
        self._summarised = summarised
        self._items: list[Fields] = []
        self._message: _Message | None = None
        self._thinking: _Thinking | None = None
        self._calls: dict[int, _Calling] = {}
        self._stop: Stop = "stop"
        self._out: list[bytes] = []
        self.number = 0
        self.begun = False
        self.response: Fields = base

    def write(self, events: tuple[Event, ...]) -> bytes:
        """The bytes to send now."""
        self._begin()
        for event in events:
            deltas = event.deltas
            for place, delta in enumerate(deltas):
                self._take(delta, deltas[place + 1] if place + 1 < len(deltas) else None)
        return self._taken()

    def close(self, usage: Usage, extra: Extra) -> bytes:
        """What ends the items that are open, and the last event."""
        self._begin()
        cut = self._stop in ("length", "content_filter")
        self._end_open("incomplete" if cut else "completed")
        if not self._items:
            self._open_message()
            self._open_part("text")
            self._end_open("incomplete" if cut else "completed")
        now_s = self._clock.now_ns() // 1_000_000_000
        self.response = frame.ended(self._base, self._stop, self._items, usage, extra, now_s)
        self._say(f"response.{self.response['status']}", {"response": self.response})
        return self._taken()

    def broken(self, error: bytes) -> bytes:
        """An error event, and the response as far as it came, failed."""
        self._begin()
        said: Fields = msgspec.json.decode(error)["error"]
        self._end_open("incomplete", tell=False)
        code, message = str(said.get("code") or "server_error"), str(said.get("message") or "")
        flat = {"code": code, "message": message, "param": said.get("param")}
        self._say("error", {**flat, "error": {"type": said.get("type"), **flat}})
        self.response = frame.failed(self._base, self._items, code, message)
        self._say("response.failed", {"response": self.response})
        return self._taken()

    # One delta -------------------------------------------------------------------------------------------------

    def _take(self, delta: Delta, following: Delta | None) -> None:
        match delta:
            case TextDelta():
                logprobs = list(following.content) if isinstance(following, LogprobsDelta) else []
                self._text("text", delta.text, logprobs)
            case RefusalDelta():
                self._text("refusal", delta.text, [])
            case ThoughtDelta():
                self._thought(delta)
            case ToolCallStart():
                self._call(delta)
            case ToolCallArguments():
                call = self._calls.get(delta.call)
                if call is not None and delta.text:
                    call.pieces.append(delta.text)
                    self._say("response.function_call_arguments.delta", {**call.at, "delta": delta.text})
            case ToolCallEnd():
                call = self._calls.pop(delta.call, None)
                if call is not None:
                    self._end_call(call, "completed")
            case StopDelta():
                self._stop = delta.reason
            case _:
                pass

    def _text(self, sort: str, text: str, logprobs: list[Any]) -> None:
        if not text:
            return
        message = self._message or self._open_message()
        if message.open != sort:
            self._end_part(message)
            self._open_part(sort)
        message.pieces.append(text)
        at = message.at | {"content_index": len(message.parts)}
        if sort == "text":
            message.logprobs += logprobs
            self._say("response.output_text.delta", {**at, "delta": text, "logprobs": logprobs})
        else:
            self._say("response.refusal.delta", {**at, "delta": text})

    def _open_message(self) -> _Message:
        self._end_thought(None, redacted=False)
        message = self._message = _Message(self._id("msg"), len(self._items))
        self._add(output.message(message.id, [], "in_progress"))
        return message

    def _open_part(self, sort: str) -> None:
        message = self._message
        assert message is not None
        message.open, message.pieces, message.logprobs = sort, [], []
        part = output.text_part("", []) if sort == "text" else output.refusal_part("")
        at = message.at | {"content_index": len(message.parts)}
        self._say("response.content_part.added", {**at, "part": part})

    def _end_part(self, message: _Message) -> None:
        if not message.open:
            return
        at = message.at | {"content_index": len(message.parts)}
        text = "".join(message.pieces)
        if message.open == "text":
            part = output.text_part(text, message.logprobs)
            self._say("response.output_text.done", {**at, "text": text, "logprobs": message.logprobs})
        else:
            part = output.refusal_part(text)
            self._say("response.refusal.done", {**at, "refusal": text})
        self._say("response.content_part.done", {**at, "part": part})
        message.parts.append(part)
        message.open = ""

    def _thought(self, delta: ThoughtDelta) -> None:
        self._end_message("completed")
        thinking = self._thinking
        if thinking is None:
            if not delta.text and delta.signature is None:
                return
            thinking = self._thinking = _Thinking(self._id("rs"), len(self._items))
            self._add(output.reasoning(thinking.id, Thought(), summarised=self._summarised, status="in_progress"))
        if delta.text:
            if not thinking.pieces:
                self._say_thought(thinking, "part.added", {"part": self._thought_part("")})
            thinking.pieces.append(delta.text)
            self._say_thought(thinking, "delta", {"delta": delta.text})
        if delta.signature is not None:
            self._end_thought(delta.signature, redacted=delta.redacted)

    def _say_thought(self, thinking: _Thinking, what: str, fields: Fields) -> None:
        at = thinking.at | ({"summary_index": 0} if self._summarised else {"content_index": 0})
        if what.startswith("part."):
            name = "reasoning_summary_part" if self._summarised else "content_part"
            self._say(f"response.{name}.{what[5:]}", {**at, **fields})
        else:
            name = "reasoning_summary_text" if self._summarised else "reasoning_text"
            self._say(f"response.{name}.{what}", {**at, **fields})

    def _thought_part(self, text: str) -> Fields:
        return {"type": "summary_text" if self._summarised else "reasoning_text", "text": text}

    def _call(self, start: ToolCallStart) -> None:
        self._end_thought(None, redacted=False)
        self._end_message("completed")
        call = self._calls[start.call] = _Calling(self._id("fc"), len(self._items), start)
        self._add(call.item("in_progress", ""))

    # The ends --------------------------------------------------------------------------------------------------

    def _end_open(self, status: str, *, tell: bool = True) -> None:
        said = len(self._out), self.number
        self._end_thought(None, redacted=False)
        self._end_message(status)
        for call in self._calls.values():
            self._end_call(call, status)
        self._calls.clear()
        if not tell:
            del self._out[said[0] :]
            self.number = said[1]

    def _end_message(self, status: str) -> None:
        message, self._message = self._message, None
        if message is not None:
            self._end_part(message)
            self._done(message.at, output.message(message.id, message.parts, status))

    def _end_thought(self, signature: str | None, *, redacted: bool) -> None:
        thinking, self._thinking = self._thinking, None
        if thinking is None:
            return
        text = "".join(thinking.pieces)
        if text:
            self._say_thought(thinking, "done", {"text": text})
            self._say_thought(thinking, "part.done", {"part": self._thought_part(text)})
        block = Thought(text, signature, redacted)
        self._done(thinking.at, output.reasoning(thinking.id, block, summarised=self._summarised))

    def _end_call(self, call: _Calling, status: str) -> None:
        arguments = "".join(call.pieces)
        done = {**call.at, "arguments": arguments, "name": call.start.name}
        self._say("response.function_call_arguments.done", done)
        self._done(call.at, call.item(status, arguments))

    # Events ----------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        if not self.begun:
            self.begun = True
            self._say("response.created", {"response": self._base})
            self._say("response.in_progress", {"response": self._base})

    def _id(self, prefix: str) -> str:
        return output.item_id(prefix, self._trace, len(self._items))

    def _add(self, item: Fields) -> None:
        place = len(self._items)
        self._items.append(item)
        self._say("response.output_item.added", {"output_index": place, "item": item})

    def _done(self, at: Fields, item: Fields) -> None:
        self._items[at["output_index"]] = item
        self._say("response.output_item.done", {"output_index": at["output_index"], "item": item})

    def _say(self, kind: str, fields: Fields) -> None:
        event = {"type": kind, "sequence_number": self.number, **fields}
        self.number += 1
        self._out.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode(event)))

    def _taken(self) -> bytes:
        said = b"".join(self._out)
        self._out.clear()
        return said
