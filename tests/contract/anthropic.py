"""Anthropic's messages, as a client writes and reads them, and as an upstream is told."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.words import CITY, IDS, PICTURE, RESULTS, TOOLS, ZONE, Ask, Call, Heard, Said, Used, events_of

NAME = "anthropic.messages"
_MADE = {"get_weather": CITY, "get_time": ZONE}
_STOPS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_CHOICES = {"auto": "auto", "required": "any", "none": "none"}


def path_of(model: str, stream: bool) -> str:
    return "/v1/messages"


def headers_of(key: str) -> dict[str, str]:
    return {"x-api-key": key, "anthropic-version": "2023-06-01"}


def body_of(ask: Ask, stream: bool) -> dict[str, Any]:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PICTURE}}
    content: Any = [{"type": "text", "text": ask.text}, picture] if ask.picture else ask.text
    messages: list[Any] = [{"role": "user", "content": content}]
    if ask.results:
        calls = [{"type": "tool_use", "id": IDS[name], "name": name, "input": made} for name, made in _MADE.items()]
        messages.append({"role": "assistant", "content": calls})
        messages.append({"role": "user", "content": [_result(IDS[name], said) for name, said in RESULTS.items()]})
    body: dict[str, Any] = {"model": ask.model, "messages": messages, "max_tokens": ask.max_tokens or 8192}
    if ask.tools:
        body["tools"] = [{"name": name, "input_schema": schema} for name, schema in TOOLS.items()]
    if ask.choice:
        named = {"type": "tool", "name": ask.choice}
        body["tool_choice"] = named if ask.choice in TOOLS else {"type": _CHOICES[ask.choice]}
    given = {
        "system": ask.system or None,
        "temperature": ask.temperature,
        "stop_sequences": list(ask.stop) or None,
        "thinking": {"type": "enabled", "budget_tokens": 2000} if ask.think else None,
        "stream": stream or None,
    }
    return body | {name: value for name, value in given.items() if value is not None} | ask.extra


def again(ask: Ask, reply: dict[str, Any]) -> dict[str, Any]:
    """The next request: the answer as it came, and what its tools gave."""
    body = body_of(ask, False)
    body["messages"].append({"role": "assistant", "content": reply["content"]})
    calls = [block for block in reply["content"] if block["type"] == "tool_use"]
    results: list[Any] = [_result(call["id"], RESULTS[call["name"]]) for call in calls]
    body["messages"].append({"role": "user", "content": results or "And?"})
    return body


def _result(call_id: str, said: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": said}


def whole(body: bytes) -> Said:
    return _said(json.loads(body))


def streamed(stream: bytes) -> Said:
    events = [json.loads(data) for data in events_of(stream)]
    assert (events[0]["type"], events[-1]["type"]) == ("message_start", "message_stop")
    message: dict[str, Any] = events[0]["message"]
    open_: dict[str, Any] | None = None
    for event in events[1:]:
        match event["type"]:
            case "content_block_start":
                assert open_ is None
                assert event["index"] == len(message["content"])
                open_ = event["content_block"] | {"json": ""}
                message["content"].append(open_)
            case "content_block_delta":
                assert open_ is not None
                _grow(open_, event["delta"])
            case "content_block_stop":
                assert open_ is not None
                if open_["type"] == "tool_use":
                    open_["input"] = json.loads(open_["json"] or "{}")
                open_ = None
            case "message_delta":
                message |= event["delta"]
                message["usage"] |= event["usage"]
            case _:
                assert event["type"] in ("ping", "message_stop"), event
    return _said(message)


def _grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] += delta["signature"]
        case "input_json_delta":
            block["json"] += delta["partial_json"]
        case other:
            raise AssertionError(other)


def _said(message: dict[str, Any]) -> Said:
    blocks = message["content"]
    signatures = tuple(block["signature"] for block in blocks if block.get("signature"))
    assert all(block["id"] for block in blocks if block["type"] == "tool_use")
    return Said(
        "".join(block["text"] for block in blocks if block["type"] == "text"),
        "".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
        tuple(
            Call(block["name"], block["input"], blocks[place - 1].get("data") if place else None)
            for place, block in enumerate(blocks)
            if block["type"] == "tool_use"
        ),
        _STOPS[message["stop_reason"]],
        _used(message["usage"]),
        signatures,
    )


def heard(body: bytes) -> Heard:
    asked = json.loads(body)
    assert asked["max_tokens"] > 0
    texts, pictures, calls, results, signatures = [], [], [], [], []
    for number, message in enumerate(asked["messages"]):
        assert message["role"] == ("user", "assistant")[number % 2], "their roles take turns"
        content = message["content"]
        for block in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            match block["type"]:
                case "text" if message["role"] == "user":
                    texts.append(block["text"])
                case "image":
                    pictures.append(block["source"]["data"])
                case "tool_use":
                    calls.append(Call(block["name"], block["input"]))
                case "tool_result":
                    results.append((block["tool_use_id"], _text(block["content"])))
                case "thinking":
                    signatures.append(block["signature"])
                case _:
                    pass
    choice = asked.get("tool_choice", {})
    return Heard(
        tuple(texts),
        _text(asked.get("system") or ""),
        tuple(pictures),
        tuple(tool["name"] for tool in asked.get("tools", ())),
        {"any": "required"}.get(choice.get("type"), choice.get("name") or choice.get("type", "")),
        tuple(calls),
        tuple(results),
        tuple(signatures),
        asked["max_tokens"],
        asked.get("temperature"),
        tuple(asked.get("stop_sequences") or ()),
    )


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(block["text"] for block in content)


def error_of(body: bytes) -> str:
    said = json.loads(body)
    assert said["type"] == "error"
    assert said["error"]["type"]
    return said["zhongshu"]["code"]


def broken(stream: bytes) -> str:
    """The code a stream ends with."""
    return error_of(events_of(stream)[-1].encode())


def _used(usage: dict[str, Any]) -> Used:
    cached = usage["cache_read_input_tokens"]
    prompt = usage["input_tokens"] + cached + (usage["cache_creation_input_tokens"] or 0)
    thinking = (usage.get("output_tokens_details") or {}).get("thinking_tokens", 0)
    return Used(prompt, usage["output_tokens"], cached, thinking)
