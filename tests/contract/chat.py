"""OpenAI's chat completions, as a client writes and reads them, and as an upstream is told."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.words import IDS, PICTURE, RESULTS, TOOLS, Ask, Call, Heard, Said, Used, events_of

NAME = "openai.chat"
_MADE = {"get_weather": '{"city": "北京", "unit": "celsius"}', "get_time": '{"zone": "Asia/Shanghai"}'}


def path_of(model: str, stream: bool) -> str:
    return "/v1/chat/completions"


def headers_of(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def body_of(ask: Ask, stream: bool) -> dict[str, Any]:
    url = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
    content: Any = [{"type": "text", "text": ask.text}, url] if ask.picture else ask.text
    messages: list[Any] = [{"role": "system", "content": ask.system}] if ask.system else []
    messages.append({"role": "user", "content": content})
    if ask.results:
        calls = [
            {"id": IDS[name], "type": "function", "function": {"name": name, "arguments": made}}
            for name, made in _MADE.items()
        ]
        messages.append({"role": "assistant", "content": None, "tool_calls": calls})
        messages += [{"role": "tool", "tool_call_id": IDS[name], "content": said} for name, said in RESULTS.items()]
    body: dict[str, Any] = {"model": ask.model, "messages": messages}
    if ask.tools:
        body["tools"] = [{"type": "function", "function": {"name": n, "parameters": s}} for n, s in TOOLS.items()]
    if ask.choice:
        named = {"type": "function", "function": {"name": ask.choice}}
        body["tool_choice"] = named if ask.choice in TOOLS else ask.choice
    given = {
        "max_tokens": ask.max_tokens,
        "temperature": ask.temperature,
        "stop": list(ask.stop) or None,
        "reasoning_effort": "high" if ask.think else None,
        "stream_options": {"include_usage": True} if stream else None,
        "stream": stream or None,
    }
    return body | {name: value for name, value in given.items() if value is not None} | ask.extra


def again(ask: Ask, reply: dict[str, Any]) -> dict[str, Any]:
    """The next request: the answer as it came, and what its tools gave."""
    body = body_of(ask, False)
    message = reply["choices"][0]["message"]
    body["messages"].append(message)
    for call in message.get("tool_calls", ()):
        said = RESULTS[call["function"]["name"]]
        body["messages"].append({"role": "tool", "tool_call_id": call["id"], "content": said})
    return body


def whole(body: bytes) -> Said:
    reply = json.loads(body)
    (choice,) = reply["choices"]
    message = choice["message"]
    return Said(
        message["content"] or "",
        message.get("reasoning_content") or "",
        tuple(map(_call, message.get("tool_calls", ()))),
        choice["finish_reason"],
        _used(reply["usage"]),
        _proofs(message),
    )


def streamed(stream: bytes) -> Said:
    *chunks, done = events_of(stream)
    assert done == "[DONE]"
    text, thought, stop, used = "", "", "", None
    proofs: tuple[str, ...] = ()
    calls: dict[int, dict[str, Any]] = {}
    for chunk in map(json.loads, chunks):
        assert "error" not in chunk, chunk
        used = chunk.get("usage") or used
        for choice in chunk["choices"]:
            assert not stop or not choice["delta"].get("content"), "nothing comes after the end"
            text += choice["delta"].get("content") or ""
            thought += choice["delta"].get("reasoning_content") or ""
            proofs += _proofs(choice["delta"])
            for piece in choice["delta"].get("tool_calls", ()):
                call = calls.setdefault(piece["index"], {"function": {"name": "", "arguments": ""}})
                call |= {name: piece[name] for name in ("id", "extra_content") if name in piece}
                for name, value in piece["function"].items():
                    call["function"][name] += value
            stop = choice["finish_reason"] or stop
    assert used is not None
    return Said(text, thought, tuple(map(_call, calls.values())), stop, _used(used), proofs)


def _proofs(message: dict[str, Any]) -> tuple[str, ...]:
    details = message.get("reasoning_details") or ()
    return tuple(proof for detail in details if (proof := detail.get("signature") or detail.get("data")))


def heard(body: bytes) -> Heard:
    asked = json.loads(body)
    texts, system, pictures, calls, results = [], "", [], [], []
    for message in asked["messages"]:
        content = message.get("content") or ""
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        said = "".join(part["text"] for part in parts if part["type"] == "text")
        pictures += [part["image_url"]["url"].partition(",")[2] for part in parts if part["type"] == "image_url"]
        calls += map(_call, message.get("tool_calls") or ())
        match message["role"]:
            case "system" | "developer":
                system += said
            case "tool":
                assert all(part["type"] == "text" for part in parts), "only texts are taken here"
                results.append((message["tool_call_id"], said))
            case "user":
                texts.append(said)
    choice = asked.get("tool_choice", "")
    stop = asked.get("stop") or []
    return Heard(
        tuple(text for text in texts if text),
        system,
        tuple(pictures),
        tuple(tool["function"]["name"] for tool in asked.get("tools", ())),
        choice if isinstance(choice, str) else choice["function"]["name"],
        tuple(calls),
        tuple(results),
        (),
        asked.get("max_tokens") or asked.get("max_completion_tokens"),
        asked.get("temperature"),
        (stop,) if isinstance(stop, str) else tuple(stop),
    )


def error_of(body: bytes) -> str:
    return json.loads(body)["error"]["code"]


def broken(stream: bytes) -> str:
    """The code a stream ends with."""
    *_, last, done = events_of(stream)
    assert done == "[DONE]"
    return json.loads(last)["error"]["code"]


def _call(call: dict[str, Any]) -> Call:
    assert call["id"]
    signature = call.get("extra_content", {}).get("google", {}).get("thought_signature")
    return Call(call["function"]["name"], json.loads(call["function"]["arguments"]), signature)


def _used(usage: dict[str, Any]) -> Used:
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    thinking = usage["completion_tokens_details"]["reasoning_tokens"]
    return Used(usage["prompt_tokens"], usage["completion_tokens"], cached, thinking)
