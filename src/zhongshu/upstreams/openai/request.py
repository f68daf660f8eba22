"""Writing a request: Turn -> body bytes.

A turn that arrived in the same dialect is passed on as it came: every top-level field's exact bytes, in their order,
with only `model`, `stream` and `stream_options` (and the spelling of effort, when the route decided one) replaced. Our
own field `zhongshu` never leaves the house. A turn that was changed, or came by another protocol, is written from
our words.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Raw

from zhongshu.core.ports import Call
from zhongshu.core.turns import Audio, File, Image, Message, Part, Sampling, Text, ToolChoice, Turn, Video

Thinking = Literal[
    "none", "reasoning_effort", "thinking", "thinking+effort", "enable_thinking", "chat_template_kwargs", "reasoning"
]
DIALECTS = {"chat": "openai.chat", "completion": "openai.completion", "embedding": "openai.embedding"}
PATHS = {"chat": "/chat/completions", "completion": "/completions", "embedding": "/embeddings"}

# DashScope and SiliconFlow take a budget in tokens where others take a word; "high" leaves the model's own.
_BUDGETS = {"minimal": 512, "low": 2048, "medium": 8192}
# A model that never thinks has no switch, and one that is prompted to think has been prompted already.
_SWITCHED = frozenset({"switch", "always"})
_TRUE, _FALSE = Raw(b"true"), Raw(b"false")
_INCLUDE_USAGE = Raw(b'{"include_usage":true}')

_encode = msgspec.json.Encoder().encode


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How one upstream wants to be asked, where it differs from OpenAI.

    thinking: how depth of thought is spelt (see effort_fields). thought_back: earlier thoughts are handed back in
    `reasoning_content`. developer_role: knows "developer", else it is written "system". max_tokens: the field's name.
    stream_options: takes `include_usage`.
    """

    thinking: Thinking = "none"
    thought_back: bool = False
    developer_role: bool = False
    max_tokens: str = "max_tokens"
    stream_options: bool = True


def body_of(call: Call, manner: Manner, *, stream: bool) -> bytes:
    """The JSON body that asks for this turn."""
    turn = call.turn
    model = Raw(_encode(call.offer.release.upstream_model))
    wire = turn.wire
    if wire is not None and wire.dialect == DIALECTS[turn.kind]:
        fields = dict(wire.fields)
        fields.pop("zhongshu", None)
        fields["model"] = model
        if turn.kind != "embedding":
            _set_streaming(fields, manner, stream)
        effort = _effort_to_write(call, fields, manner)
    else:
        fields = {name: Raw(_encode(value)) for name, value in written(turn, manner).items()}
        fields = {"model": model, **fields}
        if stream:
            _set_streaming(fields, manner, stream)
        effort = (call.effort or turn.effort) if call.offer.card.thinking in _SWITCHED else None
    if effort is not None:
        _set_effort(fields, manner.thinking, effort)
    return _encode(fields)


def effort_fields(thinking: Thinking, effort: str) -> dict[str, Any]:
    """How an effort ("off", "minimal", "low", "medium", "high") is written, by the upstream's spelling.

    reasoning_effort      OpenAI, Ollama, LM Studio: a word, "none" for off
    thinking              Moonshot, Zhipu: {"type": "enabled" | "disabled"}
    thinking+effort       DeepSeek: both of the above
    enable_thinking       DashScope, SiliconFlow: a switch, with a budget in tokens below "high"
    chat_template_kwargs  vLLM, SGLang, llama.cpp: the template's own switch, called by both of its names
    reasoning             OpenRouter: {"effort": word}
    """
    on = effort != "off"
    match thinking:
        case "reasoning_effort":
            return {"reasoning_effort": effort if on else "none"}
        case "thinking":
            return {"thinking": {"type": "enabled" if on else "disabled"}}
        case "thinking+effort":
            switch: dict[str, Any] = {"thinking": {"type": "enabled" if on else "disabled"}}
            return {**switch, "reasoning_effort": effort} if on else switch
        case "enable_thinking":
            budget = {"thinking_budget": _BUDGETS[effort]} if effort in _BUDGETS else {}
            return {"enable_thinking": on, **budget}
        case "chat_template_kwargs":
            return {"chat_template_kwargs": {"enable_thinking": on, "thinking": on}}
        case "reasoning":
            return {"reasoning": {"effort": effort if on else "none"}}
        case "none":
            return {}


def written(turn: Turn, manner: Manner) -> dict[str, Any]:
    """The request in OpenAI's words, without model, streaming and effort."""
    if turn.kind == "embedding":
        return _present({"input": list(turn.prompts), "dimensions": turn.dimensions, "user": turn.user})
    sampling = _sampling(turn.sampling, manner)
    if turn.kind == "completion":
        prompt = turn.prompts[0] if len(turn.prompts) == 1 else list(turn.prompts)
        if "max_completion_tokens" in sampling:
            sampling["max_tokens"] = sampling.pop("max_completion_tokens")
        return {"prompt": prompt, **sampling, **_present({"user": turn.user})}
    tools = [_tool(tool.name, tool.description, tool.parameters, tool.strict) for tool in turn.tools]
    return {
        "messages": [_message(message, manner) for message in turn.messages],
        **sampling,
        **({"tools": tools, **_present({"tool_choice": _choice(turn.tool_choice)})} if tools else {}),
        **_present({"response_format": _format(turn), "user": turn.user}),
    }


def _set_streaming(fields: dict[str, Raw], manner: Manner, stream: bool) -> None:
    """Ask for a stream and its usage, or for neither, whatever the client asked."""
    if not stream:
        if "stream" in fields:
            fields["stream"] = _FALSE
        fields.pop("stream_options", None)
        return
    fields["stream"] = _TRUE
    if not manner.stream_options:
        fields.pop("stream_options", None)
        return
    asked = fields.get("stream_options")
    if asked is None or bytes(asked) == b"null":
        fields["stream_options"] = _INCLUDE_USAGE
    else:
        options = msgspec.json.decode(asked, type=dict[str, Raw])
        options["include_usage"] = _TRUE
        fields["stream_options"] = Raw(_encode(options))


def _effort_to_write(call: Call, fields: dict[str, Raw], manner: Manner) -> str | None:
    """The effort to write over a client's own fields; None when those say it already, or there is nothing to say."""
    turn, effort = call.turn, call.effort or call.turn.effort
    if effort is None or call.offer.card.thinking not in _SWITCHED:
        return None
    own_spelling = "reasoning_effort" in fields and manner.thinking == "reasoning_effort"
    if own_spelling and call.effort in (None, turn.effort):
        return None
    return effort


def _set_effort(fields: dict[str, Raw], thinking: Thinking, effort: str) -> None:
    if thinking == "none":
        return
    if "effort" not in thinking:
        fields.pop("reasoning_effort", None)
    for name, value in effort_fields(thinking, effort).items():
        asked = fields.get(name)
        said = Raw(_encode(value))
        if asked is not None and bytes(asked).startswith(b"{") and bytes(said).startswith(b"{"):
            merged = msgspec.json.decode(asked, type=dict[str, Raw])
            merged.update(msgspec.json.decode(said, type=dict[str, Raw]))
            said = Raw(_encode(merged))
        fields[name] = said


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _sampling(sampling: Sampling, manner: Manner) -> dict[str, Any]:
    return _present(
        {
            manner.max_tokens: sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
            "stop": list(sampling.stop) or None,
            "n": sampling.n if sampling.n != 1 else None,
            "presence_penalty": sampling.presence_penalty,
            "frequency_penalty": sampling.frequency_penalty,
            "logprobs": sampling.logprobs or None,
            "top_logprobs": sampling.top_logprobs,
            "parallel_tool_calls": sampling.parallel_tool_calls,
        }
    )


def _message(message: Message, manner: Manner) -> dict[str, Any]:
    role = "system" if message.role == "developer" and not manner.developer_role else message.role
    content: Any = message.content
    if not isinstance(content, str):
        content = [_part(part) for part in content]
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in message.tool_calls
    ]
    fields: dict[str, Any] = {"role": role, "content": None if calls and not content else content}
    extra = {
        "name": message.name,
        "reasoning_content": (message.thought or None) if manner.thought_back else None,
        "tool_calls": calls or None,
        "tool_call_id": message.tool_call_id,
    }
    return fields | _present(extra)


def _part(part: Part) -> dict[str, Any]:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Image():
            return {"type": "image_url", "image_url": _present({"url": part.url, "detail": part.detail})}
        case Audio():
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
        case Video():
            return {"type": "video_url", "video_url": {"url": part.url}}
        case File():
            file = {"filename": part.name, "file_data": part.data, "file_id": part.id}
            return {"type": "file", "file": _present(file)}


def _tool(name: str, description: str, parameters: Raw, strict: bool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": name}
    if description:
        function["description"] = description
    function["parameters"] = parameters
    if strict:
        function["strict"] = True
    return {"type": "function", "function": function}


def _choice(choice: ToolChoice) -> str | dict[str, Any] | None:
    if choice.mode == "tool":
        return {"type": "function", "function": {"name": choice.name}}
    return None if choice.mode == "auto" else choice.mode


def _format(turn: Turn) -> dict[str, Any] | None:
    match turn.format.kind:
        case "text":
            return None
        case "json":
            return {"type": "json_object"}
        case "schema":
            schema = {"name": turn.format.name or "answer", "schema": turn.format.schema, "strict": True}
            return {"type": "json_schema", "json_schema": schema}
