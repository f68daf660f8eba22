"""Field names written_like_this -> writtenLikeThis, where Google's own fields stand.

Google reads both spellings of every field (the JSON form of protocol buffers). Its structs are decoded in the second;
a body that uses the first is respelt before. What a caller named itself - arguments, results, schemas - is left alone.
"""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec

_MAYBE = re.compile(rb'"[a-z]+_[a-z_]+"\s*:')
_UNDERSCORE = re.compile(r"_([a-z])")
_CALLERS_OWN = frozenset(
    {"args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema", "zhongshu"}
)


def respelt(body: bytes) -> bytes:
    """The body with Google's fields in one spelling. A body that is not JSON comes back as it was."""
    if _MAYBE.search(body) is None:
        return body
    try:
        return msgspec.json.encode(_named(msgspec.json.decode(body)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body


def camel(name: str) -> str:
    """`function_call` -> `functionCall`."""
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name)


def _named(value: Any) -> Any:
    if isinstance(value, list):
        return [_named(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    named: dict[str, Any] = {}
    for key, inner in cast("dict[str, Any]", value).items():
        name = camel(key)
        named[name] = inner if name in _CALLERS_OWN else _named(inner)
    return named
