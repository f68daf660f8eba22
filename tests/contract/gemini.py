"""Google's generateContent, as a client writes and reads it, and as an upstream is told."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.words import CITY, IDS, PICTURE, RESULTS, TOOLS, ZONE, Ask, Call, Heard, Said, Used, events_of

NAME = "gemini.generate"
_MADE = {"get_weather": CITY, "get_time": ZONE}
_STOPS = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter", "PROHIBITED_CONTENT": "content_filter"}
_MODES = {"required": "ANY", "none": "NONE", "auto": "AUTO"}


def path_of(model: str, stream: bool) -> str:
    return f"/v1beta/models/{model}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")


def headers_of(key: str) -> dict[str, str]:
    return {"x-goog-api-key": key}


def body_of(ask: Ask, stream: bool) -> dict[str, Any]:
    picture = {"inlineData": {"mimeType": "image/png", "data": PICTURE}}
    contents: list[Any] = [{"role": "user", "parts": [{"text": ask.text}, *([picture] if ask.picture else [])]}]
    if ask.results:
        calls = [{"functionCall": {"id": IDS[name], "name": name, "args": made}} for name, made in _MADE.items()]
        contents.append({"role": "model", "parts": calls})
        contents.append({"role": "user", "parts": [_result(IDS[n], n, said) for n, said in RESULTS.items()]})
    body: dict[str, Any] = {"contents": contents}
    if ask.system:
        body["systemInstruction"] = {"parts": [{"text": ask.system}]}
    if ask.tools:
        functions = [{"name": name, "parametersJsonSchema": schema} for name, schema in TOOLS.items()]
        body["tools"] = [{"functionDeclarations": functions}]
    if ask.choice:
        named = {"mode": "ANY", "allowedFunctionNames": [ask.choice]}
        body["toolConfig"] = {
            "functionCallingConfig": named if ask.choice in TOOLS else {"mode": _MODES[ask.choice]},
        }
    config = {
        "maxOutputTokens": ask.max_tokens,
        "temperature": ask.temperature,
        "stopSequences": list(ask.stop) or None,
        "thinkingConfig": {"thinkingBudget": 2000, "includeThoughts": True} if ask.think else None,
    } | ask.extra
    return body | {"generationConfig": {name: value for name, value in config.items() if value is not None}}


def again(ask: Ask, reply: dict[str, Any]) -> dict[str, Any]:
    """The next request: the answer as it came, and what its tools gave."""
    body = body_of(ask, False)
    content = reply["candidates"][0]["content"]
    body["contents"].append(content)
    calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
    results: list[Any] = [_result(call["id"], call["name"], RESULTS[call["name"]]) for call in calls]
    body["contents"].append({"role": "user", "parts": results or [{"text": "And?"}]})
    return body


def _result(call_id: str, name: str, said: str) -> dict[str, Any]:
    return {"functionResponse": {"id": call_id, "name": name, "response": {"output": said}}}


def whole(body: bytes) -> Said:
    return _said([json.loads(body)])


def streamed(stream: bytes) -> Said:
    return _said([json.loads(data) for data in events_of(stream)])


def _said(pieces: list[dict[str, Any]]) -> Said:
    text, thought, calls, signatures, stop = "", "", [], [], ""
    for piece in pieces:
        assert "error" not in piece, piece
        for candidate in piece.get("candidates", ()):
            for part in candidate.get("content", {}).get("parts", ()):
                if "functionCall" in part:
                    calls.append(_call(part))
                elif part.get("thought"):
                    thought += part["text"]
                else:
                    text += part["text"]
                if "thoughtSignature" in part and "functionCall" not in part:
                    signatures.append(part["thoughtSignature"])
            stop = candidate.get("finishReason") or stop
        stop = piece.get("promptFeedback", {}).get("blockReason") or stop
    said = _STOPS[stop]
    return Said(
        text,
        thought,
        tuple(calls),
        "tool_calls" if calls and said == "stop" else said,
        _used(pieces[-1]["usageMetadata"]),
        tuple(signatures),
    )


def heard(body: bytes) -> Heard:
    asked = json.loads(body)
    texts, pictures, calls, results, signatures = [], [], [], [], []
    for number, content in enumerate(asked["contents"]):
        assert content["role"] == ("user", "model")[number % 2], "their roles take turns"
        for part in content["parts"]:
            if "inlineData" in part:
                pictures.append(part["inlineData"]["data"])
            elif "functionCall" in part:
                calls.append(_call(part))
            elif "functionResponse" in part:
                result = part["functionResponse"]
                results.append((result["id"], result["response"]["output"]))
            elif part.get("thought"):
                signatures += [part["thoughtSignature"]] if "thoughtSignature" in part else []
            elif content["role"] == "user":
                texts.append(part["text"])
    config = asked.get("generationConfig", {})
    calling = asked.get("toolConfig", {}).get("functionCallingConfig", {})
    names = calling.get("allowedFunctionNames")
    modes = {"ANY": "required", "NONE": "none", "AUTO": "auto"}
    return Heard(
        tuple(texts),
        "".join(part["text"] for part in asked.get("systemInstruction", {}).get("parts", ())),
        tuple(pictures),
        tuple(spec["name"] for tool in asked.get("tools", ()) for spec in tool["functionDeclarations"]),
        names[0] if names else modes.get(calling.get("mode", ""), ""),
        tuple(calls),
        tuple(results),
        tuple(signatures),
        config.get("maxOutputTokens"),
        config.get("temperature"),
        tuple(config.get("stopSequences") or ()),
    )


def error_of(body: bytes) -> str:
    error = json.loads(body)["error"]
    assert error["status"]
    return error["details"][0]["reason"].lower()


def broken(stream: bytes) -> str:
    """The code a stream ends with."""
    return error_of(events_of(stream)[-1].encode())


def _call(part: dict[str, Any]) -> Call:
    call = part["functionCall"]
    return Call(call["name"], call["args"], part.get("thoughtSignature"))


def _used(usage: dict[str, Any]) -> Used:
    thinking = usage.get("thoughtsTokenCount", 0)
    completion = usage["candidatesTokenCount"] + thinking
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + completion
    return Used(usage["promptTokenCount"], completion, usage.get("cachedContentTokenCount", 0), thinking)
