"""Reading a stream: the data of server-sent events -> core Events, one for each.

Put right: a message or a call that comes only in its `done` event, an end mark instead of the last event. Every Event
keeps its exact JSON in `wire`, as an API of the same dialect sends it on.
"""

from __future__ import annotations

import msgspec

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
    UsageDelta,
)
from zhongshu.core.problems import Fault, fault
from zhongshu.upstreams.openai import errors
from zhongshu.upstreams.responses.reply import DIALECT, READ, call_of, no_answer, stop_of, thought_of, usage_of
from zhongshu.upstreams.responses.shapes import EventShape, Item, event_decoder, item_decoder, reply_decoder

_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_WHOLE_THOUGHT = ("response.reasoning_text.delta", "response.reasoning.delta")
_SUMMARY = ("response.reasoning_summary_text.delta", "response.reasoning_summary.delta")


class _Open:
    """An item on its way: how much of it has been given. thought: which of text and summary is being given."""

    __slots__ = ("call", "name", "said", "thought")

    def __init__(self) -> None:
        self.said = False
        self.call = -1
        self.name = ""
        self.thought = ""


class EventReader:
    """Turns each event's JSON into an Event. `done` once nothing more is to come."""

    __slots__ = ("_calls", "_foreign", "_items", "_spoken", "_stopped", "_upstream", "_whole", "done", "model")

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._items: dict[int, _Open] = {}
        self._calls = 0
        self._whole = 0
        self._foreign = False
        self._spoken = False
        self._stopped = False
        self.done = False
        self.model = ""

    def read(self, payload: bytes) -> Event | None:
        """The Event of one piece; None for the end mark that some servers send.

        Raises Fault: upstream_malformed when it is no JSON of this format, or what an error inside it says.
        """
        if payload.startswith(b"[DONE]"):
            self.done = True
            return None
        try:
            shape = event_decoder.decode(payload)
            deltas: list[Delta] = []
            self._take(shape, payload, deltas)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise fault(
                "upstream_malformed", upstream=self._upstream, why="an event is not JSON of a response"
            ) from None
        return Event(tuple(deltas), payload, DIALECT)

    def finish(self) -> Event | None:
        """The stream is over. An end mark without the last event ends an answer whose items are all complete.

        Raises Fault("upstream_cut") when the answer is not whole.
        """
        if self._stopped:
            return None
        if not self.done or self._items or not self._whole:
            raise fault("upstream_cut", upstream=self._upstream)
        return Event((StopDelta(0, "tool_calls" if self._called else "stop"),))

    @property
    def _called(self) -> bool:
        """Whether a tool was called: a function, or one of the provider's own that nothing was said after."""
        return bool(self._calls) or (self._foreign and not self._spoken)

    def _take(self, shape: EventShape, payload: bytes, deltas: list[Delta]) -> None:
        kind = shape.type
        if kind == "response.output_text.delta":
            self._item(shape).said = self._spoken = True
            deltas.append(TextDelta(0, _text(shape)))
            if shape.logprobs:
                deltas.append(LogprobsDelta(0, tuple(shape.logprobs)))
        elif kind == "response.function_call_arguments.delta":
            item = self._item(shape)
            item.said = True
            if item.call >= 0:
                deltas.append(ToolCallArguments(0, item.call, _text(shape)))
        elif kind == "response.refusal.delta":
            self._item(shape).said = self._spoken = True
            deltas.append(RefusalDelta(0, _text(shape)))
        elif kind in _WHOLE_THOUGHT:
            self._thought(shape, "text", deltas)
        elif kind in _SUMMARY:
            self._thought(shape, "summary", deltas)
        elif kind == "response.reasoning_summary_part.added":
            if shape.summary_index and self._item(shape).thought == "summary":
                deltas.append(ThoughtDelta(0, "\n\n"))
        elif kind == "response.output_item.added" and bytes(shape.item) != b"null":
            self._added(shape, item_decoder.decode(shape.item), deltas)
        elif kind == "response.output_item.done" and bytes(shape.item) != b"null":
            self._finished(shape, item_decoder.decode(shape.item), deltas)
        elif kind in _ENDS and bytes(shape.response) != b"null":
            self._ended(bytes(shape.response), deltas)
        elif kind == "error" or (not kind and b'"error"' in payload):
            raise self._complaint(payload)
        elif kind == "response.created" and bytes(shape.response) != b"null":
            self.model = reply_decoder.decode(shape.response).model or ""
        elif not kind:
            raise fault("upstream_malformed", upstream=self._upstream, why="an event has no type")

    def _item(self, shape: EventShape) -> _Open:
        return self._items.setdefault(shape.output_index, _Open())

    def _thought(self, shape: EventShape, sort: str, deltas: list[Delta]) -> None:
        """A reasoning item may hold its text and a summary of it: the one that comes first is given."""
        item = self._item(shape)
        item.thought = item.thought or sort
        if item.thought == sort:
            item.said = True
            deltas.append(ThoughtDelta(0, _text(shape)))

    def _added(self, shape: EventShape, item: Item, deltas: list[Delta]) -> None:
        opened = self._items[shape.output_index] = _Open()
        if item.type == "function_call":
            self._start(opened, item, deltas)
        elif item.type not in READ:
            self._foreign = True
            deltas.append(ThoughtDelta(0, ""))  # a reader has something to see: the stream has begun

    def _start(self, opened: _Open, item: Item, deltas: list[Delta]) -> None:
        call = call_of(item, self._calls)
        opened.call, self._calls = self._calls, self._calls + 1
        deltas.append(ToolCallStart(0, opened.call, call.id, call.name))

    def _finished(self, shape: EventShape, item: Item, deltas: list[Delta]) -> None:
        """An item is complete: what it holds and was not given in pieces is given now."""
        opened = self._items.pop(shape.output_index, None) or _Open()
        match item.type:
            case "function_call":
                if opened.call < 0:
                    self._start(opened, item, deltas)
                arguments = call_of(item, opened.call).arguments
                if arguments and not opened.said:
                    deltas.append(ToolCallArguments(0, opened.call, arguments))
                deltas.append(ToolCallEnd(0, opened.call))
            case "reasoning":
                thought = thought_of(item)
                text = "" if opened.said else thought.text
                if text or thought.signature is not None:
                    deltas.append(ThoughtDelta(0, text, thought.signature, thought.redacted and not opened.said))
            case "message" if not opened.said:
                self._spoken = True
                for part in item.parts("content"):
                    if part.text:
                        deltas.append(TextDelta(0, part.text))
                    if part.refusal:
                        deltas.append(RefusalDelta(0, part.refusal))
            case _:
                pass
        self._whole += 1

    def _ended(self, body: bytes, deltas: list[Delta]) -> None:
        reply = reply_decoder.decode(body)
        if reply.status in ("failed", "cancelled"):
            raise no_answer(reply, body, self._upstream)
        self._stopped = self.done = True
        usage = usage_of(reply.usage)
        deltas.append(StopDelta(0, stop_of(reply, calls=self._called)))
        if usage is not None:
            deltas.append(UsageDelta(usage))

    def _complaint(self, payload: bytes) -> Fault:
        return errors.explain(self._upstream, "", 200, payload)


def _text(shape: EventShape) -> str:
    return shape.delta if isinstance(shape.delta, str) else ""
