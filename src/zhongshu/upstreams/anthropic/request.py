"""Writing a request: Turn -> body bytes.

A turn that arrived in this dialect is passed on as it came: every top-level field's exact bytes, in their order, with
only `model` and `stream` (and the depth of thought, when the route decided one) replaced. A turn that was changed, or
came by another protocol, is written from our words. What this format cannot say is refused where the answer would be
another without it, and stated (`call.dropped`) where not.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.core.ports import Call
from zhongshu.core.problems import Said
from zhongshu.core.turns import Sampling, Tool, ToolChoice
from zhongshu.upstreams.anthropic.caching import mark
from zhongshu.upstreams.anthropic.messages import Conversation, converse
from zhongshu.upstreams.anthropic.passing import ask_no_thought, without_foreign
from zhongshu.upstreams.anthropic.response import DIALECT
from zhongshu.upstreams.anthropic.thinking import budget_of, reasoned_before, spelt
from zhongshu.upstreams.anthropic.traits import Traits, traits_of
from zhongshu.upstreams.cannot import cannot, state, state_unread
from zhongshu.upstreams.openai.thinking import word_of
from zhongshu.upstreams.proofs import holds_proofs

_encode = msgspec.json.Encoder().encode
_TRUE, _FALSE = Raw(b"true"), Raw(b"false")
# The format demands a limit. Models of this format give at least 8,192 tokens; thoughts count as answer.
_ANSWER_TOKENS = 8192
_ADAPTIVE_TOKENS = 32_000
_SWITCHED = frozenset({"switch", "always"})
_COMPLETION = Said("text completion", "文本补全")
_ANY_OBJECT = Raw(b'{"type":"object"}')


class Written(msgspec.Struct, frozen=True):
    """A request's body. answer_tool: the tool whose arguments are the answer's text, where the model is made to keep
    to a schema by being made to call one."""

    body: bytes
    answer_tool: str = ""


def body_of(call: Call, *, stream: bool) -> Written:
    """The JSON body that asks for this turn. Raises Fault("model_cannot")."""
    if call.turn.kind != "chat":
        raise cannot(call, _COMPLETION if call.turn.kind == "completion" else call.turn.kind)
    model = call.offer.release.upstream_model
    wire = call.turn.wire
    if wire is not None and wire.dialect == DIALECT:
        fields: dict[str, Any] = dict(wire.fields)
        fields.pop("zhongshu", None)
        fields["model"] = model
        if stream or "stream" in fields:
            fields["stream"] = _TRUE if stream else _FALSE
        decided = call.turn.deepened or call.effort not in (None, call.turn.effort)
        if decided and call.offer.card.thinking in _SWITCHED:
            _decide(call, fields, traits_of(model))
        if holds_proofs(call.turn):
            without_foreign(call, fields)
        if "thinking" in fields:
            ask_no_thought(call, fields, traits_of(model))
        return Written(_encode(fields))
    state_unread(call)
    return _written(call, traits_of(model), stream)


def count_body(call: Call) -> bytes:
    """The body that asks how many tokens the prompt of this turn has."""
    fields: dict[str, Any] = msgspec.json.decode(body_of(call, stream=False).body, type=dict[str, Raw])
    taken = ("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "mcp_servers")
    return _encode({name: value for name, value in fields.items() if name in taken})


def _decide(call: Call, fields: dict[str, Any], traits: Traits) -> None:
    """Write the depth that was decided over the client's own; a model that thinks takes no drawing of the client's, nor
    a demand for a tool, which goes before thought."""
    turn = call.turn
    effort = call.effort or turn.effort
    tokens = turn.thinking_tokens if call.effort in (None, turn.effort) else None
    word = effort or (word_of(tokens) if tokens else "high")
    thinks = word != "off" and turn.tool_choice.mode not in ("required", "tool")
    said = spelt(word if thinks else "off", tokens, turn.sampling.max_tokens, traits, fields)
    fields |= said
    if traits.calm and not thinks:
        _calm(call, fields)
    if (word != "off") != (said.get("thinking", {}).get("type") in ("enabled", "adaptive")):
        state(call, "reasoning_effort")
    elif tokens and traits.thinking == "adaptive":
        state(call, "thinking_tokens")
    if thinks and said:
        for name in ("temperature", "top_p", "top_k"):
            if fields.pop(name, None) is not None:
                state(call, name)


def _calm(call: Call, fields: dict[str, Any]) -> None:
    """An effort above high is refused of a model that is told not to think."""
    config = fields.get("output_config")
    given: dict[str, Raw] = msgspec.json.decode(_encode(config), type=dict[str, Raw]) if config is not None else {}
    if bytes(given.get("effort", Raw(b""))) in (b'"xhigh"', b'"max"'):
        state(call, "output_config.effort")
        fields["output_config"] = {**given, "effort": "high"}


# Written from our words ---------------------------------------------------------------------------------------


def _written(call: Call, traits: Traits, stream: bool) -> Written:
    turn = call.turn
    sampling = turn.sampling
    _refuse_unsayable(call)
    conversation = converse(call)
    tools = (
        [_tool(tool, traits) for tool in turn.tools] if turn.tool_choice.mode != "none" or conversation.calls else []
    )
    if not traits.schema and any(tool.strict for tool in turn.tools):
        state(call, "tools.strict")
    output_config, answer_tool = _format(call, traits)
    if answer_tool is not None:
        tools = [answer_tool]
    choice = _choice(call, traits, answer_tool) if tools else None
    forced = choice is not None and choice["type"] in ("any", "tool")
    thinking = _thinking(call, traits, conversation, forced)
    fields: dict[str, Any] = {
        "model": call.offer.release.upstream_model,
        "max_tokens": sampling.max_tokens or _most_tokens(thinking),
        "system": conversation.system or None,
        "messages": conversation.messages,
        "tools": tools or None,
        "tool_choice": choice,
        "stop_sequences": _stops(call) or None,
        "metadata": {"user_id": turn.user} if turn.user else None,
        "stream": True if stream else None,
        **_sampled(call, traits, thinking),
        **thinking,
    }
    effort_config: dict[str, Any] = thinking.get("output_config", {})
    fields["output_config"] = {**effort_config, **output_config} or None
    fields = {name: value for name, value in fields.items() if value is not None}
    mark(fields)
    return Written(_encode(fields), answer_tool["name"] if answer_tool else "")


def _refuse_unsayable(call: Call) -> None:
    sampling = call.turn.sampling
    if sampling.n != 1:
        raise cannot(call, Said("several answers at once", "一次给出多个回答"), "n")
    if sampling.logprobs:
        raise cannot(call, Said("log-probabilities", "对数概率"), "logprobs")


def _stops(call: Call) -> list[str]:
    """Stop texts of nothing but space are not taken."""
    stops = [stop for stop in call.turn.sampling.stop if stop.strip()]
    if len(stops) < len(call.turn.sampling.stop):
        raise cannot(call, Said("a stop text of white space alone", "仅含空白的停止文本"), "stop")
    return stops


def _sampled(call: Call, traits: Traits, thinking: dict[str, Any]) -> dict[str, Any]:
    """How the answer is drawn. Newer models draw as they see fit; one that thinks takes a top_p of 0.95 and up only."""
    sampling: Sampling = call.turn.sampling
    for name in ("seed", "presence_penalty", "frequency_penalty"):
        if getattr(sampling, name) not in (None, 0):
            state(call, name)
    given = {name: getattr(sampling, name) for name in ("temperature", "top_p", "top_k")}
    given = {name: value for name, value in given.items() if value is not None}
    thinks = thinking.get("thinking", {}).get("type") in ("enabled", "adaptive")
    if not traits.sampling or thinks:
        usual = {"temperature": 1, "top_p": 1}
        state(call, *[name for name, value in given.items() if value != usual.get(name)])
        return {}
    if given.get("temperature", 0) > 1:
        state(call, "temperature (above 1)")
        given["temperature"] = 1.0
    if "temperature" in given and "top_p" in given and traits.schema:  # Claude 4.1 and later take one of the two
        if given["top_p"] != 1:
            state(call, "top_p")
        del given["top_p"]
    return given


def _tool(tool: Tool, traits: Traits) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": tool.name}
    if tool.description:
        fields["description"] = tool.description
    fields["input_schema"] = tool.parameters
    if tool.strict and traits.schema:
        fields["strict"] = True
    return fields


def _choice(call: Call, traits: Traits, answer_tool: dict[str, Any] | None) -> dict[str, Any] | None:
    choice: ToolChoice = call.turn.tool_choice
    parallel = call.turn.sampling.parallel_tool_calls
    if answer_tool is not None:
        return {"type": "tool", "name": answer_tool["name"]}
    if choice.mode == "none":
        return {"type": "none"}
    written: dict[str, Any] = {"type": "auto"}
    if choice.mode != "auto":
        if not traits.forced:
            raise cannot(call, Said("a tool call that is demanded", "强制调用工具"), "tool_choice")
        written = {"type": "any"} if choice.mode == "required" else {"type": "tool", "name": choice.name}
    if parallel is False:
        written["disable_parallel_tool_use"] = True
    return written if written != {"type": "auto"} else None


def _format(call: Call, traits: Traits) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The fields that ask for a shape, or the tool that the model must call in its stead."""
    wanted = call.turn.format
    if wanted.kind == "text":
        return {}, None
    if wanted.kind == "schema" and traits.schema:
        return {"format": {"type": "json_schema", "schema": wanted.schema}}, None
    if call.turn.tools or not traits.forced:
        raise cannot(call, Said("answers in JSON in this way", "以此方式输出 JSON"), "response_format")
    tool = {
        "name": wanted.name or "answer",
        "description": "Gives the answer. Call it once, with the whole answer.",
        "input_schema": wanted.schema or _ANY_OBJECT,
    }
    return {}, tool


def _thinking(call: Call, traits: Traits, conversation: Conversation, forced: bool) -> dict[str, Any]:
    """The depth of thought that was decided or asked for, where the model has a switch and the rest allows it."""
    turn = call.turn
    effort = call.effort or turn.effort
    tokens = turn.thinking_tokens if call.effort in (None, turn.effort) else None
    if effort is None and tokens is None:
        return _no_thinking(traits) if forced and traits.thinking == "adaptive" else {}
    if call.offer.card.thinking not in _SWITCHED:
        if effort != "off":
            state(call, "reasoning_effort")
        return {}
    if effort == "off":
        if not traits.off:
            state(call, "reasoning_effort")
        return _no_thinking(traits)
    budget = budget_of(effort, tokens, turn.sampling.max_tokens)
    too_short = traits.thinking == "budget" and budget is None
    unproven = traits.thinking == "budget" and not reasoned_before(conversation.messages)
    if forced or too_short or unproven:
        state(call, "reasoning_effort")
        return _no_thinking(traits) if forced and traits.thinking == "adaptive" else {}
    if tokens and (traits.thinking == "adaptive" or budget != tokens):
        state(call, "thinking_tokens")
    if effort == "minimal" and traits.thinking == "adaptive":
        state(call, "reasoning_effort")
    word = effort or (word_of(tokens) if tokens else "high")
    return spelt(word, tokens, turn.sampling.max_tokens, traits, {})


def _no_thinking(traits: Traits) -> dict[str, Any]:
    return {"thinking": {"type": traits.off}} if traits.off else {"output_config": {"effort": "low"}}


def _most_tokens(thinking: dict[str, Any]) -> int:
    asked: dict[str, Any] = thinking.get("thinking", {})
    if asked.get("type") == "adaptive":
        return _ADAPTIVE_TOKENS
    return _ANSWER_TOKENS + int(asked.get("budget_tokens", 0))
