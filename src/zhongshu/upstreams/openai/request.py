"""Writing a request: Turn -> body bytes.

A turn that arrived in the same dialect is passed on as it came: every top-level field's exact bytes, in their order,
with only `model`, `stream` and `stream_options` (and the spelling of effort, when the route decided one) replaced. Our
own field `zhongshu` never leaves the house. A turn that was changed, or came by another protocol, is written from
our words.
"""

from __future__ import annotations

import functools
from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.core.ports import Call
from zhongshu.core.turns import Sampling, ToolChoice, Turn, rest_of
from zhongshu.upstreams.cannot import state, state_unread
from zhongshu.upstreams.openai.depth import depth_of, effort_over, leave_drawing, say_demand, set_depth
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.messages import messages_of, present
from zhongshu.upstreams.openai.passing import lacks_thoughts, put_right
from zhongshu.upstreams.proofs import holds_proofs

DIALECTS = {"chat": "openai.chat", "completion": "openai.completion", "embedding": "openai.embedding"}
PATHS = {"chat": "/chat/completions", "completion": "/completions", "embedding": "/embeddings"}

_TRUE, _FALSE = Raw(b"true"), Raw(b"false")
_INCLUDE_USAGE = Raw(b'{"include_usage":true}')

_encode = msgspec.json.Encoder().encode


def body_of(call: Call, manner: Manner, *, stream: bool) -> bytes:
    """The JSON body that asks for this turn."""
    turn = call.turn
    model = _named(call.offer.release.upstream_model)
    wire = turn.wire
    tokens: int | None = None
    passed_on = wire is not None and wire.dialect == DIALECTS[turn.kind]
    if wire is not None and passed_on:
        fields = dict(wire.fields)
        fields.pop("zhongshu", None)
        fields["model"] = model
        if turn.kind != "embedding":
            _set_streaming(fields, manner, stream)
        put = holds_proofs(turn) or (manner.thought_back and lacks_thoughts(turn, manner))
        if put and turn.kind == "chat" and "messages" in fields:
            fields["messages"] = put_right(call, fields["messages"], manner)
        if turn.deepened:
            effort, tokens = depth_of(call, manner)
        else:
            effort = effort_over(call, fields, manner)
    else:
        carried = _carried(call)
        fields = {name: Raw(_encode(value)) for name, value in _written(call, manner).items()}
        fields = {"model": model, **fields, **carried}
        if stream:
            _set_streaming(fields, manner, stream)
        effort, tokens = depth_of(call, manner)
    if turn.tools:
        say_demand(call, fields, manner)
    said: str | None = None
    if effort is not None and manner.thinking != "none":
        said = set_depth(fields, call, manner, effort, tokens)
    if turn.kind == "chat" and (said is not None or not passed_on):
        leave_drawing(call, fields, said, manner)
    return _encode(fields)


@functools.lru_cache(maxsize=1024)
def _named(model: str) -> Raw:
    """A model's name as JSON: few come again and again."""
    return Raw(_encode(model))


def _carried(call: Call) -> dict[str, Raw]:
    """What was not read of a request of our dialect that has been changed: it goes along. Else it is stated."""
    turn, wire = call.turn, call.turn.wire
    if wire is None or wire.dialect != rest_of(DIALECTS[turn.kind]) or any(n not in wire.fields for n in wire.needed):
        state_unread(call)
        return {}
    call.dropped = (*call.dropped, *wire.unsaid)
    return {name: raw for name, raw in wire.fields.items() if name != "zhongshu"}


def _written(call: Call, manner: Manner) -> dict[str, Any]:
    """The request in OpenAI's words, without model, streaming and effort."""
    turn = call.turn
    if turn.sampling.top_k is not None and not manner.top_k:
        state(call, "top_k")
    if turn.kind == "embedding":
        return present({"input": list(turn.prompts), "dimensions": turn.dimensions, "user": turn.user})
    sampling = _sampling(turn.sampling, manner)
    if turn.kind == "completion":
        prompt = turn.prompts[0] if len(turn.prompts) == 1 else list(turn.prompts)
        if "max_completion_tokens" in sampling:
            sampling["max_tokens"] = sampling.pop("max_completion_tokens")
        return {"prompt": prompt, **sampling, **present({"user": turn.user})}
    tools = [_tool(tool.name, tool.description, tool.parameters, tool.strict) for tool in turn.tools]
    return {
        "messages": messages_of(call, manner),
        **sampling,
        **({"tools": tools, **present({"tool_choice": _choice(turn.tool_choice)})} if tools else {}),
        **present({"response_format": _format(turn), "user": turn.user}),
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


def _sampling(sampling: Sampling, manner: Manner) -> dict[str, Any]:
    return present(
        {
            manner.max_tokens: sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "top_k": sampling.top_k if manner.top_k else None,
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
