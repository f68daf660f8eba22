"""Writing a request: Turn -> body bytes.

A turn that arrived in the same dialect is passed on as it came: every top-level field's exact bytes, in their order,
with only `model`, `stream` and `stream_options` (and the spelling of effort, when the route decided one) replaced. Our
own field `zhongshu` never leaves the house. A turn that was changed, or came by another protocol, is written from
our words.
"""

from __future__ import annotations

import functools
from base64 import b64decode
from typing import Any, Literal

import msgspec
from msgspec import Raw

from zhongshu.core.ports import Call
from zhongshu.core.problems import Said
from zhongshu.core.signatures import own
from zhongshu.core.turns import (
    Audio,
    File,
    Image,
    Message,
    Part,
    Sampling,
    Text,
    Thought,
    ToolCall,
    ToolChoice,
    Turn,
    Video,
    rest_of,
)
from zhongshu.upstreams.cannot import SIGNED_ELSEWHERE, cannot, state_unread
from zhongshu.upstreams.openai.efforts import SCALE, always_thinks, has_words, nearest, words_of
from zhongshu.upstreams.openai.passing import put_right
from zhongshu.upstreams.openai.thinking import BUDGETED, WORDLESS, Thinking, effort_fields, word_of
from zhongshu.upstreams.proofs import holds_proofs

Thoughts = Literal["field", "tags", "tags-open"]
Signs = Literal["any", "none", "google", "vertex", "details"]
DIALECTS = {"chat": "openai.chat", "completion": "openai.completion", "embedding": "openai.embedding"}
PATHS = {"chat": "/chat/completions", "completion": "/completions", "embedding": "/embeddings"}

# A model that never thinks has no switch, and one that is prompted to think has been prompted already.
_SWITCHED = frozenset({"switch", "always"})
# What every model that has words takes.
_LEAST_OF_ALL = ("low", "medium", "high")
_TRUE, _FALSE = Raw(b"true"), Raw(b"false")
_INCLUDE_USAGE = Raw(b'{"include_usage":true}')

_encode = msgspec.json.Encoder().encode


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How one upstream wants to be asked, where it differs from OpenAI.

    thinking: how depth of thought is spelt (see effort_fields). efforts: its words, where words are taken. thought_back: earlier thoughts are handed back in
    `reasoning_content`. developer_role: knows "developer", else it is written "system". max_tokens: the field's name.
    stream_options: takes `include_usage`. top_k: takes that field. thoughts: where they are found in its answers: in a
    field of their own, between <think> tags at the beginning of the content, or there with the opening tag left out
    (a template that writes it into the prompt). signs: what it signs and wants back: nothing, calls ("google",
    "vertex": the name under which the signature stands), thoughts ("details": in reasoning_details), or not known
    ("any": what came so is passed on, and nothing is written). strict: refuses fields of a message it does not know.
    """

    thinking: Thinking = "none"
    efforts: tuple[str, ...] = SCALE
    thought_back: bool = False
    developer_role: bool = False
    max_tokens: str = "max_tokens"
    stream_options: bool = True
    top_k: bool = False
    thoughts: Thoughts = "field"
    signs: Signs = "any"
    strict: bool = False


def body_of(call: Call, manner: Manner, *, stream: bool) -> bytes:
    """The JSON body that asks for this turn."""
    turn = call.turn
    model = _named(call.offer.release.upstream_model)
    wire = turn.wire
    tokens: int | None = None
    if wire is not None and wire.dialect == DIALECTS[turn.kind]:
        fields = dict(wire.fields)
        fields.pop("zhongshu", None)
        fields["model"] = model
        if turn.kind != "embedding":
            _set_streaming(fields, manner, stream)
        if turn.kind == "chat" and "messages" in fields and holds_proofs(turn):
            fields["messages"] = put_right(call, fields["messages"], signs=manner.signs, strict=manner.strict)
        if turn.deepened:
            effort, tokens = _thinking(call, manner)
        else:
            effort = _effort_to_write(call, fields, manner)
    else:
        carried = _carried(call)
        fields = {name: Raw(_encode(value)) for name, value in _written(call, manner).items()}
        fields = {"model": model, **fields, **carried}
        if stream:
            _set_streaming(fields, manner, stream)
        effort, tokens = _thinking(call, manner)
    if effort is not None and manner.thinking != "none":
        spelling = spelling_of(call, manner)
        effort = _sayable(call, manner, spelling, effort, tokens)
        _set_effort(fields, spelling, effort, tokens)
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


def _thinking(call: Call, manner: Manner) -> tuple[str | None, int | None]:
    """The effort to write, and the budget in tokens that the caller gave, unless the route decided otherwise. What the
    upstream cannot be told is stated."""
    turn = call.turn
    effort = call.effort or turn.effort
    tokens = turn.thinking_tokens if call.effort in (None, turn.effort) else None
    if call.offer.card.thinking not in _SWITCHED or manner.thinking == "none":
        if tokens or turn.effort not in (None, "off"):
            call.dropped = (*call.dropped, "thinking_tokens" if tokens else "reasoning_effort")
        return None, None
    if tokens and manner.thinking not in BUDGETED:
        call.dropped = (*call.dropped, "thinking_tokens")
    return effort or (word_of(tokens) if tokens else None), tokens


def spelling_of(call: Call, manner: Manner) -> Thinking:
    """How depth is spelt for this model: one of a service of switches may take words."""
    model = call.offer.release.upstream_model
    return "reasoning_effort" if manner.thinking == "thinking" and has_words(model) else manner.thinking


def _sayable(call: Call, manner: Manner, spelling: Thinking, effort: str, tokens: int | None) -> str:
    """The effort nearest to this one that the model and the spelling know; that it is another is stated. A model that
    always thinks takes the least it knows."""
    if tokens and spelling in BUDGETED:
        return effort
    if spelling in WORDLESS:
        always = effort == "off" and thinks_always(call)
        said = "low" if always else effort
        if always or (effort in ("minimal", "low", "medium") and not tokens):
            _state(call, "reasoning_effort")
        return said
    word = word_taken(call, effort, manner.efforts)
    return "off" if word == "none" else word


def thinks_always(call: Call) -> bool:
    """Whether the model cannot be told to stop thinking."""
    return call.offer.card.thinking == "always" or always_thinks(call.offer.release.upstream_model)


def word_taken(call: Call, effort: str, known: tuple[str, ...] = SCALE) -> str:
    """The word for an effort that this model takes, of those its service knows; stated where it is another."""
    words = words_of(call.offer.release.upstream_model)
    taken = tuple([word for word in words if word in known]) or known
    if effort == "off" and thinks_always(call):
        least = SCALE[1:] if words is not SCALE else _LEAST_OF_ALL
        taken = tuple([word for word in taken if word in least]) or taken
    word = nearest(effort, taken)
    if word != ("none" if effort == "off" else effort):
        _state(call, "reasoning_effort")
    return word


def _written(call: Call, manner: Manner) -> dict[str, Any]:
    """The request in OpenAI's words, without model, streaming and effort."""
    turn = call.turn
    if turn.sampling.top_k is not None and not manner.top_k:
        call.dropped = (*call.dropped, "top_k")
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
        "messages": _messages(call, manner),
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


def _set_effort(fields: dict[str, Raw], thinking: Thinking, effort: str, tokens: int | None = None) -> None:
    if "effort" not in thinking:
        fields.pop("reasoning_effort", None)
    for name, value in effort_fields(thinking, effort, tokens).items():
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


def _messages(call: Call, manner: Manner) -> list[dict[str, Any]]:
    """The conversation. A tool's result is text alone here: pictures and files in it follow in a message of the user's,
    behind the last result, as results must stand together."""
    written: list[dict[str, Any]] = []
    moved: tuple[Part, ...] = ()
    for place, message in enumerate(call.turn.messages):
        if message.role == "tool":
            if message.failed:
                _state(call, "messages.is_error")
            if not isinstance(message.content, str):
                apart = tuple([part for part in message.content if not isinstance(part, Text)])
                if apart:
                    _state(call, f"messages[{place}].content (its place)")
                moved += apart
                message = msgspec.structs.replace(message, content=message.text())
        elif moved:
            if message.role == "user":
                said = message.content
                more: tuple[Part, ...] = (Text(said),) if isinstance(said, str) else said
                message = msgspec.structs.replace(message, content=moved + more)
            else:
                written.append(_message(call, Message("user", moved), manner))
            moved = ()
        written.append(_message(call, message, manner))
    if moved:
        written.append(_message(call, Message("user", moved), manner))
    return written


def _state(call: Call, name: str) -> None:
    if name not in call.dropped:
        call.dropped = (*call.dropped, name)


def _message(call: Call, message: Message, manner: Manner) -> dict[str, Any]:
    details = [_detail(thought) for thought in message.thoughts] if manner.signs == "details" else []
    if message.thoughts and not manner.thought_back:
        _state(call, "messages.thoughts")
    elif any(thought.signature for thought in message.thoughts) and not all(details):
        _state(call, SIGNED_ELSEWHERE)
    role = "system" if message.role == "developer" and not manner.developer_role else message.role
    content: Any = message.content
    if not isinstance(content, str):
        content = [_part(call, part) for part in content]
    calls = [_call(call, made, manner) for made in message.tool_calls]
    fields: dict[str, Any] = {"role": role, "content": None if calls and not content else content}
    extra = {
        "name": message.name,
        "reasoning_content": (message.thought or None) if manner.thought_back else None,
        "reasoning_details": [detail for detail in details if detail] or None,
        "tool_calls": calls or None,
        "tool_call_id": message.tool_call_id,
    }
    return fields | _present(extra)


def _call(call: Call, made: ToolCall, manner: Manner) -> dict[str, Any]:
    """A call of the model's, with the signature where it was this service that made it."""
    written = {"id": made.id, "type": "function", "function": {"name": made.name, "arguments": made.arguments}}
    if made.signature is None:
        return written
    proof = own(made.signature, "gemini")
    if proof is None or manner.signs not in ("google", "vertex"):
        _state(call, SIGNED_ELSEWHERE)
        return written
    return written | {"extra_content": {manner.signs: {"thought_signature": proof}}}


def _detail(thought: Thought) -> dict[str, Any] | None:
    """A signed thought as it came in reasoning_details; None for one that was signed elsewhere, or by nobody."""
    proof = own(thought.signature, "openai")
    if proof is None:
        return None
    if thought.redacted or not thought.text:
        return {"type": "reasoning.encrypted", "data": proof}
    return {"type": "reasoning.text", "text": thought.text, "signature": proof}


def _part(call: Call, part: Part) -> dict[str, Any]:
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
            return _file(call, part)


def _file(call: Call, part: File) -> dict[str, Any]:
    """A file as OpenAI takes it: by id, or as a data URL with a name. Written text goes along as text."""
    if part.data is None and part.id is None:
        what = Said("files that lie at an address", "以网址引用的文件")
        raise cannot(call, what, param="messages", remedy=Said("Send the file itself.", "请直接发送文件内容。"))
    data, media_type = part.data, part.media_type or "application/pdf"
    if data is not None and not data.startswith("data:"):
        if media_type.startswith("text/"):
            return {"type": "text", "text": b64decode(data).decode("utf-8", "replace")}
        data = f"data:{media_type};base64,{data}" if part.media_type else data
    name = part.name or (None if data is None else "file." + media_type.rpartition("/")[2])
    return {"type": "file", "file": _present({"filename": name, "file_data": data, "file_id": part.id})}


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
