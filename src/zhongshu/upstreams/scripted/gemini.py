"""The scripted answer in Google's words: as a whole body, and as the pieces of a stream. Deterministic; no I/O.

POST /v1beta/models/NAME:generateContent and the others play the same behaviours as chat. The first call of an answer is
signed, thoughts come when they are asked for, a refusal becomes a blocked prompt. Google has no end mark: `done` changes
nothing.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import msgspec

from zhongshu.upstreams.scripted.chunks import Asked, Scene, embeddings
from zhongshu.upstreams.scripted.script import ScriptedCall

PREFIX = "beta/models"
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_FINISH = {
    "stop": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "content_filter": "SAFETY",
    "error": "OTHER",
}
_UNKNOWN = msgspec.Raw(b'{"z":1,"a":[12345678901234567890,1.50,1e3,"\\ud83d\\ude00"]}')
_encode = msgspec.json.Encoder().encode


class _Thinking(msgspec.Struct, rename="camel"):
    include_thoughts: bool = False


class _Config(msgspec.Struct, rename="camel"):
    max_output_tokens: int | None = None
    candidate_count: int | None = None
    response_logprobs: bool = False
    thinking_config: _Thinking | None = None


class _Calling(msgspec.Struct, rename="camel"):
    mode: str = "AUTO"
    allowed_function_names: list[str] = []


class _ToolConfig(msgspec.Struct, rename="camel"):
    function_calling_config: _Calling | None = None


class _Tool(msgspec.Struct, rename="camel"):
    function_declarations: list[dict[str, Any]] = []


class Request(msgspec.Struct, rename="camel"):
    """What is read of a request; the fields of every method."""

    generate_content_request: Any = None
    contents: Any = None
    requests: list[Any] = []
    content: Any = None
    tools: list[_Tool] = []
    tool_config: _ToolConfig | None = None
    generation_config: _Config | None = None
    mock: dict[str, msgspec.Raw] = {}


_decode = msgspec.json.Decoder(Request).decode
# Google takes its fields in either spelling.
_SNAKE = re.compile(rb'"[a-z]+(?:_[a-z]+)+"\s*:')


def _request(body: bytes) -> Request:
    return _decode(_SNAKE.sub(lambda found: re.sub(rb"_([a-z])", lambda one: one[1].upper(), found[0]), body))


def called(path: str) -> tuple[str, str]:
    """The model and the method of a path below /v1."""
    model, _, method = path.removeprefix(PREFIX).strip("/").rpartition(":")
    return model, method


def asked_of(path: str, body: bytes) -> Asked:
    """The request in chat's words, which is what behaviours understand. Raises msgspec.DecodeError."""
    model, method = called(path)
    request, config = _request(body), _config(body)
    calling = request.tool_config.function_calling_config if request.tool_config else None
    functions = [function for tool in request.tools for function in tool.function_declarations]
    if "embed" in method.lower():
        texts = [one.get("content") for one in request.requests] or [request.content]
        size = (request.requests or [{}])[0].get("outputDimensionality")
        return Asked(model=model, input=texts, dimensions=size, mock=request.mock)
    if method == "countTokens":
        return Asked(model=model, input=[], mock=request.mock)
    if not request.contents:
        raise msgspec.ValidationError("contents are not specified")
    names = calling.allowed_function_names if calling else []
    return Asked(
        model=model,
        stream=method == "streamGenerateContent",
        n=config.candidate_count,
        max_tokens=config.max_output_tokens,
        logprobs=config.response_logprobs,
        tools=[{"function": function} for function in functions if not names or function["name"] in names],
        tool_choice="required" if calling and calling.mode.upper() == "ANY" else None,
        mock=request.mock,
    )


def whole(scene: Scene, body: bytes) -> dict[str, Any]:
    """The body of a plain reply."""
    if scene.behaviour.refusal:
        return _frame(scene) | _blocked(scene)
    parts = list(_parts(scene, body, whole=True))
    candidates = [_candidate(scene, index, parts, last=True) for index in range(scene.choices)]
    if scene.asked.logprobs:
        for candidate in candidates:
            candidate["logprobsResult"] = _logprobs(scene.pieces)
    return _frame(scene) | {"candidates": candidates} | _usage(scene)


def packed(scene: Scene, body: bytes) -> Iterator[bytes]:
    """The event stream's bytes, `pack` events at a time."""
    behaviour = scene.behaviour
    end = behaviour.line_end.encode() if behaviour.line_end != "\n" else b"\r\n"
    comment = b": scripted" + end + end if behaviour.comments else b""
    pending: list[bytes] = []
    for piece in _pieces(scene, body):
        pending.append(comment + b"data: " + _encode(piece) + end + end)
        if len(pending) == behaviour.pack:
            yield b"".join(pending)
            pending.clear()
    if pending:
        yield b"".join(pending)


def vectors(asked: Asked, path: str, size: int) -> dict[str, Any]:
    """The reply of embedContent or batchEmbedContents; of countTokens, a quarter of the request's bytes."""
    if called(path)[1] == "countTokens":
        return {"totalTokens": max(size // 4, 1)}
    made = [{"values": row["embedding"]} for row in embeddings(asked)["data"]]
    return {"embeddings": made} if called(path)[1] == "batchEmbedContents" else {"embedding": made[0]}


def error(status: int, message: str = "", retry_after: str = "") -> bytes:
    """Google's error object."""
    said = STATUSES.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL")
    message = message or f"the scripted upstream answers {status}"
    details: list[dict[str, Any]] = []
    if retry_after:
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{retry_after}s"})
    return _encode({"error": {"code": status, "message": message, "status": said, "details": details}})


def listed(names: list[str]) -> dict[str, Any]:
    """The list of models."""
    methods = ["generateContent", "embedContent"]
    return {"models": [{"name": f"models/{name}", "supportedGenerationMethods": methods} for name in names]}


def signature(call: ScriptedCall) -> str:
    """What a call is signed with."""
    return b64encode(hashlib.sha256(call.name.encode()).digest()).decode()


def _config(body: bytes) -> _Config:
    return _request(body).generation_config or _Config()


def _pieces(scene: Scene, body: bytes) -> Iterator[dict[str, Any]]:
    if scene.behaviour.refusal:
        yield _frame(scene) | _blocked(scene)
        return
    usage = scene.behaviour.usage
    each = _usage(scene) if usage == "each" else {}
    for index in range(scene.choices):
        for part in _parts(scene, body, whole=False):
            candidate = _candidate(scene, index, [part], last=False)
            if scene.asked.logprobs and "text" in part:
                candidate["logprobsResult"] = _logprobs([part["text"]])
            yield _frame(scene) | {"candidates": [candidate]} | each
        ends = index == scene.choices - 1
        last = _candidate(scene, index, [{"text": ""}], last=True)
        yield _frame(scene) | {"candidates": [last]} | (_usage(scene) if ends else {})
    if usage == "doubled":
        yield _frame(scene) | _usage(scene)


def _parts(scene: Scene, body: bytes, *, whole: bool) -> Iterator[dict[str, Any]]:
    thinking = _config(body).thinking_config
    thoughts = scene.thoughts if thinking and thinking.include_thoughts else []
    pieces = scene.pieces
    if whole:
        thoughts, pieces = ["".join(thoughts)] if thoughts else [], ["".join(pieces)] if pieces else []
    for thought in thoughts:
        yield {"text": thought, "thought": True}
    for piece in pieces:
        yield {"text": piece}
    for number, call in enumerate(scene.calls):
        function = {"name": call.name, "args": msgspec.json.decode(call.arguments or "{}")}
        part: dict[str, Any] = {"functionCall": function | ({"id": call.id} if call.id else {})}
        yield part | ({"thoughtSignature": signature(call)} if number == 0 else {})


def _candidate(scene: Scene, index: int, parts: list[dict[str, Any]], *, last: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": index}
    if last and scene.behaviour.finish:
        candidate["finishReason"] = _FINISH.get(scene.finish_reason, scene.finish_reason)
    if scene.behaviour.extra:
        candidate["x_safety"] = [{"category": "HARM_CATEGORY_UNKNOWN", "probability": "NEGLIGIBLE"}]
    return candidate


def _frame(scene: Scene) -> dict[str, Any]:
    frame: dict[str, Any] = {"modelVersion": scene.asked.model, "responseId": scene.id.removeprefix("chatcmpl-")}
    return frame | {"x_unknown": _UNKNOWN} if scene.behaviour.extra else frame


def _blocked(scene: Scene) -> dict[str, Any]:
    return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}} | _usage(scene)


def _usage(scene: Scene) -> dict[str, Any]:
    if scene.behaviour.usage == "missing":
        return {}
    said = scene.usage()
    thoughts = said["completion_tokens_details"]["reasoning_tokens"]
    return {
        "usageMetadata": {
            "promptTokenCount": said["prompt_tokens"],
            "candidatesTokenCount": said["completion_tokens"] - thoughts,
            "totalTokenCount": said["total_tokens"],
            "cachedContentTokenCount": said["prompt_tokens_details"]["cached_tokens"],
            **({"thoughtsTokenCount": thoughts} if thoughts else {}),
        }
    }


def _logprobs(pieces: list[str]) -> dict[str, Any]:
    chosen = [{"token": piece, "logProbability": -0.5} for piece in pieces]
    return {"chosenCandidates": chosen, "topCandidates": [{"candidates": []} for _ in pieces]}
