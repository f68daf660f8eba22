"""The replies of the model endpoints as JSON Schemas, their headers, and an example of each request.

They are written by hand because an answer is often the upstream's own body, passed on with our object added: what
stands here is what is always there; an upstream may say more.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def _object(properties: Json, *optional: str) -> Json:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _listed(items: Json) -> Json:
    return {"type": "array", "items": items}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _nullable(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


_TEXT: Json = {"type": "string"}
_WHOLE: Json = {"type": "integer", "minimum": 0}
_ANYTHING: Json = {"type": "object"}

_HEAD: Json = {"id": _TEXT, "object": _TEXT, "created": _WHOLE, "model": _TEXT}
_CHOICE: Json = {"index": _WHOLE, "finish_reason": _nullable(_TEXT)}
_MESSAGE = _object(
    {
        "role": {"const": "assistant"},
        "content": _nullable(_TEXT),
        "reasoning_content": _nullable({"type": "string", "description": "The model's thoughts."}),
        "refusal": _nullable(_TEXT),
        "tool_calls": _nullable(_listed(_ANYTHING)),
    },
    "content",
    "reasoning_content",
    "refusal",
    "tool_calls",
)

SCHEMAS: Json = {
    "Error": _object(
        {
            "error": _object(
                {
                    "message": {"type": "string", "description": "What is wrong and what to do."},
                    "type": _TEXT,
                    "param": _nullable({"type": "string", "description": "The field that is wrong."}),
                    "code": {"type": "string", "description": "One of the codes in docs/errors.md."},
                }
            ),
            "zhongshu": _object({"trace": _nullable(_TEXT), "message_zh": _TEXT}),
        }
    ),
    "Usage": _object(
        {
            "prompt_tokens": _WHOLE,
            "completion_tokens": _WHOLE,
            "total_tokens": _WHOLE,
            "prompt_tokens_details": _nullable(_ANYTHING),
            "completion_tokens_details": _nullable(_ANYTHING),
        },
        "completion_tokens",
        "prompt_tokens_details",
        "completion_tokens_details",
    ),
    "ChatCompletion": _object(
        {
            **_HEAD,
            "choices": _listed(_object({**_CHOICE, "message": _MESSAGE, "logprobs": _nullable(_ANYTHING)}, "logprobs")),
            "usage": _ref("Usage"),
            "zhongshu": _ref("Extra"),
        }
    ),
    "Completion": _object(
        {
            **_HEAD,
            "choices": _listed(_object({**_CHOICE, "text": _TEXT, "logprobs": _nullable(_ANYTHING)}, "logprobs")),
            "usage": _ref("Usage"),
            "zhongshu": _ref("Extra"),
        }
    ),
    "EmbeddingList": _object(
        {
            "object": {"const": "list"},
            "data": _listed(
                _object(
                    {
                        "object": {"const": "embedding"},
                        "index": _WHOLE,
                        "embedding": {
                            "anyOf": [
                                _listed({"type": "number"}),
                                {"type": "string", "description": "Base64 of little-endian float32."},
                            ]
                        },
                    }
                )
            ),
            "model": _TEXT,
            "usage": _ref("Usage"),
            "zhongshu": _ref("Extra"),
        }
    ),
    "ModelObject": _object(
        {
            "id": _TEXT,
            "object": {"const": "model"},
            "created": _WHOLE,
            "owned_by": _TEXT,
            "zhongshu": _object({"card": _nullable(_ref("ModelCard")), "routed": {"type": "boolean"}}),
        }
    ),
    "ModelObjects": _object({"object": {"const": "list"}, "data": _listed(_ref("ModelObject"))}),
    "Alive": _object({"status": {"const": "ok"}}),
    "Readiness": _object(
        {
            "status": {"enum": ["ready", "not ready"]},
            "parts": {
                "type": "object",
                "description": 'Each part of the path: "ok", "slow", "draining" or a problem\'s code.',
                "additionalProperties": _TEXT,
            },
        }
    ),
}


def _header(about: str, kind: str = "string") -> Json:
    return {"description": about, "schema": {"type": kind}}


HEADERS: Json = {
    "x-request-id": _header("The turn's trace id, 32 hex characters."),
    "x-zhongshu-trace": _header("The same."),
    "x-zhongshu-release": _header("Which release answered."),
    "x-zhongshu-route": _header("Which rule chose it."),
    "x-zhongshu-reason": _header("Why, in one sentence."),
    "x-zhongshu-ai-generated": _header('"1" on generated content (not on vectors).'),
    "x-zhongshu-cache": _header('"exact" or "semantic" where the answer is one given before.'),
    "x-zhongshu-overhead-ms": _header("Our own time, without the upstream's (plain replies)."),
    "x-zhongshu-cost": _header("Money as an exact decimal, and its currency (plain replies)."),
    "x-zhongshu-usage": _header("Tokens: `prompt=34; completion=52` (plain replies)."),
    "x-ratelimit-limit-requests": _header("Requests a minute this key may make, if limited."),
    "x-ratelimit-remaining-requests": _header("Requests left."),
    "x-ratelimit-reset-requests": _header("When all are back, such as 12.000s."),
    "x-ratelimit-limit-tokens": _header("Tokens a minute this key may use, if limited."),
    "x-ratelimit-remaining-tokens": _header("Tokens left."),
    "x-ratelimit-reset-tokens": _header("When all are back."),
    "Retry-After": _header("Seconds to wait; `retry-after-ms` says it in milliseconds."),
}
ANSWER_HEADERS = tuple(name for name in HEADERS if name != "Retry-After")

EXAMPLES: Json = {
    "ChatRequest": {"model": "auto", "messages": [{"role": "user", "content": "你好！Who are you?"}]},
    "CompletionRequest": {"model": "qwen2.5-coder-0.5b", "prompt": "def fibonacci(n):", "max_tokens": 64},
    "EmbeddingRequest": {"model": "e5-small", "input": ["中枢", "a control centre"]},
}
