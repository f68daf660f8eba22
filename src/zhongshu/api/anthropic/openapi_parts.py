"""What the descriptions of this protocol's addresses are made of."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

REF = "#/components/schemas/{name}"
TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}
MAYBE_TEXT: Json = {"anyOf": [TEXT, {"type": "null"}]}
_FAILS = {
    "400": "Something in the request is not usable.",
    "401": "No key, or one that is unknown, expired or revoked.",
    "403": "The key may not do that.",
    "404": "There is no such thing.",
    "405": "The address does not take this method.",
    "408": "The body did not arrive in time.",
    "409": "Not in the state that it is in.",
    "413": "The body is too large.",
    "429": "A limit or budget is used up; see Retry-After.",
    "502": "The upstream failed.",
    "504": "The upstream did not answer in time.",
    "529": "Not now; see Retry-After.",
}


def shape(properties: Json, *optional: str) -> Json:
    """An object of which all but the optional are always there."""
    return {"type": "object", "properties": properties, "required": [n for n in properties if n not in optional]}


def fails(*statuses: str) -> Json:
    """The replies with these statuses, in the protocol's own form."""
    error: Json = {"application/json": {"schema": {"$ref": REF.format(name="AnthropicError")}}}
    return {status: {"description": _FAILS[status], "content": error} for status in statuses}
