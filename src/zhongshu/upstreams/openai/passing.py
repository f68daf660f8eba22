"""A conversation of this dialect that is passed on: without what this service would refuse on the model's messages.

    extra_content       Google's signature of a call, where the service is known and is not Google's
    reasoning_details   signed by another provider
    reasoning_content and its other spellings, where the service refuses fields it does not know (Manner.strict)

All other fields stay byte for byte.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.core.ports import Call
from zhongshu.core.signatures import arriving, own
from zhongshu.upstreams.cannot import SIGNED_ELSEWHERE, state

_encode = msgspec.json.Encoder().encode
_messages = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_listed = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details")


def put_right(call: Call, given: Raw, *, signs: str, strict: bool) -> Raw:
    """The messages as this service takes them; what is left out is stated."""
    messages = _messages(given)
    for message in messages:
        if bytes(message.get("role", b"")) != b'"assistant"':
            continue
        if strict:
            for name in _THOUGHTS:
                if message.pop(name, None) is not None:
                    state(call, "messages.thoughts")
        elif bytes(message.get("reasoning_details", b"")).startswith(b"["):
            message["reasoning_details"] = _own_details(call, message["reasoning_details"])
        if signs == "none" and b'"extra_content"' in bytes(message.get("tool_calls", b"")):
            message["tool_calls"] = _bare_calls(call, message["tool_calls"])
    return Raw(_encode(messages))


def _own_details(call: Call, given: Raw) -> Raw:
    kept: list[dict[str, Raw]] = []
    for detail in _listed(given):
        name = "data" if "data" in detail else "signature"
        said: Any = msgspec.json.decode(detail.get(name, b"null"))
        signature = arriving(said, "openai") if isinstance(said, str) else None
        proof = own(signature, "openai")
        if signature is not None and proof is None:
            state(call, SIGNED_ELSEWHERE)
            continue
        kept.append(detail | {name: Raw(_encode(proof))} if proof not in (None, said) else detail)
    return Raw(_encode(kept))


def _bare_calls(call: Call, given: Raw) -> Raw:
    calls = _listed(given)
    for made in calls:
        if made.pop("extra_content", None) is not None:
            state(call, SIGNED_ELSEWHERE)
    return Raw(_encode(calls))
