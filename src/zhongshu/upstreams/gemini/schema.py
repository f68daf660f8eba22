"""JSON Schema -> the part of it that Google's `responseJsonSchema` takes.

The keywords are those of the Gemini API's reference (GenerationConfig.responseJsonSchema, read 2026-11-22); "oneOf" is
read there as "anyOf". What is left out is named, so that it can be stated.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec
from msgspec import Raw

_TAKEN = frozenset(
    {
        "$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems",
        "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties", "additionalProperties",
        "required", "propertyOrdering",
    }
)  # fmt: skip
_NAMED = ("properties", "$defs")
_LISTED = ("anyOf", "oneOf", "prefixItems")
_SILENT = frozenset({"$schema", "$comment", "examples", "default", "deprecated", "readOnly", "writeOnly"})
"""Keywords that describe and forbid nothing: left out without a word."""


def reduced(schema: Raw) -> tuple[Raw, list[str]]:
    """The schema as Google takes it, and the keywords that had to be left out."""
    left_out: set[str] = set()
    given = msgspec.json.decode(schema)
    return Raw(msgspec.json.encode(_reduced(given, left_out))), sorted(left_out)


def _reduced(given: Any, left_out: set[str]) -> Any:
    if not isinstance(given, dict):
        return given
    fields = cast("dict[str, Any]", given)
    made: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "const":
            made["enum"] = [value]
        elif name == "definitions" and isinstance(value, dict):
            made["$defs"] = _each(cast("dict[str, Any]", value), left_out)
        elif name == "$ref" and isinstance(value, str):
            made["$ref"] = value.replace("#/definitions/", "#/$defs/")
        elif name == "allOf" and isinstance(value, list) and len(cast("list[Any]", value)) == 1:
            made |= _reduced(value[0], left_out)
        elif name not in _TAKEN:
            left_out.update({name} - _SILENT)
        elif name in _NAMED and isinstance(value, dict):
            made[name] = _each(cast("dict[str, Any]", value), left_out)
        elif name in _LISTED and isinstance(value, list):
            made[name] = [_reduced(inner, left_out) for inner in cast("list[Any]", value)]
        elif name in ("items", "additionalProperties"):
            made[name] = _reduced(value, left_out)
        else:
            made[name] = value
    return made


def _each(schemas: dict[str, Any], left_out: set[str]) -> dict[str, Any]:
    return {name: _reduced(schema, left_out) for name, schema in schemas.items()}
