"""The addresses of this protocol for the OpenAPI document, described from the Structs that decode their bodies."""

from __future__ import annotations

import msgspec

from zhongshu.api.anthropic import openapi_batches
from zhongshu.api.anthropic.openapi_parts import COUNT, MAYBE_TEXT, REF, TEXT, Json, fails, shape
from zhongshu.api.anthropic.shapes import MessagesRequest
from zhongshu.api.openapi_replies import ANSWER_HEADERS

_EXAMPLE: Json = {"model": "auto", "max_tokens": 256, "messages": [{"role": "user", "content": "Hello"}]}
_FAILS = ("400", "401", "403", "404", "408", "413", "429", "502", "504", "529")


def schemas() -> Json:
    """Every schema that these paths name."""
    _, made = msgspec.json.schema_components([MessagesRequest], ref_template=REF.format(name="Anthropic{name}"))
    usage = shape({"input_tokens": COUNT, "output_tokens": COUNT})
    message = shape(
        {
            "id": TEXT,
            "type": {"const": "message"},
            "role": {"const": "assistant"},
            "model": TEXT,
            "content": {"type": "array", "items": shape({"type": TEXT})},
            "stop_reason": MAYBE_TEXT,
            "stop_sequence": MAYBE_TEXT,
            "usage": usage,
            "zhongshu": {"$ref": REF.format(name="Extra")},
        }
    )
    failed = shape(
        {
            "type": {"const": "error"},
            "error": shape({"type": TEXT, "message": TEXT}),
            "request_id": MAYBE_TEXT,
            "zhongshu": shape({"code": TEXT, "message_zh": TEXT}),
        }
    )
    counted = shape({"input_tokens": COUNT, "zhongshu": shape({"estimated": {"type": "boolean"}})})
    for holder in ("WireMessage", "ToolResultBlock"):
        _open_to_others(made[holder]["properties"]["content"])
    asked = {f"Anthropic{name}": schema for name, schema in made.items()}
    replies = {"AnthropicMessage": message, "AnthropicError": failed, "AnthropicTokenCount": counted}
    return {**asked, **replies, **openapi_batches.schemas()}


def _open_to_others(content: Json) -> None:
    """Blocks of kinds we do not know are taken too: an upstream of this protocol may know them."""
    other = {**shape({"type": TEXT}), "title": "a block of another kind"}
    for form in content["anyOf"]:
        if form.get("type") == "array":
            form["items"] = {"anyOf": [form["items"], other]}


def paths() -> Json:
    """Every address with its operation."""
    return {
        "/v1/messages": {"post": _asked("messages", "AnthropicMessage", "A message, as Anthropic's clients ask", "消息（Anthropic 协议）")},
        "/v1/messages/count_tokens": {"post": _asked("countTokens", "AnthropicTokenCount", "Count a prompt's tokens", "统计提示词元数")},
        **openapi_batches.paths(),
    }  # fmt: skip


def _asked(name: str, reply: str, en: str, zh: str) -> Json:
    content: Json = {"application/json": {"schema": {"$ref": REF.format(name=reply)}}}
    good: Json = {"description": "The answer.", "content": content}
    if name == "messages":
        content["text/event-stream"] = {"example": 'event: message_start\ndata: {"type":"message_start",...}\n\n'}
        good["headers"] = {header: {"$ref": f"#/components/headers/{header}"} for header in ANSWER_HEADERS}
    request: Json = {"schema": {"$ref": REF.format(name="AnthropicMessagesRequest")}, "example": _EXAMPLE}
    return {
        "tags": ["models"],
        "summary": en,
        "x-summary-zh": zh,
        "operationId": name,
        "requestBody": {"required": True, "content": {"application/json": request}},
        "responses": {"200": good, **fails(*_FAILS)},
    }
