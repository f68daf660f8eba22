"""A conversation of this dialect that is passed on: with the signatures that Google made, and no others.

A thought that another provider signed is left out, any other part loses the signature alone; a model that wants its
calls signed is told of those that another model made. All other parts stay byte for byte.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.core.ports import Call
from zhongshu.core.signatures import arriving, own
from zhongshu.upstreams.cannot import SIGNED_ELSEWHERE, state
from zhongshu.upstreams.gemini.contents import UNSIGNED, must_sign
from zhongshu.upstreams.proofs import holds_proofs

_encode = msgspec.json.Encoder().encode
_contents = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_parts = msgspec.json.Decoder(list[Raw]).decode
_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_SPELLINGS = ("thoughtSignature", "thought_signature")


def to_be_read(call: Call) -> bool:
    """Whether there may be anything to change."""
    turn = call.turn
    return holds_proofs(turn) or (must_sign(call) and any(message.tool_calls for message in turn.messages))


def put_right(call: Call, given: Raw) -> Raw:
    """The contents as Google takes them; what is left out is stated."""
    if not bytes(given).startswith(b"["):
        return given
    contents = _contents(given)
    for content in contents:
        parts = content.get("parts", Raw(b""))
        if bytes(content.get("role", b"")) == b'"model"' and bytes(parts).startswith(b"["):
            kept = _put_right(call, _parts(parts))
            content["parts"] = Raw(_encode(kept or [{"text": ""}]))
    return Raw(_encode(contents))


def _put_right(call: Call, parts: list[Raw]) -> list[Raw]:
    kept: list[Raw] = []
    first_call = True
    for part in parts:
        fields: dict[str, Any] = _fields(part)
        calls = "functionCall" in fields or "function_call" in fields
        name = next((spelt for spelt in _SPELLINGS if spelt in fields), "")
        if name and not _own(call, fields, name):
            if bytes(fields.get("thought", b"")) == b"true":
                continue
            name = ""
        if calls and first_call and not name and must_sign(call):
            fields["thoughtSignature"] = UNSIGNED
        first_call = first_call and not calls
        kept.append(Raw(_encode(fields)))
    return kept


def _own(call: Call, fields: dict[str, Any], name: str) -> bool:
    """Whether Google made the signature; it stands there as Google made it, or not at all."""
    signature = arriving(msgspec.json.decode(fields[name], type=str | None), "gemini")
    proof = own(signature, "gemini")
    if proof is None:
        del fields[name]
        if signature is not None:
            state(call, SIGNED_ELSEWHERE)
        return False
    fields[name] = proof
    return True
