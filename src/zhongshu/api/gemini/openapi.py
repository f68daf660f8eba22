"""The addresses of this protocol for the OpenAPI document. Bodies are described loosely: Google's fields have two
spellings each, numbers may be texts, and what is wrong is said by the decoder."""

from __future__ import annotations

from typing import Any

from zhongshu.api.openapi_replies import ANSWER_HEADERS

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"
_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_CONTENT: Json = {"type": "object", "example": {"role": "user", "parts": [{"text": "Hello"}]}}
_CONTENTS: Json = {
    "description": "The conversation; one content needs no list.",
    "anyOf": [{"type": "array", "items": _CONTENT, "minItems": 1}, _CONTENT],
}
_FAILS = {
    "400": "Something in the request is not usable; the details name the field.",
    "401": "No key, or one that is unknown, expired or revoked.",
    "403": "The key may not do that.",
    "404": "There is no such model or method.",
    "405": "The address does not take this method.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large.",
    "429": "A limit or budget is used up; see Retry-After.",
    "502": "The upstream failed.",
    "504": "The upstream did not answer in time.",
}
_MODEL: Json = {
    "name": "model",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 256},
    "example": "auto",
}
_EXAMPLES: dict[str, Json] = {
    "GeminiRequest": {"contents": [{"role": "user", "parts": [{"text": "你好！Who are you?"}]}]},
    "GeminiCountRequest": {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]},
    "GeminiEmbedRequest": {"content": {"parts": [{"text": "Hello"}]}},
    "GeminiEmbedRequests": {"requests": [{"content": {"parts": [{"text": "Hello"}]}}]},
}


def _object(properties: Json, *optional: str) -> Json:
    return {"type": "object", "properties": properties, "required": [n for n in properties if n not in optional]}


def _listed(items: Json) -> Json:
    return {"type": "array", "items": items}


def schemas() -> Json:
    """Every schema that these paths name."""
    extra = {"$ref": _REF.format(name="Extra")}
    error = _object(
        {"code": {"type": "integer"}, "message": _TEXT, "status": _TEXT, "details": _listed({"type": "object"})}
    )
    model = _object(
        {"name": _TEXT, "version": _TEXT, "displayName": _TEXT, "supportedGenerationMethods": _listed(_TEXT)}
    )
    vector = _object({"values": _listed({"type": "number"})})
    return {
        "GeminiRequest": _object({"contents": _CONTENTS}),
        "GeminiCountRequest": _object({"contents": _CONTENTS}),
        "GeminiEmbedRequest": _object({"content": _CONTENT}),
        "GeminiEmbedRequests": _object({"requests": {**_listed({"type": "object"}), "minItems": 1}}),
        "GeminiAnswer": _object(
            {
                "candidates": _listed({"type": "object"}),
                "usageMetadata": {"type": "object"},
                "modelVersion": _TEXT,
                "responseId": _TEXT,
                "zhongshu": extra,
            },
            "candidates",
        ),
        "GeminiCount": _object({"totalTokens": _COUNT}),
        "GeminiVector": _object({"embedding": vector, "zhongshu": extra}),
        "GeminiVectors": _object({"embeddings": _listed(vector), "zhongshu": extra}),
        "GeminiModel": model,
        "GeminiModels": _object({"models": _listed({"$ref": _REF.format(name="GeminiModel")})}),
        "GeminiError": _object({"error": error}),
    }  # fmt: skip


def paths() -> Json:
    """Every address with its operation."""
    base = "/v1beta/models"
    generate = _asked(
        "generateContent", "GeminiRequest", "GeminiAnswer", "Chat, as Gemini's clients ask", "对话（Gemini 协议）"
    )
    stream = _asked(
        "streamGenerateContent", "GeminiRequest", "GeminiAnswer", "The same, streamed", "流式对话（Gemini 协议）"
    )
    stream["responses"]["200"]["content"] = {
        "text/event-stream": {"example": 'data: {"candidates": [...]}\n\n'},
        "application/json": {"schema": _listed({"type": "object"})},
    }
    count = _asked(
        "geminiCount", "GeminiCountRequest", "GeminiCount", "Count a prompt's tokens", "统计提示词元数（Gemini 协议）"
    )
    del count["responses"]["200"]["headers"]
    return {
        base: {"get": _read("GeminiModels", "List the models this key may ask", "列出可用模型（Gemini 协议）")},
        base + "/{model}": {
            "get": _read("GeminiModel", "Show one model", "查看模型（Gemini 协议）") | {"parameters": [_MODEL]}
        },
        base + "/{model}:generateContent": {"post": generate},
        base + "/{model}:streamGenerateContent": {"post": stream},
        base + "/{model}:countTokens": {"post": count},
        base + "/{model}:embedContent": {
            "post": _asked("embedContent", "GeminiEmbedRequest", "GeminiVector", "Embed a text", "文本向量（Gemini 协议）")
        },
        base + "/{model}:batchEmbedContents": {
            "post": _asked("batchEmbedContents", "GeminiEmbedRequests", "GeminiVectors", "Embed texts", "批量文本向量（Gemini 协议）")
        },
    }  # fmt: skip


def _fails() -> Json:
    error = {"application/json": {"schema": {"$ref": _REF.format(name="GeminiError")}}}
    return {status: {"description": about, "content": error} for status, about in _FAILS.items()}


def _read(reply: str, en: str, zh: str) -> Json:
    content = {"application/json": {"schema": {"$ref": _REF.format(name=reply)}}}
    return {
        "tags": ["models"],
        "summary": en,
        "x-summary-zh": zh,
        "operationId": reply[0].lower() + reply[1:],
        "responses": {"200": {"description": "What there is.", "content": content}, **_fails()},
    }


def _asked(name: str, request: str, reply: str, en: str, zh: str) -> Json:
    content: Json = {"application/json": {"schema": {"$ref": _REF.format(name=reply)}}}
    headers = {header: {"$ref": f"#/components/headers/{header}"} for header in ANSWER_HEADERS}
    body: Json = {"schema": {"$ref": _REF.format(name=request)}, "example": _EXAMPLES[request]}
    return {
        "tags": ["models"],
        "summary": en,
        "x-summary-zh": zh,
        "operationId": name,
        "parameters": [_MODEL],
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {"200": {"description": "The answer.", "headers": headers, "content": content}, **_fails()},
    }
