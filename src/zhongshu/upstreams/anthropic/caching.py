"""Where the provider's prompt cache is to begin again: at most two marks, and none where they would not pay.

Writing to the cache costs a quarter more than reading the prompt, reading from it a tenth; prompts below 1,024 tokens
(4,096 with small models) are not cached at all (Anthropic's reference, 2026-11). So the instructions and tools are
marked when they are long enough to be worth it, and the end of the conversation once there has been an exchange,
because it will be the beginning of the next request.
"""

from __future__ import annotations

from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode
_WORTH_BYTES = 6000
_MARK = {"type": "ephemeral"}
_MARKED = frozenset({"text", "image", "document", "tool_result", "tool_use"})


def mark(fields: dict[str, Any]) -> None:
    """Place the marks in a request's fields. A mark covers all that comes before it: tools, then system, then
    messages."""
    system: list[dict[str, Any]] = fields.get("system") or []
    tools: list[dict[str, Any]] = fields.get("tools") or []
    messages: list[dict[str, Any]] = fields["messages"]
    fixed = _size(system) + _size(tools)
    if fixed >= _WORTH_BYTES:
        (system or tools)[-1]["cache_control"] = _MARK
    exchanged = any(message["role"] == "assistant" for message in messages)
    if exchanged and messages[-1]["role"] == "user" and fixed + _size(messages) >= _WORTH_BYTES:
        block = messages[-1]["content"][-1]
        if block["type"] in _MARKED:
            block["cache_control"] = _MARK


def _size(value: Any) -> int:
    return len(_encode(value)) if value else 0
