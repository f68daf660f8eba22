"""A whole Answer -> a message, with the `zhongshu` object as its last field.

An answer that still has its exact upstream body in this dialect is passed on as it is. Otherwise it is written from
our words: thoughts first, then text, then tool calls, which is the order in which a model makes them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from zhongshu.api.anthropic.request import DIALECT
from zhongshu.api.anthropic.words import input_of, message_of, stop_reason, tool_use
from zhongshu.api.extra import Extra, splice
from zhongshu.core.answers import Answer, Choice, Usage
from zhongshu.core.signatures import beside_call, leaving
from zhongshu.core.turns import Thought, Turn

_encode = msgspec.json.Encoder().encode
_NO_CHOICE = Choice(0)


def body_of(turn: Turn, answer: Answer, usage: Usage, extra: Extra) -> bytes:
    """The body of a plain reply."""
    wire = answer.wire if answer.dialect == DIALECT else None
    spliced = splice(wire, extra) if wire is not None else None
    return spliced or _encode({**written(turn, answer, usage), "zhongshu": extra})


def written(turn: Turn, answer: Answer, usage: Usage) -> dict[str, Any]:
    """The message in our words. Only the first choice: this protocol asks for no other."""
    choice = answer.choices[0] if answer.choices else _NO_CHOICE
    reason = stop_reason(choice.stop, choice.stopped_by, called=bool(choice.tool_calls))
    return message_of(turn, content_of(choice), reason, choice.stopped_by, usage)


def content_of(choice: Choice) -> list[dict[str, Any]]:
    """The blocks of a message. An upstream's own words of refusal are text here."""
    blocks: list[dict[str, Any]] = [_thought(thought) for thought in choice.blocks()]
    for text in (choice.text, choice.refusal):
        if text:
            blocks.append({"type": "text", "text": text, "citations": None})
    for call in choice.tool_calls:
        if call.signature:
            blocks.append({"type": "redacted_thinking", "data": beside_call(call.signature)})
        blocks.append(tool_use(call.id, call.name, input_of(call.arguments)))
    return blocks


def _thought(thought: Thought) -> dict[str, Any]:
    """Clients hand a block back as it is: one that nobody signed keeps an empty signature, and is known by it."""
    proof = leaving(thought.signature or "", "anthropic")
    if thought.redacted:
        return {"type": "redacted_thinking", "data": proof}
    return {"type": "thinking", "thinking": thought.text, "signature": proof}
