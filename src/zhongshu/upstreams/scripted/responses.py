"""The scripted answer in the Responses format: as a whole object, and as the events of a stream. Deterministic; no I/O.

POST /v1/responses plays the same behaviours as chat: a thought becomes a reasoning item (its summary where one is asked
for, encrypted where that is), a built-in tool that was offered is called once, `finish` false leaves the last event
out. Nothing is stored; a `previous_response_id` is refused as unknown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, cast

import msgspec

from zhongshu.upstreams.scripted.chunks import Asked, Scene

_CREATED = 1_767_225_600
_encode = msgspec.json.Encoder().encode


class Request(msgspec.Struct):
    """What is read of a request."""

    model: str = "mock"
    input: Any = None
    instructions: str | None = None
    stream: bool = False
    max_output_tokens: int | None = None
    tools: list[dict[str, Any]] = []
    tool_choice: Any = None
    include: list[str] | None = None
    reasoning: dict[str, Any] | None = None
    previous_response_id: str | None = None
    mock: dict[str, msgspec.Raw] = {}


_decode = msgspec.json.Decoder(Request).decode


def asked_of(body: bytes) -> Asked:
    """The request in chat's words, which is what behaviours understand. Raises msgspec.DecodeError."""
    request = _decode(body)
    if request.previous_response_id is not None:
        raise msgspec.ValidationError("Previous response not found: this server stores nothing")
    choice = request.tool_choice
    if isinstance(choice, dict):
        named = cast("dict[str, Any]", choice)
        choice = {"type": "function", "function": {"name": named.get("name")}}
    functions = [tool for tool in request.tools if tool.get("type") == "function"]
    return Asked(
        model=request.model,
        stream=request.stream,
        max_tokens=request.max_output_tokens,
        tools=[{"type": "function", "function": tool} for tool in functions],
        tool_choice=choice,
        mock=request.mock,
        logprobs="message.output_text.logprobs" in (request.include or ()),
    )


def whole(scene: Scene, body: bytes) -> dict[str, Any]:
    """The body of a plain reply."""
    request = _decode(body)
    return _response(scene, request, _items(scene, request), ended=True)


def packed(scene: Scene, body: bytes) -> Iterator[bytes]:
    """The event stream's bytes, `pack` events at a time."""
    behaviour = scene.behaviour
    end = behaviour.line_end
    comment = f": scripted{end}{end}" if behaviour.comments else ""
    pending: list[bytes] = []
    for number, event in enumerate(_events(scene, _decode(body))):
        event["sequence_number"] = number
        head = f"{comment}event: {event['type']}{end}data: ".encode()
        pending.append(head + _encode(event) + f"{end}{end}".encode())
        if len(pending) == behaviour.pack:
            yield b"".join(pending)
            pending.clear()
    if not behaviour.finish and behaviour.done:
        pending.append(f"data: [DONE]{end}{end}".encode())
    if pending:
        yield b"".join(pending)


def _events(scene: Scene, request: Request) -> Iterator[dict[str, Any]]:
    yield {"type": "response.created", "response": _response(scene, request, [], ended=False)}
    yield {"type": "response.in_progress", "response": _response(scene, request, [], ended=False)}
    items = _items(scene, request)
    for index, item in enumerate(items):
        yield from _item_events(scene, item, index)
    if scene.behaviour.finish:
        response = _response(scene, request, items, ended=True)
        yield {"type": f"response.{response['status']}", "response": response}


def _item_events(scene: Scene, item: dict[str, Any], index: int) -> Iterator[dict[str, Any]]:
    at = {"output_index": index}
    kind = item["type"]
    begun: dict[str, Any] = item | {"status": "in_progress"}
    if kind == "message":
        begun["content"] = []
    elif kind == "reasoning":
        begun = begun | {"summary": [], "content": []}
        begun.pop("encrypted_content", None)
    elif kind == "function_call":
        begun["arguments"] = ""
    yield {"type": "response.output_item.added", **at, "item": begun}
    at = {"item_id": item["id"], **at}
    if kind == "message":
        yield from _message_events(scene, item, at)
    elif kind == "reasoning":
        yield from _reasoning_events(scene, item, at)
    elif kind == "function_call":
        text = item["arguments"]
        third = max(len(text) // 3, 1)
        for cut in range(0, len(text), third):
            yield {"type": "response.function_call_arguments.delta", **at, "delta": text[cut : cut + third]}
        yield {"type": "response.function_call_arguments.done", **at, "arguments": text, "name": item["name"]}
    else:
        yield {"type": f"response.{kind}.in_progress", **at}
        yield {"type": f"response.{kind}.completed", **at}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _message_events(scene: Scene, item: dict[str, Any], at: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for number, part in enumerate(item["content"]):
        here = at | {"content_index": number}
        field, kind = ("refusal", "refusal") if part["type"] == "refusal" else ("text", "output_text")
        yield {"type": "response.content_part.added", **here, "part": part | {field: ""}}
        pieces = [part[field]] if field == "refusal" else scene.pieces
        for piece in pieces:
            logprobs = {"logprobs": [_logprob(piece)] if scene.asked.logprobs else []} if field == "text" else {}
            yield {"type": f"response.{kind}.delta", **here, "delta": piece, **logprobs}
        logprobs = {"logprobs": part.get("logprobs", [])} if field == "text" else {}
        yield {"type": f"response.{kind}.done", **here, field: part[field], **logprobs}
        yield {"type": "response.content_part.done", **here, "part": part}


def _reasoning_events(scene: Scene, item: dict[str, Any], at: dict[str, Any]) -> Iterator[dict[str, Any]]:
    summary = bool(item["summary"])
    here = at | ({"summary_index": 0} if summary else {"content_index": 0})
    name = "reasoning_summary_text" if summary else "reasoning_text"
    part = "reasoning_summary_part" if summary else "content_part"
    shape = {"type": "summary_text" if summary else "reasoning_text"}
    yield {"type": f"response.{part}.added", **here, "part": shape | {"text": ""}}
    for piece in scene.thoughts:
        yield {"type": f"response.{name}.delta", **here, "delta": piece}
    text = "".join(scene.thoughts)
    yield {"type": f"response.{name}.done", **here, "text": text}
    yield {"type": f"response.{part}.done", **here, "part": shape | {"text": text}}


def _items(scene: Scene, request: Request) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if scene.thoughts:
        items.append(_reasoning(scene, request))
    for tool in request.tools:
        if tool.get("type") != "function":
            kind = f"{tool.get('type')}_call"
            items.append({"type": kind, "id": f"ws_{scene.id}", "status": "completed", "action": {"query": "scripted"}})
    content: list[dict[str, Any]] = []
    if scene.pieces:
        text: dict[str, Any] = {"type": "output_text", "text": "".join(scene.pieces), "annotations": []}
        text["logprobs"] = [_logprob(piece) for piece in scene.pieces] if scene.asked.logprobs else []
        content.append(text)
    if scene.behaviour.refusal:
        content.append({"type": "refusal", "refusal": scene.behaviour.refusal})
    if content:
        status = "incomplete" if scene.finish_reason in ("length", "content_filter") else "completed"
        message = {"type": "message", "id": f"msg_{scene.id}", "status": status, "role": "assistant"}
        items.append(message | {"content": content})
    for number, call in enumerate(scene.calls):
        named = {"call_id": call.id or f"call_{number}", "name": call.name, "arguments": call.arguments}
        items.append({"type": "function_call", "id": f"fc_{scene.id}_{number}", "status": "completed", **named})
    return items


def _reasoning(scene: Scene, request: Request) -> dict[str, Any]:
    text = "".join(scene.thoughts)
    item: dict[str, Any] = {"type": "reasoning", "id": f"rs_{scene.id}", "summary": []}
    if (request.reasoning or {}).get("summary"):
        item["summary"] = [{"type": "summary_text", "text": text}]
    else:
        item["content"] = [{"type": "reasoning_text", "text": text}]
    if "reasoning.encrypted_content" in (request.include or ()):
        item["encrypted_content"] = f"enc-{hashlib.sha256(text.encode()).hexdigest()[:24]}"
    return item


def _response(scene: Scene, request: Request, items: list[dict[str, Any]], *, ended: bool) -> dict[str, Any]:
    reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(scene.finish_reason)
    status = "in_progress" if not ended else "incomplete" if reason else "completed"
    response: dict[str, Any] = {
        "id": f"resp_{scene.id}",
        "object": "response",
        "created_at": _CREATED,
        "status": status,
        "model": scene.asked.model,
        "output": items,
        "store": False,
        "previous_response_id": None,
        "instructions": request.instructions,
        "error": None,
        "incomplete_details": {"reason": reason} if ended and reason else None,
        "usage": _usage(scene) if ended and scene.behaviour.usage != "missing" else None,
    }
    return response | ({"x_unknown": {"z": 1, "a": [1.5]}} if scene.behaviour.extra else {})


def _usage(scene: Scene) -> dict[str, Any]:
    chat = scene.usage()
    return {
        "input_tokens": chat["prompt_tokens"],
        "input_tokens_details": chat["prompt_tokens_details"] | {"cache_write_tokens": 0},
        "output_tokens": chat["completion_tokens"],
        "output_tokens_details": chat["completion_tokens_details"],
        "total_tokens": chat["total_tokens"],
    }


def _logprob(piece: str) -> dict[str, Any]:
    return {"token": piece, "logprob": -0.5, "bytes": list(piece.encode()), "top_logprobs": []}
