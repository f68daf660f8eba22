"""Google's Schema (OpenAPI 3.0 with upper-case types) -> JSON Schema, which is what a Tool and a Format hold."""

from __future__ import annotations

from typing import Any, cast

import msgspec
from msgspec import Raw

from zhongshu.api.gemini.spelling import camel

# int64 fields of Google's, which its JSON form writes as texts.
_COUNTS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
_LEFT_OUT = frozenset({"nullable", "propertyOrdering"})
_RESPELT = {"example": "examples", "defs": "$defs", "ref": "$ref"}
_encode = msgspec.json.Encoder().encode


def json_schema(raw: bytes) -> Raw:
    """The schema in JSON Schema's words. `raw` is an object of Google's Schema."""
    return Raw(_encode(_schema(msgspec.json.decode(raw))))


def _schema(given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    made: dict[str, Any] = {}
    fields = {camel(name): value for name, value in cast("dict[str, Any]", given).items()}
    for name, value in fields.items():
        if name in _LEFT_OUT:
            continue
        made[_RESPELT.get(name, name)] = _value(name, value)
    return _nullable(made) if fields.get("nullable") is True else made


def _value(name: str, value: Any) -> Any:
    if name == "type":
        return value.lower() if isinstance(value, str) else value
    if name in ("properties", "defs", "$defs") and isinstance(value, dict):
        return {key: _schema(inner) for key, inner in cast("dict[str, Any]", value).items()}
    if name in ("items", "additionalProperties"):
        return _schema(value)
    if name in ("anyOf", "oneOf", "allOf", "prefixItems") and isinstance(value, list):
        return [_schema(inner) for inner in cast("list[Any]", value)]
    if name in _COUNTS and isinstance(value, str) and value.isdecimal():
        return int(value)
    return [value] if name == "example" else value


def _nullable(made: dict[str, Any]) -> dict[str, Any]:
    if isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
        if "enum" in made and None not in made["enum"]:
            made["enum"] = [*made["enum"], None]
        return made
    if isinstance(made.get("anyOf"), list):
        made["anyOf"] = [*made["anyOf"], {"type": "null"}]
    return made
