"""The addresses of this protocol for the OpenAPI document, described from the Structs that decode their bodies."""

from __future__ import annotations

from typing import Any

import msgspec

from zhongshu.api.anthropic.shapes import MessagesRequest
from zhongshu.api.openapi_replies import ANSWER_HEADERS

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"
_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_MAYBE_TEXT: Json = {"anyOf": [_TEXT, {"type": "null"}]}
_EXAMPLE: Json = {"model": "auto", "max_tokens": 256, "messages": [{"role": "user", "content": "Hello"}]}
_FAILS = {
    "400": "Something in the request is not usable.",
    "401": "No key, or one that is unknown, expired or revoked.",
    "403": "The key may not do that.",
    "404": "There is no such model.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "429": "A limit or budget is used up; see Retry-After.",
    "502": "The upstream failed.",
    "504": "The upstream did not answer in time.",
    "529": "Not now; see Retry-After.",
}


def _object(properties: Json, *optional: str) -> Json:
    return {"type": "object", "properties": properties, "required": [n for n in properties if n not in optional]}


def schemas() -> Json:
    """Every schema that these paths name."""
    _, made = msgspec.json.schema_components([MessagesRequest], ref_template=_REF.format(name="Anthropic{name}"))
    usage = _object({"input_tokens": _COUNT, "output_tokens": _COUNT})
    message = _object(
        {
            "id": _TEXT,
            "type": {"const": "message"},
            "role": {"const": "assistant"},
            "model": _TEXT,
            "content": {"type": "array", "items": _object({"type": _TEXT})},
            "stop_reason": _MAYBE_TEXT,
            "stop_sequence": _MAYBE_TEXT,
            "usage": usage,
            "zhongshu": {"$ref": _REF.format(name="Extra")},
        }
    )
    failed = _object(
        {
            "type": {"const": "error"},
            "error": _object({"type": _TEXT, "message": _TEXT}),
            "request_id": _MAYBE_TEXT,
            "zhongshu": _object({"code": _TEXT, "message_zh": _TEXT}),
        }
    )
    counted = _object({"input_tokens": _COUNT, "zhongshu": _object({"estimated": {"type": "boolean"}})})
    for holder in ("WireMessage", "ToolResultBlock"):
        _open_to_others(made[holder]["properties"]["content"])
    asked = {f"Anthropic{name}": schema for name, schema in made.items()}
    return {**asked, "AnthropicMessage": message, "AnthropicError": failed, "AnthropicTokenCount": counted}


def _open_to_others(content: Json) -> None:
    """Blocks of kinds we do not know are taken too: an upstream of this protocol may know them."""
    other = {**_object({"type": _TEXT}), "title": "a block of another kind"}
    for form in content["anyOf"]:
        if form.get("type") == "array":
            form["items"] = {"anyOf": [form["items"], other]}


def paths() -> Json:
    """Every address with its operation."""
    return {
        "/v1/messages": {"post": _asked("messages", "AnthropicMessage", "A message, as Anthropic's clients ask", "消息（Anthropic 协议）")},
        "/v1/messages/count_tokens": {"post": _asked("countTokens", "AnthropicTokenCount", "Count a prompt's tokens", "统计提示词元数")},
    }  # fmt: skip


def _asked(name: str, reply: str, en: str, zh: str) -> Json:
    content: Json = {"application/json": {"schema": {"$ref": _REF.format(name=reply)}}}
    good: Json = {"description": "The answer.", "content": content}
    if name == "messages":
        content["text/event-stream"] = {"example": 'event: message_start\ndata: {"type":"message_start",...}\n\n'}
        good["headers"] = {header: {"$ref": f"#/components/headers/{header}"} for header in ANSWER_HEADERS}
    error = {"application/json": {"schema": {"$ref": _REF.format(name="AnthropicError")}}}
    request: Json = {"schema": {"$ref": _REF.format(name="AnthropicMessagesRequest")}, "example": _EXAMPLE}
    return {
        "tags": ["models"],
        "summary": en,
        "x-summary-zh": zh,
        "operationId": name,
        "requestBody": {"required": True, "content": {"application/json": request}},
        "responses": {
            "200": good,
            **{status: {"description": about, "content": error} for status, about in _FAILS.items()},
        },
    }
