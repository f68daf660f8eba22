"""What Anthropic calls things that both a plain reply and a stream say: stop reasons, usage, ids. Values only."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.core.answers import Stop, Usage
from zhongshu.core.turns import Turn

_encode = msgspec.json.Encoder().encode
_check = msgspec.json.Decoder(dict[str, Raw]).decode

_STOPS: dict[Stop, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "error": "end_turn",
}


def stop_reason(stop: Stop, by: str | None, *, called: bool) -> str:
    """Why the message ended. A message with tool calls that simply ended ended to have them run, whatever its upstream
    called it: many say "stop" after a call, or after the one they were told to make."""
    if called and stop in ("stop", "error"):
        return "tool_use"
    if by is not None and stop == "stop":
        return "stop_sequence"
    if stop == "tool_calls" and not called:
        return "end_turn"
    return _STOPS[stop]


def usage_wire(usage: Usage) -> dict[str, Any]:
    """Anthropic's usage object, every field of it. input_tokens are those that went past the provider's cache."""
    return {
        "input_tokens": max(usage.prompt - usage.cached - usage.written, 0),
        "cache_creation_input_tokens": usage.written,
        "cache_read_input_tokens": usage.cached,
        "cache_creation": None,
        "output_tokens": usage.completion,
        "output_tokens_details": {"thinking_tokens": usage.thinking},
        "server_tool_use": None,
        "service_tier": None,
        "inference_geo": None,
    }


def tool_use(call_id: str, name: str, given: Raw) -> dict[str, Any]:
    """A call of a tool by the model itself."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": given, "caller": {"type": "direct"}}


def message_of(
    turn: Turn, content: list[dict[str, Any]], reason: str | None, by: str | None, usage: Usage
) -> dict[str, Any]:
    """A message, every field of it; reason is None while it is not known."""
    return {
        "id": message_id(turn.trace),
        "type": "message",
        "role": "assistant",
        "model": turn.model,
        "content": content,
        "stop_reason": reason,
        "stop_sequence": by,
        "stop_details": None,
        "container": None,
        "usage": usage_wire(usage),
    }


def message_id(trace: str) -> str:
    """The id of an answer of ours."""
    return f"msg_{trace}"


def input_of(arguments: str) -> Raw:
    """A call's arguments as the object a message must hold. What a model left unfinished, or is no object, stands
    under the name that Anthropic's documentation gives it."""
    text = arguments.strip() or "{}"
    if text.startswith("{") and _is_json(text):
        return Raw(text.encode())
    return Raw(_encode({"INVALID_JSON": arguments}))


def _is_json(text: str) -> bool:
    try:
        _check(text)
    except msgspec.DecodeError:
        return False
    return True
