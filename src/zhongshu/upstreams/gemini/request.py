"""Writing a request: Turn -> body bytes in Google's words.

A turn that arrived in the same dialect is passed on as it came, every top-level field's exact bytes; only our own field
`zhongshu` stays, and the depth of thought is written over where the route decided one. Any other turn is written from
our words; what they hold and Google cannot say is refused or stated.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Raw

from zhongshu.core.ports import Call
from zhongshu.core.problems import Said
from zhongshu.core.turns import Sampling, Tool, ToolChoice, rest_of
from zhongshu.upstreams.cannot import cannot, state, state_unread
from zhongshu.upstreams.gemini.contents import Writer
from zhongshu.upstreams.gemini.passing import put_right, to_be_read
from zhongshu.upstreams.gemini.schema import reduced
from zhongshu.upstreams.gemini.thinking import thinking_config

DIALECT = "gemini.generate"
_MOST_STOPS = 5
_INT32 = 0x7FFFFFFF

_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, Raw]).decode


def resource(model: str) -> str:
    """`models/NAME`, unless the name says where it lies (`tunedModels/NAME`)."""
    return model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"


def path_of(model: str, method: str) -> str:
    """The path of a method of a model."""
    return f"/{quote(resource(model), safe='/@.-_~:')}:{method}"


def body_of(call: Call) -> bytes:
    """The JSON body that asks for this turn; plain and streamed it is the same."""
    turn = call.turn
    if turn.kind != "chat":
        raise cannot(call, turn.kind)
    if turn.wire is not None and turn.wire.dialect == DIALECT:
        return _passed_on(call, turn.wire.fields)
    carried = _carried(call)
    return _encode({**written(call), **carried})


def _carried(call: Call) -> dict[str, Raw]:
    """What was not read of a request of our dialect that has been changed: it goes along. Else it is stated."""
    wire = call.turn.wire
    if wire is None or wire.dialect != rest_of(DIALECT) or wire.needed:
        state_unread(call)
        return {}
    call.dropped = (*call.dropped, *wire.unsaid)
    return wire.fields


def count_body(call: Call) -> bytes:
    """The body of countTokens: the whole request, tools and all. Raises Fault("model_cannot")."""
    if call.turn.kind != "chat":
        raise cannot(call, call.turn.kind)
    model = resource(call.offer.release.upstream_model)
    return _encode({"generateContentRequest": {"model": model, **written(call)}})


def embedding_body(call: Call) -> bytes:
    """The body of batchEmbedContents."""
    name = resource(call.offer.release.upstream_model)
    size = {} if call.turn.dimensions is None else {"outputDimensionality": call.turn.dimensions}
    texts = [{"model": name, "content": {"parts": [{"text": text}]}, **size} for text in call.turn.prompts]
    if not texts:
        raise cannot(call, Said("tokens in place of texts", "以词元代替文本"), param="input")
    return _encode({"requests": texts})


def written(call: Call) -> dict[str, Any]:
    """The request in Google's words."""
    turn = call.turn
    writer = Writer(call)
    body: dict[str, Any] = {"contents": writer.contents()}
    if writer.system:
        body["systemInstruction"] = {"parts": writer.system}
    if turn.tools:
        body["tools"] = [{"functionDeclarations": [_tool(tool) for tool in turn.tools]}]
        mode = _mode(turn.tool_choice, turn.tools)
        if mode:
            body["toolConfig"] = {"functionCallingConfig": mode}
    config = _config(call)
    if config:
        body["generationConfig"] = config
    unsaid = {"user": turn.user, "parallel_tool_calls": turn.sampling.parallel_tool_calls is False or None}
    state(call, *[name for name, value in unsaid.items() if value is not None])
    return body


def _passed_on(call: Call, fields: dict[str, Raw]) -> bytes:
    kept = {name: raw for name, raw in fields.items() if name not in ("zhongshu", "model")}
    if "contents" in kept and to_be_read(call):
        kept["contents"] = put_right(call, kept["contents"])
    if not call.turn.deepened and call.effort in (None, call.turn.effort):
        return _encode(kept)
    thinking = thinking_config(call)
    if thinking is not None:
        name = "generation_config" if "generation_config" in kept else "generationConfig"
        config = dict(_fields(kept[name])) if name in kept and bytes(kept[name]) != b"null" else {}
        config.pop("thinking_config", None)
        kept[name] = Raw(_encode({**config, "thinkingConfig": thinking}))
    return _encode(kept)


def _tool(tool: Tool) -> dict[str, Any]:
    said = {"name": tool.name, "parametersJsonSchema": tool.parameters}
    return said | {"description": tool.description} if tool.description else said


def _mode(choice: ToolChoice, tools: tuple[Tool, ...]) -> dict[str, Any] | None:
    match choice.mode:
        case "auto":
            return {"mode": "VALIDATED"} if any(tool.strict for tool in tools) else None
        case "none":
            return {"mode": "NONE"}
        case "required":
            return {"mode": "ANY"}
        case "tool":
            return {"mode": "ANY", "allowedFunctionNames": [choice.name]}


def _config(call: Call) -> dict[str, Any]:
    turn = call.turn
    config = _sampling(call, turn.sampling)
    if turn.format.kind != "text":
        config["responseMimeType"] = "application/json"
    if turn.format.schema is not None:
        try:
            schema, left_out = reduced(turn.format.schema)
        except RecursionError:
            raise cannot(call, Said("a schema so deep", "嵌套如此之深的 schema"), param="response_format") from None
        config["responseJsonSchema"] = schema
        state(call, *[f"response_format.{name}" for name in left_out])
    thinking = thinking_config(call)
    if thinking is not None:
        config["thinkingConfig"] = thinking
    elif turn.thinking_tokens or turn.effort:
        state(call, "reasoning_effort")
    return config


def _sampling(call: Call, sampling: Sampling) -> dict[str, Any]:
    if len(sampling.stop) > _MOST_STOPS:
        what = Said(f"more than {_MOST_STOPS} stop texts", f"超过 {_MOST_STOPS} 个停止文本")
        raise cannot(call, what, param="stop", remedy=Said("Send fewer.", "请减少数量。"))
    said: dict[str, Any] = {
        "maxOutputTokens": sampling.max_tokens,
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "seed": None if sampling.seed is None else sampling.seed & _INT32,
        "stopSequences": list(sampling.stop) or None,
        "candidateCount": sampling.n if sampling.n != 1 else None,
        "presencePenalty": sampling.presence_penalty,
        "frequencyPenalty": sampling.frequency_penalty,
        "responseLogprobs": sampling.logprobs or None,
        "logprobs": sampling.top_logprobs,
    }
    return {name: value for name, value in said.items() if value is not None}
