"""The scripted answer in Anthropic's words: as a whole message, and as the events of a stream. Deterministic; no I/O.

POST /v1/messages plays the same behaviours as chat. Thoughts are signed; `done` is message_stop; with `role_only` a
ping follows the start. POST /v1/messages/count_tokens counts a quarter of the request's bytes.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import msgspec

from zhongshu.upstreams.scripted.chunks import Asked, Scene
from zhongshu.upstreams.scripted.script import ScriptedCall

MESSAGES, COUNT = "/messages", "/messages/count_tokens"
_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
_UNKNOWN = msgspec.Raw(b'{"z":1,"a":[12345678901234567890,1.50,1e3,"\\ud83d\\ude00"]}')
_encode = msgspec.json.Encoder().encode


class Request(msgspec.Struct):
    """What is read of a request."""

    model: str = "mock"
    messages: list[Any] = []
    max_tokens: int | None = None
    stream: bool = False
    tools: list[dict[str, Any]] = []
    tool_choice: dict[str, Any] = {}
    stop_sequences: list[str] = []
    mock: dict[str, msgspec.Raw] = {}


_request = msgspec.json.Decoder(Request).decode


def asked_of(body: bytes) -> Asked:
    """The request in chat's words, which is what behaviours understand. Raises msgspec.DecodeError."""
    request = _request(body)
    kind = request.tool_choice.get("type", "auto")
    return Asked(
        model=request.model,
        messages=request.messages,
        stream=request.stream,
        max_tokens=request.max_tokens,
        tools=[{"function": tool} for tool in request.tools],
        tool_choice={"function": {"name": request.tool_choice["name"]}}
        if kind == "tool"
        else "required"
        if kind == "any"
        else None,
        mock=request.mock,
    )


def whole(scene: Scene, body: bytes) -> dict[str, Any]:
    """The body of a plain reply."""
    blocks: list[dict[str, Any]] = []
    if scene.thoughts:
        text = "".join(scene.thoughts)
        blocks.append({"type": "thinking", "thinking": text, "signature": signature(text)})
    if _texts(scene):
        blocks.append({"type": "text", "text": "".join(_texts(scene)), "citations": None})
    for call in scene.calls:
        blocks.append(_tool_use(call) | {"input": msgspec.Raw((call.arguments or "{}").encode())})
    message = _message(scene) | {"content": blocks} | _stop(scene, body)
    return message | ({"usage": _usage(scene)} if scene.behaviour.usage != "missing" else {})


def packed(scene: Scene, body: bytes) -> Iterator[bytes]:
    """The event stream's bytes, `pack` events at a time."""
    behaviour = scene.behaviour
    end = behaviour.line_end.encode()
    comment = b": scripted" + end + end if behaviour.comments else b""
    pending: list[bytes] = []
    for event in _events(scene, body):
        name = str(event["type"]).encode()
        pending.append(comment + b"event: " + name + end + b"data: " + _encode(event) + end + end)
        if len(pending) == behaviour.pack:
            yield b"".join(pending)
            pending.clear()
    if pending:
        yield b"".join(pending)


def count(body: bytes) -> dict[str, int]:
    """The reply of count_tokens."""
    return {"input_tokens": max(len(body) // 4, 1)}


def error(status: int, message: str = "") -> bytes:
    """Anthropic's error object."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    message = message or f"the scripted upstream answers {status}"
    return _encode({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_scripted"})


def signature(thought: str) -> str:
    """What a thought is signed with."""
    return b64encode(hashlib.sha256(thought.encode()).digest()).decode()


def _events(scene: Scene, body: bytes) -> Iterator[dict[str, Any]]:
    behaviour = scene.behaviour
    told = behaviour.usage != "missing"
    empty: list[Any] = []
    start = _message(scene) | {"content": empty, "stop_reason": None, "stop_sequence": None}
    usage = {"usage": _usage(scene) | {"output_tokens": 1}} if told else {}
    yield {"type": "message_start", "message": start | usage}
    if behaviour.role_only:
        yield {"type": "ping"}
    for index, (block, deltas) in enumerate(_blocks(scene)):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta} | _extra(scene)
        yield {"type": "content_block_stop", "index": index}
    last = {"type": "message_delta", "delta": _stop(scene, body)}
    last |= {"usage": {"output_tokens": _usage(scene)["output_tokens"]}} if told else {}
    yield last
    if behaviour.usage == "doubled":
        yield last
    if behaviour.done:
        yield {"type": "message_stop"}


def _blocks(scene: Scene) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Each block as it begins, and its deltas."""
    if scene.thoughts:
        deltas: list[dict[str, Any]] = [{"type": "thinking_delta", "thinking": piece} for piece in scene.thoughts]
        deltas.append({"type": "signature_delta", "signature": signature("".join(scene.thoughts))})
        yield {"type": "thinking", "thinking": "", "signature": ""}, deltas
    if _texts(scene):
        yield {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in _texts(scene)]
    for call in scene.calls:
        pieces = ["", *_thirds(call.arguments if call.arguments != "{}" else "")]
        yield _tool_use(call), [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def _texts(scene: Scene) -> list[str]:
    return [scene.behaviour.refusal] if scene.behaviour.refusal else scene.pieces


def _thirds(text: str) -> list[str]:
    size = max(len(text) // 3, 1)
    return [text[at : at + size] for at in range(0, len(text), size)]


def _tool_use(call: ScriptedCall) -> dict[str, Any]:
    return (
        {"type": "tool_use"}
        | ({"id": call.id} if call.id else {})
        | {"name": call.name, "input": {}, "caller": {"type": "direct"}}
    )


def _message(scene: Scene) -> dict[str, Any]:
    name = scene.id.removeprefix("chatcmpl-")
    return {
        "id": f"msg_{name}",
        "type": "message",
        "role": "assistant",
        "model": scene.asked.model,
        "container": None,
    } | _extra(scene)


def _extra(scene: Scene) -> dict[str, Any]:
    return {"x_unknown": _UNKNOWN} if scene.behaviour.extra else {}


def _stop(scene: Scene, body: bytes) -> dict[str, Any]:
    if not scene.behaviour.finish:
        return {"stop_reason": None, "stop_sequence": None, "stop_details": None}
    reason = "refusal" if scene.behaviour.refusal else _STOPS.get(scene.finish_reason, scene.finish_reason)
    met = _request(body).stop_sequences if reason == "stop_sequence" else []
    return {"stop_reason": reason, "stop_sequence": met[0] if met else None, "stop_details": None}


def _usage(scene: Scene) -> dict[str, Any]:
    """Half of the prompt comes out of the cache, as in chat; the rest is input, and nothing is written."""
    said = scene.usage()
    cached = said["prompt_tokens_details"]["cached_tokens"]
    return {
        "input_tokens": said["prompt_tokens"] - cached,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": cached,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": said["completion_tokens"],
        "output_tokens_details": {"thinking_tokens": said["completion_tokens_details"]["reasoning_tokens"]},
        "server_tool_use": None,
        "service_tier": "standard",
        "inference_geo": None,
    }
