"""The response object around an output: what was asked, echoed in full, and what came of it.

Fields and their defaults follow the Open Responses schema, which wants every one of them present.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from zhongshu.api.extra import Extra
from zhongshu.api.responses import shapes
from zhongshu.api.responses.items import decoded
from zhongshu.api.responses.request import Read
from zhongshu.core.answers import Stop, Usage

_RATE = "rate_limit_exceeded"


def response_id(trace: str) -> str:
    """A response is named after its turn, so that the ledger finds it."""
    return f"resp_{trace}"


def frame_of(read: Read, *, stored: bool) -> dict[str, Any]:
    """The object as it is before anything came of it."""
    request, turn = read.request, read.turn
    reasoning = request.reasoning
    return {
        "id": response_id(turn.trace),
        "object": "response",
        "created_at": turn.arrived_ns // 1_000_000_000,
        "completed_at": None,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": turn.model,
        "output": [],
        "usage": None,
        "instructions": request.instructions,
        "previous_response_id": request.previous_response_id,
        "store": stored,
        "background": request.background or False,
        "tools": [_tool(given) for given in request.tools or ()],
        "tool_choice": "auto" if request.tool_choice is None else request.tool_choice,
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "max_tool_calls": request.max_tool_calls,
        "text": _text(request.text),
        "reasoning": {
            "effort": reasoning.effort if reasoning else None,
            "summary": (reasoning.summary or reasoning.generate_summary) if reasoning else None,
        },
        "max_output_tokens": request.max_output_tokens,
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "presence_penalty": request.presence_penalty or 0.0,
        "frequency_penalty": request.frequency_penalty or 0.0,
        "top_logprobs": request.top_logprobs or 0,
        "truncation": request.truncation or "disabled",
        "metadata": request.metadata or {},
        "user": request.user,
        "safety_identifier": request.safety_identifier,
        "prompt_cache_key": request.prompt_cache_key,
        "service_tier": request.service_tier or "default",
    }


def ended(
    frame: dict[str, Any], stop: Stop, output: list[Any], usage: Usage, extra: Extra, now_s: int
) -> dict[str, Any]:
    """The object of an answer that is whole, as far as it goes."""
    reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(stop)
    status = "incomplete" if reason else "failed" if stop == "error" else "completed"
    return frame | {
        "status": status,
        "completed_at": now_s if status == "completed" else None,
        "incomplete_details": {"reason": reason} if reason else None,
        "error": error_of("server_error", "The upstream stopped with an error.") if status == "failed" else None,
        "output": output,
        "usage": usage_wire(usage),
        "zhongshu": extra,
    }


def failed(frame: dict[str, Any], output: list[Any], code: str, message: str) -> dict[str, Any]:
    """The object of an answer that broke off."""
    return frame | {"status": "failed", "error": error_of(code, message), "output": output}


def error_of(code: str, message: str) -> dict[str, str]:
    """The `error` of a response."""
    return {"code": code, "message": message}


def usage_wire(usage: Usage) -> dict[str, Any]:
    """Token counts in this protocol's form."""
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.thinking},
        "total_tokens": usage.total,
    }


def _tool(given: msgspec.Raw) -> Any:
    """A tool as it was sent; of a function also what was left out."""
    if decoded(shapes.ToolHead, given, "tools").type != "function":
        return given
    tool: dict[str, Any] = msgspec.json.decode(given)
    return {"description": None, "parameters": None, "strict": False, **tool}


def _text(config: shapes.TextConfig | None) -> dict[str, Any]:
    wanted = config.format if config else None
    written: dict[str, Any] = {"type": wanted.type if wanted else "text"}
    if wanted is not None and wanted.type == "json_schema":
        schema = wanted.schema if wanted.schema is not UNSET else None
        written |= {"name": wanted.name or "answer", "description": wanted.description, "schema": schema}
        written["strict"] = wanted.strict or False
    return {"format": written, "verbosity": (config.verbosity if config else None) or "medium"}
