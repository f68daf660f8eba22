"""A stream of an upstream that speaks this protocol, sent on event by event as it came: items of built-in tools,
annotations and fields we do not know reach the client untouched.

Ours are the response object's own fields (`id`, `store`, ...), in the events that carry it, and the numbers where an
event was added. An event that a stage changed (words of a label) has no wire form: its text is put into the message it
belongs to, and the events that end that message, held back until the next item begins, are corrected.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.api.extra import Extra
from zhongshu.api.responses import frame, output
from zhongshu.core.answers import Event, TextDelta, Usage
from zhongshu.core.clock import Clock

_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_ENDS = ("response.completed", "response.incomplete")
_LIFE = ("response.created", "response.in_progress", "response.queued")
_HELD = (
    "response.output_text.done",
    "response.refusal.done",
    "response.content_part.done",
    "response.output_item.done",
)
# What a response is called, where it is kept and what it goes on from is said by us.
_OURS = ("id", "store", "background", "previous_response_id", "zhongshu")

Fields = dict[str, Any]


class _Kind(msgspec.Struct, frozen=True):
    """What is read of every event."""

    type: str = ""
    sequence_number: int = -1
    output_index: int = 0
    content_index: int = 0
    item_id: str = ""
    delta: Any = None


_kind = msgspec.json.Decoder(_Kind, strict=False).decode


def merged(base: Fields, wire: bytes, usage: Usage | None = None) -> Fields:
    """An upstream's response object under our name, with what it left out. Other values stay as they were."""
    given = _fields(wire)
    whole = base | {name: value for name, value in given.items() if name not in _OURS}
    if usage is not None and bytes(given.get("usage", b"null")) == b"null":
        whole["usage"] = frame.usage_wire(usage)
    return whole


class Relay:
    """Sends one stream on. `base`: the response object before anything came of it (frame_of)."""

    def __init__(self, base: Fields, trace: str, clock: Clock) -> None:
        self._base = base
        self._trace = trace
        self._clock = clock
        self._items: dict[int, Raw] = {}
        self._held: list[tuple[_Kind, bytes]] = []
        self._open: _Kind | None = None
        self._texts: dict[tuple[int, int], list[str]] = {}
        self._changed: set[tuple[int, int]] = set()
        self._end = b""
        self._out: list[bytes] = []
        self.number = 0
        self.begun = False
        self.response: Fields = base

    def write(self, events: tuple[Event, ...]) -> bytes:
        """The bytes to send now."""
        for event in events:
            if event.wire is None:
                self._added(event)
            else:
                self._pass(event.wire)
        return self._taken()

    def close(self, usage: Usage, extra: Extra) -> bytes:
        """The last event, with our object in it."""
        self._flush()
        items = [self._items[place] for place in sorted(self._items)]
        if self._end:
            response = merged(self._base, bytes(_fields(self._end)["response"]), usage)
            if self._changed:
                response["output"] = items
        else:
            now_s = self._clock.now_ns() // 1_000_000_000
            response = frame.ended(self._base, "stop", items, usage, extra, now_s)
        response["zhongshu"] = extra
        self.response = response
        status = response.get("status")
        word = status if isinstance(status, str) else msgspec.json.decode(status or b'"completed"')
        self._say(f"response.{word}", {"response": response})
        return self._taken()

    def broken(self, error: bytes) -> bytes:
        """An error event, and the response as far as it came, failed."""
        said: Fields = msgspec.json.decode(error)["error"]
        code, message = str(said.get("code") or "server_error"), str(said.get("message") or "")
        flat = {"code": code, "message": message, "param": said.get("param")}
        self._say("error", {**flat, "error": {"type": said.get("type"), **flat}})
        items = [self._items[place] for place in sorted(self._items)]
        self.response = frame.failed(self._base, items, code, message)
        self._say("response.failed", {"response": self.response})
        return self._taken()

    # What came by the wire -------------------------------------------------------------------------------------

    def _pass(self, wire: bytes) -> None:
        kind = _kind(wire)
        if not self.begun:
            self.begun = True
            if kind.type not in _LIFE:
                self._begin()
        if kind.type in _ENDS:
            self._end = wire
        elif kind.type in _LIFE:
            fields: Fields = dict(_fields(wire))
            fields["response"] = merged(self._base, bytes(fields["response"]))
            self._send(kind, fields)
        elif kind.type in _HELD:
            self._held.append((kind, wire))
        else:
            if kind.type == "response.output_item.added" or self._held:
                self._flush()
            if kind.type == "response.output_text.delta":
                self._open = kind
                pieces = self._texts.setdefault((kind.output_index, kind.content_index), [])
                pieces.append(kind.delta if isinstance(kind.delta, str) else "")
            elif kind.type == "response.content_part.added":
                self._open = kind
            self._number(kind, wire)

    def _begin(self) -> None:
        """For an upstream that leaves these out."""
        self._say("response.created", {"response": self._base})
        self._say("response.in_progress", {"response": self._base})

    def _flush(self) -> None:
        """Send what was held back, with the text of parts that were added to."""
        held, self._held = self._held, []
        for kind, wire in held:
            if kind.type == "response.output_item.done":
                fields: Fields = dict(_fields(wire))
                fields["item"] = item = self._corrected(kind.output_index, fields["item"])
                self._items[kind.output_index] = item
                self._open = None
                if self._touched(kind.output_index):
                    self._send(kind, fields)
                    continue
            elif (kind.output_index, kind.content_index) in self._changed and kind.type != "response.refusal.done":
                fields = dict(_fields(wire))
                text = self._text(kind.output_index, kind.content_index)
                if kind.type == "response.output_text.done":
                    fields["text"] = text
                else:
                    fields["part"] = _fields(fields["part"]) | {"text": Raw(_encode(text))}
                self._send(kind, fields)
                continue
            self._number(kind, wire)

    # What a stage changed --------------------------------------------------------------------------------------

    def _added(self, event: Event) -> None:
        """Text without a wire form: it belongs to the message that is open, or makes one."""
        for delta in event.deltas:
            if isinstance(delta, TextDelta) and delta.text:
                at = self._open or self._new_message()
                place = (at.output_index, at.content_index)
                self._changed.add(place)
                self._texts.setdefault(place, []).append(delta.text)
                fields = {"item_id": at.item_id, "output_index": place[0], "content_index": place[1]}
                self._say("response.output_text.delta", {**fields, "delta": delta.text, "logprobs": []})

    def _new_message(self) -> _Kind:
        self._flush()
        place = max(self._items, default=-1) + 1
        name = output.item_id("msg", self._trace, place)
        part = output.text_part("", [])
        self._say(
            "response.output_item.added", {"output_index": place, "item": output.message(name, [], "in_progress")}
        )
        at: Fields = {"item_id": name, "output_index": place, "content_index": 0}
        self._say("response.content_part.added", {**at, "part": part})
        self._open = _Kind(output_index=place, item_id=name)
        self._hold("response.output_text.done", {**at, "text": "", "logprobs": []})
        self._hold("response.content_part.done", {**at, "part": part})
        done = output.message(name, [part], "completed")
        self._hold("response.output_item.done", {"output_index": place, "item": done})
        return self._open

    def _hold(self, kind: str, fields: Fields) -> None:
        wire = _encode({"type": kind, **fields})
        self._held.append((_kind(wire), wire))

    def _touched(self, place: int) -> bool:
        return any(changed == place for changed, _ in self._changed)

    def _text(self, place: int, part: int) -> str:
        return "".join(self._texts.get((place, part), ()))

    def _corrected(self, place: int, item: Raw) -> Raw:
        if not self._touched(place):
            return item
        fields: Fields = dict(_fields(item))
        parts = msgspec.json.decode(fields.get("content", b"[]"), type=list[dict[str, Raw]])
        for number, part in enumerate(parts):
            if (place, number) in self._changed:
                part["text"] = Raw(_encode(self._text(place, number)))
        fields["content"] = parts
        return Raw(_encode(fields))

    # Events ----------------------------------------------------------------------------------------------------

    def _number(self, kind: _Kind, wire: bytes) -> None:
        """Send an event as it came, but for its number where ours differs."""
        if kind.sequence_number != self.number:
            return self._send(kind, dict(_fields(wire)))
        self.number += 1
        self._out.append(b"event: %b\ndata: %b\n\n" % (kind.type.encode(), wire))

    def _send(self, kind: _Kind, fields: Fields) -> None:
        fields.pop("sequence_number", None)
        fields.pop("type", None)
        self._say(kind.type, fields)

    def _say(self, kind: str, fields: Fields) -> None:
        event = {"type": kind, "sequence_number": self.number, **fields}
        self.number += 1
        self._out.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode(event)))

    def _taken(self) -> bytes:
        said = b"".join(self._out)
        self._out.clear()
        return said
