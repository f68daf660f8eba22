"""The scripted answer in OpenAI's words: as a whole body, and as the events of a stream. Deterministic; no I/O."""

from __future__ import annotations

import hashlib
import struct
from base64 import b64encode
from collections.abc import Iterator
from typing import Any, cast

import msgspec

from zhongshu.upstreams.scripted.script import Behaviour, ScriptedCall

_CREATED = 1_767_225_600
# What only exact pass-through keeps: order of keys, a large integer, a float's zeros, an escaped emoji.
_UNKNOWN = msgspec.Raw(b'{"z":1,"a":[12345678901234567890,1.50,1e3,"\\ud83d\\ude00"]}')


class Asked(msgspec.Struct):
    """What is read of a request."""

    model: str = "mock"
    messages: list[Any] = []
    prompt: Any = None
    input: Any = None
    stream: bool = False
    stream_options: dict[str, Any] | None = None
    n: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    logprobs: bool | int | None = None
    tools: list[Any] | None = None
    tool_choice: Any = None
    dimensions: int | None = None
    encoding_format: str = "float"
    mock: dict[str, msgspec.Raw] = {}


class Scene:
    """One request's answer, worked out."""

    def __init__(self, asked: Asked, behaviour: Behaviour, body: bytes, number: int, completion: bool) -> None:
        self.asked = asked
        self.behaviour = behaviour
        self.id = f"{'cmpl' if completion else 'chatcmpl'}-mock{number:08d}"
        self.completion = completion
        self.choices = asked.n or 1
        text = body.decode("utf-8", "replace") if behaviour.echo else behaviour.text * behaviour.times
        size = max(behaviour.piece_characters, 1)
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        limit = asked.max_completion_tokens or asked.max_tokens
        self.short = limit is not None and len(pieces) > limit
        self.pieces = pieces[:limit] if limit is not None else pieces
        self.thoughts = [behaviour.thought[at : at + size] for at in range(0, len(behaviour.thought), size)]
        self.calls = () if completion else behaviour.tool_calls or _required_call(asked)
        self.prompt_tokens = max(len(body) // 4, 1)

    @property
    def finish_reason(self) -> str:
        if self.behaviour.finish_reason:
            return self.behaviour.finish_reason
        if self.short:
            return "length"
        return "tool_calls" if self.calls else "stop"

    def usage(self, completion_tokens: int | None = None) -> dict[str, Any]:
        """Token counts: a token for each piece, and a quarter of the request's bytes."""
        thinking = len(self.thoughts)
        made = (thinking + len(self.pieces) + len(self.calls)) if completion_tokens is None else completion_tokens
        made *= self.choices
        factor = 10 if self.behaviour.usage == "wrong" else 1
        prompt, made = self.prompt_tokens * factor, made * factor
        return {
            "prompt_tokens": prompt,
            "completion_tokens": made,
            "total_tokens": prompt + made,
            "prompt_tokens_details": {"cached_tokens": self.prompt_tokens // 2},
            "completion_tokens_details": {"reasoning_tokens": min(thinking * self.choices, made)},
        }


def whole(scene: Scene) -> dict[str, Any]:
    """The body of a plain reply."""
    reply = _frame(scene, "text_completion" if scene.completion else "chat.completion")
    reply["choices"] = [_whole_choice(scene, index) for index in range(scene.choices)]
    if scene.behaviour.usage == "choice":
        reply["choices"][-1]["usage"] = scene.usage()
    elif scene.behaviour.usage != "missing":
        reply["usage"] = scene.usage()
    return reply


def events(scene: Scene) -> Iterator[dict[str, Any]]:
    """The chunks of a stream, in order, without the end marker."""
    sent = 0
    behaviour = scene.behaviour
    for index in range(scene.choices):
        for delta in _deltas(scene):
            sent += 1
            choice: dict[str, Any] = {"index": index, "finish_reason": None}
            logprobs = delta.pop("logprobs", None)
            choice |= {"text": delta.get("content", "")} if scene.completion else {"delta": delta}
            if logprobs:
                choice["logprobs"] = logprobs
            yield _chunk(scene, [choice], sent)
        last: dict[str, Any] = {"index": index, "finish_reason": scene.finish_reason if behaviour.finish else None}
        last |= {"text": ""} if scene.completion else {"delta": {}}
        if behaviour.usage == "choice" and index == scene.choices - 1:
            last["usage"] = scene.usage()
        yield _chunk(scene, [last], sent)
    asked_for = (scene.asked.stream_options or {}).get("include_usage")
    if asked_for and behaviour.usage in ("right", "wrong", "doubled"):
        for _ in range(2 if behaviour.usage == "doubled" else 1):
            yield _frame(scene, _chunk_object(scene)) | {"choices": [], "usage": scene.usage()}


def embeddings(asked: Asked) -> dict[str, Any]:
    """One vector for each text, made of its hash: the same text gives the same vector."""
    given: object = asked.input
    texts = cast("list[Any]", given) if isinstance(given, list) else [given]
    size = asked.dimensions or 8
    data = [
        {"object": "embedding", "index": number, "embedding": _vector(text, size, asked.encoding_format)}
        for number, text in enumerate(texts)
    ]
    tokens = sum(max(len(str(text)) // 4, 1) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": asked.model, "usage": usage}


def _vector(text: Any, size: int, encoding: str) -> list[float] | str:
    digest = hashlib.shake_128(msgspec.json.encode(text)).digest(size * 2)
    values = [value / 32768 for value in struct.unpack(f"<{size}h", digest)]
    length = sum(value * value for value in values) ** 0.5 or 1.0
    unit = [value / length for value in values]
    return b64encode(struct.pack(f"<{size}f", *unit)).decode() if encoding == "base64" else unit


def _required_call(asked: Asked) -> tuple[ScriptedCall, ...]:
    """The call that `tool_choice` demands, of the first or the named tool, without arguments."""
    if not asked.tools or asked.tool_choice in (None, "auto", "none"):
        return ()
    chosen: Any = asked.tools[0] if isinstance(asked.tool_choice, str) else asked.tool_choice
    return (ScriptedCall(str(chosen["function"]["name"])),)


def _frame(scene: Scene, kind: str) -> dict[str, Any]:
    reply: dict[str, Any] = {
        "id": scene.id,
        "object": kind,
        "created": _CREATED,
        "model": scene.asked.model,
        "system_fingerprint": "fp_scripted",
    }
    if scene.behaviour.extra:
        reply["x_unknown"] = _UNKNOWN
    return reply


def _chunk_object(scene: Scene) -> str:
    return "text_completion" if scene.completion else "chat.completion.chunk"


def _chunk(scene: Scene, choices: list[dict[str, Any]], sent: int) -> dict[str, Any]:
    chunk = _frame(scene, _chunk_object(scene)) | {"choices": choices}
    if scene.behaviour.usage == "each":
        chunk["usage"] = scene.usage(sent)
    if scene.behaviour.extra:
        choices[0]["x_token_id"] = sent
    return chunk


def _deltas(scene: Scene) -> Iterator[dict[str, Any]]:
    behaviour = scene.behaviour
    role: dict[str, Any] = {"role": "assistant"}
    if behaviour.role_only and not scene.completion:
        yield role | {"content": ""}
        role = {}
    for thought in () if scene.completion else scene.thoughts:
        yield role | _thought(behaviour.spelling, thought)
        role = {}
    for piece in scene.pieces:
        delta = role | {"content": piece}
        if scene.asked.logprobs and not scene.completion:
            delta["logprobs"] = {"content": [_logprob(piece)]}
        yield delta
        role = {}
    if behaviour.refusal:
        yield {"refusal": behaviour.refusal}
    for number, call in enumerate(scene.calls):
        for function in _call_pieces(call):
            part: dict[str, Any] = {"index": number} if behaviour.index else {}
            if "name" in function:
                part |= {"type": "function"} | ({"id": call.id} if call.id else {}) | _signed(behaviour, number, call)
            yield {"tool_calls": [part | {"function": function}]}


def _signed(behaviour: Behaviour, number: int, call: ScriptedCall) -> dict[str, Any]:
    """Google's signature of a call, on the first one."""
    if not behaviour.sign_calls or number:
        return {}
    proof = b64encode(hashlib.sha256(f"{call.name} in chat".encode()).digest()).decode()
    return {"extra_content": {"google": {"thought_signature": proof}}}


def _call_pieces(call: ScriptedCall) -> Iterator[dict[str, str]]:
    """The name first, then the arguments in three pieces."""
    yield {"name": call.name, "arguments": ""}
    third = max(len(call.arguments) // 3, 1)
    for at in range(0, len(call.arguments), third):
        yield {"arguments": call.arguments[at : at + third]}


def _thought(spelling: str, text: str) -> dict[str, Any]:
    if spelling == "reasoning_details":
        return {"reasoning_details": [{"type": "reasoning.text", "text": text, "format": "scripted", "index": 0}]}
    return {spelling: text}


def _logprob(piece: str) -> dict[str, Any]:
    return {"token": piece, "logprob": -0.5, "bytes": list(piece.encode()), "top_logprobs": []}


def _whole_choice(scene: Scene, index: int) -> dict[str, Any]:
    behaviour = scene.behaviour
    choice: dict[str, Any] = {"index": index, "finish_reason": scene.finish_reason if behaviour.finish else None}
    text = "".join(scene.pieces)
    if scene.completion:
        return choice | {"text": text, "logprobs": None}
    message: dict[str, Any] = {"role": "assistant", "content": text if text or not scene.calls else None}
    if behaviour.thought:
        message |= _thought(behaviour.spelling, behaviour.thought)
    message["refusal"] = behaviour.refusal or None
    message["annotations"] = []
    if scene.calls:
        message["tool_calls"] = [
            {"type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            | ({"id": call.id} if call.id else {})
            | _signed(behaviour, number, call)
            for number, call in enumerate(scene.calls)
        ]
    choice["message"] = message
    choice.setdefault("logprobs", None)
    if scene.asked.logprobs:
        choice["logprobs"] = {"content": [_logprob(piece) for piece in scene.pieces]}
    return choice
