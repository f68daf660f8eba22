"""Message batches for the OpenAPI document."""

from __future__ import annotations

import msgspec

from zhongshu.api.anthropic.batches import ID, MOST_LISTED, PREFIX, BatchesRequest
from zhongshu.api.anthropic.openapi_parts import COUNT, MAYBE_TEXT, REF, TEXT, Json, fails, shape

_TIME: Json = {"type": "string", "format": "date-time"}
_MAYBE_TIME: Json = {"anyOf": [_TIME, {"type": "null"}]}
_STATES = ["in_progress", "canceling", "ended"]
_COUNTED = ("processing", "succeeded", "errored", "canceled", "expired")
_PARAMS: Json = {"model": "auto", "max_tokens": 256, "messages": [{"role": "user", "content": "Hello"}]}
_EXAMPLE: Json = {"requests": [{"custom_id": "first", "params": _PARAMS}]}
_LINE = '{"custom_id":"first","result":{"type":"succeeded","message":{...}}}\n'
_ASKED = ("400", "401", "403", "408", "413")
_SHOWN = ("401", "403", "404", "405")


def schemas() -> Json:
    """Every schema that these paths name."""
    _, made = msgspec.json.schema_components([BatchesRequest], ref_template=REF.format(name="Anthropic{name}"))
    one = made["BatchedRequest"]["properties"]
    one["custom_id"] = {**one["custom_id"], "pattern": f"^{ID.pattern}$"}
    one["params"] = {"type": "object", "description": "What POST /v1/messages takes; checked when its turn comes."}
    batch = shape(
        {
            "id": TEXT,
            "type": {"const": "message_batch"},
            "processing_status": {"enum": _STATES},
            "request_counts": shape(dict.fromkeys(_COUNTED, COUNT)),
            "created_at": _TIME,
            "expires_at": _TIME,
            "ended_at": _MAYBE_TIME,
            "cancel_initiated_at": _MAYBE_TIME,
            "archived_at": _MAYBE_TIME,
            "results_url": MAYBE_TEXT,
        }
    )
    page = shape(
        {
            "data": {"type": "array", "items": {"$ref": REF.format(name="AnthropicMessageBatch")}},
            "has_more": {"type": "boolean"},
            "first_id": MAYBE_TEXT,
            "last_id": MAYBE_TEXT,
        }
    )
    return {
        **{f"Anthropic{name}": schema for name, schema in made.items()},
        "AnthropicMessageBatch": batch,
        "AnthropicMessageBatchPage": page,
        "AnthropicMessageBatchDeleted": shape({"id": TEXT, "type": {"const": "message_batch_deleted"}}),
    }


def paths() -> Json:
    """Every address with its operations."""
    asked: Json = {"schema": {"$ref": REF.format(name="AnthropicBatchesRequest")}, "example": _EXAMPLE}
    body: Json = {"requestBody": {"required": True, "content": {"application/json": asked}}}
    create = _operation("createMessageBatch", "Answer many messages later", "批量消息（Anthropic 协议）", _ASKED)
    listed = _operation("listMessageBatches", "List message batches", "列出消息批次", ("400", *_SHOWN), "Page")
    cancel = _operation("cancelMessageBatch", "Cancel a message batch", "取消消息批次", ("409", *_SHOWN))
    delete = _operation(
        "deleteMessageBatch",
        "Delete a message batch that has ended",
        "删除已结束的消息批次",
        ("409", *_SHOWN),
        "Deleted",
    )
    results = _operation("messageBatchResults", "Read a batch's results", "读取消息批次的结果", ("409", *_SHOWN))
    results["responses"]["200"]["content"] = {"application/x-jsonl": {"schema": TEXT, "example": _LINE}}
    one = f"{PREFIX}/{{message_batch_id}}"
    return {
        PREFIX: {"get": listed | _queries(), "post": create | body},
        one: {
            "get": _operation("showMessageBatch", "Show a message batch", "查看消息批次", _SHOWN) | _named(),
            "delete": delete | _named(),
        },
        f"{one}/cancel": {"post": cancel | _named()},
        f"{one}/results": {"get": results | _named()},
    }


def _operation(name: str, en: str, zh: str, statuses: tuple[str, ...], of: str = "") -> Json:
    schema: Json = {"$ref": REF.format(name=f"AnthropicMessageBatch{of}")}
    good: Json = {"description": "The answer.", "content": {"application/json": {"schema": schema}}}
    return {
        "tags": ["kept"],
        "summary": en,
        "x-summary-zh": zh,
        "operationId": name,
        "responses": {"200": good, **fails(*statuses)},
    }


def _named() -> Json:
    schema: Json = {"type": "string", "minLength": 1, "maxLength": 128}
    return {"parameters": [{"name": "message_batch_id", "in": "path", "required": True, "schema": schema}]}


def _queries() -> Json:
    most: Json = {"type": "integer", "minimum": 1, "maximum": MOST_LISTED}
    return {
        "parameters": [
            {"name": "limit", "in": "query", "schema": most},
            {"name": "after_id", "in": "query", "schema": TEXT},
        ]
    }
