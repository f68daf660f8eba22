"""What a release makes of a turn before its upstream is asked: its own prompt and parameters. Pure values."""

from __future__ import annotations

from typing import Any

import msgspec

from zhongshu.core.models import Shape
from zhongshu.core.turns import Message, Text, Turn


def shaped(turn: Turn, shape: Shape) -> Turn:
    """The turn as this release asks it; the same object when the shape changes nothing of it.

    A parameter of the release stands in place of the caller's; `max_tokens` only ever lowers it, because the caller's
    budget was reserved for what it asked. The prompt stands before the conversation of a chat, in one message with the
    caller's own system prompt: templates of several models take only one.
    """
    messages = _prompted(turn.messages, shape.prompt) if shape.prompt and turn.kind == "chat" else turn.messages
    given = _given(turn, shape) if turn.kind in ("chat", "completion") else {}
    if messages is turn.messages and not given:
        return turn
    return turn.changed(messages=messages, sampling=msgspec.structs.replace(turn.sampling, **given))


def _given(turn: Turn, shape: Shape) -> dict[str, Any]:
    given = {
        name: value
        for name in ("temperature", "top_p", "top_k", "seed", "presence_penalty", "frequency_penalty")
        if (value := getattr(shape, name)) is not None and value != getattr(turn.sampling, name)
    }
    asked = turn.sampling.max_tokens
    if shape.max_tokens is not None and (asked is None or asked > shape.max_tokens):
        given["max_tokens"] = shape.max_tokens
    return given


def _prompted(messages: tuple[Message, ...], prompt: str) -> tuple[Message, ...]:
    first = messages[0] if messages else None
    if first is None or first.role not in ("system", "developer"):
        return (Message("system", prompt), *messages)
    if isinstance(first.content, str):
        content = f"{prompt}\n\n{first.content}" if first.content else prompt
    else:
        content = (Text(prompt), *first.content)
    return (msgspec.structs.replace(first, content=content), *messages[1:])
