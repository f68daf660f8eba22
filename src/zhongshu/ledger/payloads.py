"""What stands in a frame: a turn's record with its sealed texts, or a ledger event. Knows nothing of files.

turn   [0, [values in the order of the header's fields], sealed text]
event  [1, name, at_ns, {facts}]
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import astuple

from zhongshu.core.records import Record
from zhongshu.ledger.seal import Sealed

TURN = 0
EVENT = 1

FIELDS = Record.__struct_fields__[:-2]
assert Record.__struct_fields__[-2:] == ("prompt", "answer"), "the texts are the record's last fields"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class Happening(msgspec.Struct, frozen=True):
    """Something done to the ledger itself, such as an erasure. Facts never hold the user's text."""

    name: str
    at_ns: int
    facts: dict[str, str]


class Kept(msgspec.Struct, frozen=True):
    """A turn as read back: its record without texts, and the texts as they were sealed."""

    record: Record
    sealed: Sealed


def encode_turn(record: Record, sealed: Sealed) -> bytes:
    """A turn's payload. Raises TypeError, ValueError on values msgpack cannot hold."""
    return _encode((TURN, astuple(record)[:-2], sealed))


def encode_event(event: Happening) -> bytes:
    """An event's payload."""
    return _encode((EVENT, event.name, event.at_ns, event.facts))


def decode_values(payload: bytes) -> list[Any] | None:
    """A turn's plain values in the order of its segment's fields; None for an event. Cheaper than `decode`."""
    content: list[Any] = _decode(payload)
    return content[1] if content[0] == TURN else None


def decode_event(payload: bytes) -> Happening | None:
    """An event; None for a turn."""
    content: list[Any] = _decode(payload)
    return None if content[0] == TURN else Happening(content[1], content[2], content[3])


def decode(payload: bytes, fields: tuple[str, ...]) -> Kept | Happening:
    """What a payload holds, read by its segment's field names. Raises msgspec errors when it is none of ours."""
    content: list[Any] = _decode(payload)
    if content[0] == TURN:
        record = msgspec.convert(dict(zip(fields, content[1], strict=True)), Record)
        return Kept(record, tuple(content[2]))
    return Happening(content[1], content[2], content[3])
