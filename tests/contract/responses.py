"""OpenAI's responses, as a client writes and reads them, and as an upstream is told."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.words import CITY, IDS, PICTURE, RESULTS, TOOLS, ZONE, Ask, Call, Heard, Said, Used, events_of

NAME = "responses"
_MADE = {"get_weather": CITY, "get_time": ZONE}
_STOPS = {None: "stop", "max_output_tokens": "length", "content_filter": "content_filter"}


def path_of(model: str, stream: bool) -> str:
    return "/v1/responses"


def headers_of(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def body_of(ask: Ask, stream: bool) -> dict[str, Any]:
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PICTURE}"}
    content: Any = [{"type": "input_text", "text": ask.text}, picture] if ask.picture else ask.text
    items: list[Any] = [{"type": "message", "role": "user", "content": content}]
    if ask.results:
        items += [
            {"type": "function_call", "call_id": IDS[name], "name": name, "arguments": json.dumps(made)}
            for name, made in _MADE.items()
        ]
        items += [_result(IDS[name], said) for name, said in RESULTS.items()]
    body: dict[str, Any] = {"model": ask.model, "input": items, "store": False}
    if ask.tools:
        body["tools"] = [{"type": "function", "name": name, "parameters": schema} for name, schema in TOOLS.items()]
    if ask.choice:
        body["tool_choice"] = {"type": "function", "name": ask.choice} if ask.choice in TOOLS else ask.choice
    given = {
        "instructions": ask.system or None,
        "max_output_tokens": ask.max_tokens,
        "temperature": ask.temperature,
        "reasoning": {"effort": "high"} if ask.think else None,
        "include": ["reasoning.encrypted_content"] if ask.think else None,
        "stream": stream or None,
    }
    assert not ask.stop, "cannot be said"
    return body | {name: value for name, value in given.items() if value is not None} | ask.extra


def again(ask: Ask, reply: dict[str, Any]) -> dict[str, Any]:
    """The next request: the answer as it came, and what its tools gave."""
    body = body_of(ask, False)
    body["input"] += reply["output"]
    calls = [item for item in reply["output"] if item["type"] == "function_call"]
    body["input"] += [_result(call["call_id"], RESULTS[call["name"]]) for call in calls]
    return body


def _result(call_id: str, said: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": said}


def whole(body: bytes) -> Said:
    return _said(json.loads(body))


def streamed(stream: bytes) -> Said:
    """The last event holds the whole; what the deltas add up to must be the same."""
    events = [json.loads(data) for data in events_of(stream) if data != "[DONE]"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    last = events[-1]
    assert last["type"] in ("response.completed", "response.incomplete"), last
    said = _said(last["response"])
    joined = dict.fromkeys(("output_text", "reasoning_text", "function_call_arguments", "refusal"), "")
    for event in events:
        kind = event["type"].removeprefix("response.").removesuffix(".delta")
        if kind in joined and event["type"].endswith(".delta"):
            joined[kind] += event["delta"]
    assert joined["output_text"] + joined["refusal"] == said.text
    assert joined["reasoning_text"] == said.thought
    made = "".join(item["arguments"] for item in last["response"]["output"] if item["type"] == "function_call")
    assert joined["function_call_arguments"] == made
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done == last["response"]["output"]
    return said


def _said(response: dict[str, Any]) -> Said:
    text, thought, calls, signatures = "", "", [], []
    for item in response["output"]:
        match item["type"]:
            case "message":
                text += "".join(part.get("text") or part.get("refusal") or "" for part in item["content"])
            case "reasoning":
                thought += "".join(part["text"] for part in item.get("content") or item["summary"])
                signatures += [item["encrypted_content"]] if item.get("encrypted_content") else []
            case "function_call":
                assert item["call_id"]
                calls.append(_call(item))
    reason = (response["incomplete_details"] or {}).get("reason")
    assert response["status"] == ("incomplete" if reason else "completed")
    stop = "tool_calls" if calls and not reason else _STOPS[reason]
    return Said(text, thought, tuple(calls), stop, _used(response["usage"]), tuple(signatures))


def heard(body: bytes) -> Heard:
    asked = json.loads(body)
    assert asked["store"] is False, "conversations are kept here"
    texts, system, pictures, calls, results, signatures = [], asked.get("instructions") or "", [], [], [], []
    for item in asked["input"]:
        match item["type"]:
            case "message":
                content = item["content"]
                parts = [{"type": "input_text", "text": content}] if isinstance(content, str) else content
                said = "".join(part.get("text", "") for part in parts)
                pictures += [p["image_url"].partition(",")[2] for p in parts if p["type"] == "input_image"]
                if item["role"] in ("system", "developer"):
                    system += said
                elif item["role"] == "user":
                    texts.append(said)
            case "function_call":
                calls.append(_call(item))
            case "function_call_output":
                results.append((item["call_id"], item["output"]))
            case "reasoning":
                signatures += [item["encrypted_content"]] if item.get("encrypted_content") else []
    choice = asked.get("tool_choice", "")
    return Heard(
        tuple(texts),
        system,
        tuple(pictures),
        tuple(tool["name"] for tool in asked.get("tools", ())),
        choice if isinstance(choice, str) else choice["name"],
        tuple(calls),
        tuple(results),
        tuple(signatures),
        asked.get("max_output_tokens"),
        asked.get("temperature"),
    )


def error_of(body: bytes) -> str:
    return json.loads(body)["error"]["code"]


def broken(stream: bytes) -> str:
    """The code a stream ends with."""
    *_, error, failed = [json.loads(data) for data in events_of(stream) if data != "[DONE]"]
    assert (error["type"], failed["type"]) == ("error", "response.failed")
    assert failed["response"]["error"]["code"] == error["code"]
    return error["code"]


def _call(item: dict[str, Any]) -> Call:
    return Call(item["name"], json.loads(item["arguments"]), item.get("thought_signature"))


def _used(usage: dict[str, Any]) -> Used:
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    cached = usage["input_tokens_details"]["cached_tokens"]
    return Used(
        usage["input_tokens"], usage["output_tokens"], cached, usage["output_tokens_details"]["reasoning_tokens"]
    )
