"""The addresses of this protocol for the OpenAPI document, described from the Struct that decodes its bodies."""

from __future__ import annotations

from typing import Any

import msgspec

from zhongshu.api.openapi_replies import ANSWER_HEADERS
from zhongshu.api.responses.shapes import ResponsesRequest

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"
_TEXT: Json = {"type": "string"}
_MAYBE_TEXT: Json = {"anyOf": [_TEXT, {"type": "null"}]}
_ITEMS: Json = {"type": "array", "items": {"type": "object", "additionalProperties": True}}
_STATUS: Json = {"enum": ["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]}
_EXAMPLE: Json = {"model": "auto", "input": "Hello"}
_ID: Json = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "example": "resp_0199"}}


def schemas() -> Json:
    """Every schema that these paths name."""
    _, made = msgspec.json.schema_components([ResponsesRequest], ref_template=_REF.format(name="Responses{name}"))
    asked = {f"Responses{name}": schema for name, schema in made.items()}
    item = {"type": "object", "properties": {"type": _TEXT, "role": _TEXT, "content": {}, "id": _TEXT}}
    asked["ResponsesResponsesRequest"]["properties"]["input"] = {
        "anyOf": [_TEXT, {"type": "array", "items": item, "minItems": 1, "maxItems": 10_000}]
    }
    response = _object(
        {
            "id": _TEXT,
            "object": {"const": "response"},
            "status": _STATUS,
            "model": _TEXT,
            "output": _ITEMS,
            "usage": {"anyOf": [{"type": "object"}, {"type": "null"}]},
            "error": {"anyOf": [_object({"code": _TEXT, "message": _TEXT}), {"type": "null"}]},
            "previous_response_id": _MAYBE_TEXT,
            "store": {"type": "boolean"},
            "background": {"type": "boolean"},
            "zhongshu": {"$ref": _REF.format(name="Extra")},
        },
        "zhongshu",
    )
    listed = _object({"object": {"const": "list"}, "data": _ITEMS, "has_more": {"type": "boolean"}})
    deleted = _object({"id": _TEXT, "object": {"const": "response"}, "deleted": {"const": True}})
    return {**asked, "ResponseObject": response, "ResponseInputItems": listed, "ResponseDeleted": deleted}


def paths() -> Json:
    """Every address with its operation."""
    again = [
        _query("stream", {"type": "boolean"}),
        _query("starting_after", {"type": "integer", "minimum": 0, "maximum": 1_000_000}),
    ]
    pages = [
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 100}),
        _query("order", {"enum": ["asc", "desc"]}),
        _query("after", _TEXT),
    ]
    return {
        "/v1/responses": {"post": _create()},
        "/v1/responses/{id}": {
            "get": _stored("readResponse", "ResponseObject", "A stored response", "读取已保存的响应", again),
            "delete": _stored("deleteResponse", "ResponseDeleted", "Forget a stored response", "删除已保存的响应"),
        },
        "/v1/responses/{id}/cancel": {
            "post": _stored("cancelResponse", "ResponseObject", "Cancel one in the background", "取消后台响应"),
        },
        "/v1/responses/{id}/input_items": {
            "get": _stored(
                "listInputItems", "ResponseInputItems", "What a response was given", "列出响应的输入", pages
            ),
        },
    }


def _create() -> Json:
    request: Json = {"schema": {"$ref": _REF.format(name="ResponsesResponsesRequest")}, "example": _EXAMPLE}
    content: Json = {
        "application/json": {"schema": {"$ref": _REF.format(name="ResponseObject")}},
        "text/event-stream": {"example": 'event: response.created\ndata: {"type":"response.created",...}\n\n'},
    }
    headers = {header: {"$ref": f"#/components/headers/{header}"} for header in ANSWER_HEADERS}
    return {
        "tags": ["models"],
        "summary": "A response, stateful, as OpenAI's newer clients ask",
        "x-summary-zh": "有状态的响应（OpenAI Responses 协议）",
        "operationId": "createResponse",
        "requestBody": {"required": True, "content": {"application/json": request}},
        "responses": {
            "200": {"description": "The answer.", "content": content, "headers": headers},
            **_problems(400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504),
        },
    }


def _stored(name: str, reply: str, en: str, zh: str, more: list[Json] | None = None) -> Json:
    content: Json = {"application/json": {"schema": {"$ref": _REF.format(name=reply)}}}
    if name == "readResponse":
        content["text/event-stream"] = {}
    return {
        "tags": ["models"],
        "summary": en,
        "x-summary-zh": zh,
        "operationId": name,
        "parameters": [_ID, *(more or [])],
        "responses": {"200": {"description": en, "content": content}, **_problems(400, 401, 403, 404, 500, 503)},
    }


def _query(name: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "schema": schema}


def _problems(*statuses: int) -> Json:
    return {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in statuses}


def _object(properties: Json, *optional: str) -> Json:
    return {"type": "object", "properties": properties, "required": [n for n in properties if n not in optional]}
