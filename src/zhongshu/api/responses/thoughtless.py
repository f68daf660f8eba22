"""A stored response for a caller who is shown no thoughts: another key of the tenant, which is shown them, may have asked
for it, or it is older than the setting. Nothing else of it changes; numbers of events that are left out are not given anew.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec import Raw


class _Typed(msgspec.Struct, frozen=True):
    type: str = ""


class _Event(msgspec.Struct, frozen=True):
    type: str = ""
    item: _Typed = _Typed()
    part: _Typed = _Typed()


_type = msgspec.json.Decoder(_Typed).decode
_event = msgspec.json.Decoder(_Event).decode
_items = msgspec.json.Decoder(list[Raw]).decode
_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode
_PARTS = frozenset({"reasoning_text", "summary_text"})
_END = b"\n\n"


def items_of(items: list[Raw]) -> list[Raw]:
    """Those of a list that are no thoughts."""
    return [item for item in items if _type(item).type != "reasoning"]


def response_of(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of a response with such an output."""
    output = fields.get("output")
    return fields if output is None else {**fields, "output": items_of(_items(output))}


async def events_of(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Its stream, whole events in each piece."""
    async for piece in pieces:
        kept = [event for given in piece.split(_END) if given and (event := _without(given))]
        if kept:
            yield b"".join([event + _END for event in kept])


def _without(event: bytes) -> bytes:
    """An event without thoughts; nothing where it is of one."""
    head, mark, data = event.partition(b"data: ")
    if not mark or not data.startswith(b"{"):
        return event
    try:
        said = _event(data)
    except msgspec.DecodeError:  # of a provider's own: it may be of a thought
        return b""
    if said.type.startswith("response.reasoning") or said.item.type == "reasoning" or said.part.type in _PARTS:
        return b""
    fields = _fields(data)
    if "response" not in fields:
        return event
    return head + mark + _encode({**fields, "response": response_of(dict(_fields(fields["response"])))})
