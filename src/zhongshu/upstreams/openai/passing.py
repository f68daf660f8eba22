"""A conversation of this dialect that is passed on: without what this service would refuse on the model's messages.

    extra_content       Google's signature of a call, where the service is known to sign none, or another provider made it
    reasoning_details   signed by another provider
    reasoning_content and its other spellings, where the service refuses fields it does not know (Manner.strict)

and with the thought of every call, where the service refuses calls that come without (Manner.thought_back): another
model, or a client that keeps none, may have left it out. All other fields stay byte for byte.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.core.ports import Call
from zhongshu.core.signatures import arriving, own
from zhongshu.core.turns import Turn
from zhongshu.upstreams.cannot import SIGNED_ELSEWHERE, state
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.shapes import ExtraContent

_encode = msgspec.json.Encoder().encode
_messages = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_listed = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_extra = msgspec.json.Decoder(ExtraContent).decode
_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_details")
NO_THOUGHT = " "
"""What stands for a thought that is not there: DeepSeek and Moonshot take nothing shorter (litellm 1.109)."""


def wants_thoughts(manner: Manner) -> bool:
    """Whether the service refuses calls that come back without the thought that led to them."""
    return manner.thought_back and manner.signs != "details"


def lacks_thoughts(turn: Turn, manner: Manner) -> bool:
    """Whether a call in this turn comes without its thought, to a service that refuses it so."""
    return wants_thoughts(manner) and any(m.tool_calls and not m.thought for m in turn.messages)


def put_right(call: Call, given: Raw, manner: Manner) -> Raw:
    """The messages as this service takes them; what is left out is stated."""
    signs, strict, wanted = manner.signs, manner.strict, wants_thoughts(manner)
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
        if wanted and "tool_calls" in message and msgspec.json.decode(message["tool_calls"]):
            message["reasoning_content"] = _thought(message)
        if b'"extra_content"' in bytes(message.get("tool_calls", b"")):
            message["tool_calls"] = _own_calls(call, message["tool_calls"], signs in ("google", "vertex", "any"))
    return Raw(_encode(messages))


def _thought(message: dict[str, Raw]) -> Raw:
    """The thought that came with a message, under either name; something in its place where there is none."""
    given = (message.get(name, Raw(b"null")) for name in ("reasoning_content", "reasoning"))
    return next((said for said in given if bytes(said) not in (b"null", b'""')), Raw(_encode(NO_THOUGHT)))


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


def _own_calls(call: Call, given: Raw, signs: bool) -> Raw:
    calls = _listed(given)
    for made in calls:
        if "extra_content" in made and not (signs and _is_own(made["extra_content"])):
            del made["extra_content"]
            state(call, SIGNED_ELSEWHERE)
    return Raw(_encode(calls))


def _is_own(extra: Raw) -> bool:
    """Whether this provider may have signed it; what is no signature in Google's way is nobody else's either."""
    try:
        said = _extra(extra)
    except msgspec.ValidationError:
        return True
    proofs = [one.thought_signature for one in (said.google, said.vertex) if one is not None]
    return all(own(arriving(proof, "gemini"), "gemini") is not None for proof in proofs if proof)
