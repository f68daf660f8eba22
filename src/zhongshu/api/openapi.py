"""The whole HTTP surface as one OpenAPI document: administration as its framework describes it, and the model
endpoints, which are plain ASGI callables, described here from the very Structs that decode their bodies.

Each operation has its summary in Chinese too, as `x-summary-zh`; the page at /docs is written from this document.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from zhongshu.api import openapi_others, openapi_replies
from zhongshu.api.anthropic import openapi as anthropic
from zhongshu.api.gemini import openapi as gemini
from zhongshu.api.openai.reply import Extra
from zhongshu.api.openai.shapes import ChatRequest, CompletionRequest, EmbeddingRequest
from zhongshu.api.responses import openapi as responses
from zhongshu.core.models import ModelCard

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"
_METHODS = ("get", "post", "patch", "put", "delete")
_ABOUT = (
    "One door to every model, as OpenAI's clients know it, and the administration of this installation. Every "
    "error has OpenAI's form; send `Accept-Language: zh` to read its message in Chinese."
)
_TAGS = (
    ("models", "What clients ask", "模型接口"),
    openapi_others.TAG,
    ("health", "Health and metrics", "健康与指标"),
    ("keys", "Keys", "密钥"),
    ("tenants", "Tenants", "租户"),
    ("ledger", "Ledger", "账本"),
    ("cache", "Answer cache", "回答缓存"),
    ("money", "Money", "费用"),
    ("upstreams", "Upstreams", "上游"),
    ("catalogue", "Models and their files", "模型目录"),
    ("releases", "Releases and their traffic", "版本与灰度"),
    ("route", "Routing looked back at", "路由回顾"),
    ("engine", "Embedded engine", "内置引擎"),
    ("server", "Server", "服务"),
)
# The problems an operation of each kind may answer with, beside its success.
_ANY = (500, 503)
_KEYED = (401, 403, *_ANY)
_ASKED = (400, 404, 408, 413, 429, 502, 504, *_KEYED)
_MANAGED = (400, 404, 405, 409, 413, 415, *_KEYED)
_STATUS_WORDS = {
    400: "Something in the request is not usable; `param` names the field.",
    401: "No key, or one that is unknown, expired or revoked.",
    403: "The key may not do that.",
    404: "There is no such thing.",
    405: "The address does not take this method.",
    408: "The body did not arrive in time.",
    409: "It is already there.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    429: "A limit or budget is used up; see Retry-After.",
    500: "Something broke on our side.",
    502: "The upstream failed.",
    503: "Not now; see Retry-After.",
    504: "The upstream did not answer in time.",
}
_RETRYING = (429, 503)


def document(administration: Json) -> Json:
    """The document of everything. administration: FastAPI's own document of its routes."""
    schemas = {
        **administration["components"]["schemas"],
        **_schemas(),
        **openapi_others.schemas(),
        **anthropic.schemas(),
        **gemini.schemas(),
        **responses.schemas(),
    }
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    paths = {
        **_model_paths(),
        **openapi_others.paths(),
        **anthropic.paths(),
        **gemini.paths(),
        **responses.paths(),
        **administration["paths"],
    }
    for path, operations in paths.items():
        for method in _METHODS:
            if method in operations:
                _complete(path, operations[method])
    return {
        "openapi": administration["openapi"],
        "info": {**administration["info"], "title": "Zhongshu 中枢", "description": _ABOUT},
        "tags": [{"name": name, "description": en, "x-description-zh": zh} for name, en, zh in _TAGS],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {f"Problem{status}": _problem_reply(status) for status in _STATUS_WORDS},
            "headers": openapi_replies.HEADERS,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key of `zhongshu keys create`."}
            },
        },
    }


def _schemas() -> Json:
    made, schemas = msgspec.json.schema_components(
        [ChatRequest, CompletionRequest, EmbeddingRequest, Extra, ModelCard], ref_template=_REF
    )
    del made
    schemas["CompletionRequest"]["properties"]["prompt"] = _texts("A text, texts, or tokens.")
    schemas["EmbeddingRequest"]["properties"]["input"] = _texts("A text, texts, or tokens.")
    return {**schemas, **openapi_replies.SCHEMAS}


def _texts(about: str) -> Json:
    """msgspec sees a list of anything; what may be in it is checked by hand (request.py)."""
    token = {"type": "integer", "minimum": 0, "maximum": (1 << 32) - 1}
    items: list[Json] = [{"type": "string"}, token, {"type": "array", "items": token, "minItems": 1}]
    lists = [{"type": "array", "items": item, "minItems": 1, "maxItems": 2048} for item in items]
    return {"description": about, "anyOf": [{"type": "string", "minLength": 1}, *lists]}


def _complete(path: str, operation: Json) -> None:
    """Its errors, and whether it needs a key."""
    replies: Json = operation["responses"]
    replies.pop("422", None)
    for status in _errors(path, operation):
        replies.setdefault(str(status), {"$ref": f"#/components/responses/Problem{status}"})
    if path.startswith("/admin/") and operation["tags"] == ["models"]:
        operation["tags"] = ["catalogue"]


def _errors(path: str, operation: Json) -> Iterable[int]:
    if path.startswith("/admin/"):
        return _MANAGED
    if operation["tags"] == ["health"]:
        return (403, *_ANY) if path == "/metrics" else (405, *_ANY)
    return _ASKED if "requestBody" in operation else (404, 405, *_KEYED)


def _problem_reply(status: int) -> Json:
    reply: Json = {
        "description": _STATUS_WORDS[status],
        "content": {"application/json": {"schema": {"$ref": _REF.format(name="Error")}}},
    }
    if status in _RETRYING:
        reply["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return reply


# The model endpoints ------------------------------------------------------------------------------------------


def _model_paths() -> Json:
    name = {
        "name": "model",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 256},
        "example": "auto",
    }
    return {
        "/v1/chat/completions": {"post": _asked("ChatRequest", "ChatCompletion", "Chat", "对话", streams=True)},
        "/v1/completions": {"post": _asked("CompletionRequest", "Completion", "Complete a text", "续写", streams=True)},
        "/v1/embeddings": {"post": _asked("EmbeddingRequest", "EmbeddingList", "Embed texts", "文本向量")},
        "/v1/models": {"get": _read("ModelObjects", "models", "List the models this key may ask", "列出可用模型")},
        "/v1/models/{model}": {
            "get": _read("ModelObject", "models", "Show one model's card", "查看模型卡片") | {"parameters": [name]}
        },
        "/healthz": {"get": _open(_read("Alive", "health", "Whether this process lives", "进程是否存活"))},
        "/readyz": {"get": _open(_ready())},
        "/metrics": {"get": _open(_metrics())},
    }


def _asked(request: str, reply: str, en: str, zh: str, *, streams: bool = False) -> Json:
    content: Json = {"application/json": {"schema": {"$ref": _REF.format(name=reply)}}}
    if streams:
        content["text/event-stream"] = {"example": "data: {...}\n\ndata: [DONE]\n\n"}
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in openapi_replies.ANSWER_HEADERS}
    return {
        "tags": ["models"],
        "summary": en,
        "x-summary-zh": zh,
        "operationId": request.removesuffix("Request").lower(),
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": _REF.format(name=request)},
                    "example": openapi_replies.EXAMPLES[request],
                }
            },
        },
        "responses": {"200": {"description": "The answer.", "headers": headers, "content": content}},
    }


def _read(reply: str, tag: str, en: str, zh: str) -> Json:
    return {
        "tags": [tag],
        "summary": en,
        "x-summary-zh": zh,
        "operationId": reply[0].lower() + reply[1:],
        "responses": {
            "200": {
                "description": "What there is.",
                "content": {"application/json": {"schema": {"$ref": _REF.format(name=reply)}}},
            }
        },
    }


def _ready() -> Json:
    operation = _read("Readiness", "health", "Whether a turn would be answered", "能否应答请求")
    content = operation["responses"]["200"]["content"]
    operation["responses"]["503"] = {"description": "Not ready; `parts` says what is missing.", "content": content}
    return operation


def _metrics() -> Json:
    operation = _read("Alive", "health", "Counts for Prometheus (this machine, or an admin key)", "Prometheus 指标")
    operation["operationId"] = "metrics"
    operation["responses"]["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    return operation


def _open(operation: Json) -> Json:
    return operation | {"security": [{}]}
