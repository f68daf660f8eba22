"""Field names written_like_this -> writtenLikeThis, where Google's own fields stand.

Google reads both spellings of every field (the JSON form of protocol buffers). Its structs are decoded in the second;
a body that uses the first is respelt before. What a caller named itself - arguments, results, schemas - is left alone.
"""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

_MAYBE = re.compile(rb'"[a-z]+_[a-z_]+"\s*:')
_UNDERSCORE = re.compile(r"_([a-z])")
_CALLERS_OWN = frozenset(
    {"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "zhongshu"}
)

_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_items = msgspec.json.Decoder(list[Raw]).decode


def respelt(body: bytes) -> bytes:
    """The body with Google's fields in one spelling, all values exactly as they were. A body that is not JSON comes
    back as it was."""
    if _MAYBE.search(body) is None:
        return body
    try:
        return bytes(_named(Raw(body.strip())))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body


def camel(name: str) -> str:
    """`function_call` -> `functionCall`."""
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name)


def _named(value: Raw) -> Raw:
    match memoryview(value)[:1].tobytes():
        case b"[":
            return Raw(_encode([_named(item) for item in _items(value)]))
        case b"{":
            fields = {camel(key): inner for key, inner in _fields(value).items()}
            return Raw(_encode({name: v if name in _CALLERS_OWN else _named(v) for name, v in fields.items()}))
        case _:
            return value
