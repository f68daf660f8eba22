"""Earlier thoughts on a message of OpenAI's format, and signed thoughts of an answer: in `reasoning_details`.

OpenAI's format has no place for a signature. OpenRouter's list of details has, and clients that hand messages back as
they came hand it back: {"type": "reasoning.text", "text", "signature"} or {"type": "reasoning.encrypted", "data"}.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from zhongshu.core.signatures import arriving, leaving
from zhongshu.core.turns import Thought

ENCRYPTED = "reasoning.encrypted"


class _Detail(msgspec.Struct):
    type: str = ""
    text: str | None = None
    summary: str | None = None
    data: str | None = None
    signature: str | None = None


_details = msgspec.json.Decoder(list[_Detail]).decode


def thoughts_of(text: str | None, details: Raw | UnsetType) -> tuple[Thought, ...]:
    """The thoughts a client hands back. Details that nobody signed say no more than the text."""
    signed = _signed(details) if details is not UNSET else ()
    return signed or ((Thought(text),) if text else ())


def _signed(given: Raw) -> tuple[Thought, ...]:
    """The blocks, where any is signed. What is no such list says nothing."""
    try:
        details = _details(given)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ()
    thoughts = [
        Thought(d.text or d.summary or "", arriving(d.signature or d.data, "openai"), redacted=d.type == ENCRYPTED)
        for d in details
    ]
    return tuple(thoughts) if any(thought.signature for thought in thoughts) else ()


def detail_of(thought: Thought, place: int) -> dict[str, Any]:
    """A signed block of an answer; place: its number among them."""
    proof = leaving(thought.signature or "", "openai")
    if thought.redacted:
        return {"type": ENCRYPTED, "data": proof, "index": place}
    return {"type": "reasoning.text", "text": thought.text, "signature": proof, "index": place}
