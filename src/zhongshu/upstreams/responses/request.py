"""Writing a request: Turn -> body bytes of POST /responses.

A turn that came by the same dialect is passed on field by field as it came; what is ours to decide is replaced: `model`,
`stream`, and `store`, as conversations are kept here and not at the provider. Whatever our own house added to an item
is taken off. Any other turn is written from our words; what the format cannot say is refused (`cannot`) where it would
change the answer's meaning, and stated (`call.dropped`) where it would not.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.core.ports import Call
from zhongshu.core.problems import Said
from zhongshu.core.signatures import arriving, own
from zhongshu.core.turns import (
    Audio,
    File,
    Image,
    Message,
    Part,
    Sampling,
    Text,
    Thought,
    ToolChoice,
    Turn,
    Video,
)
from zhongshu.upstreams.cannot import SIGNED_ELSEWHERE, cannot, state, state_unproven, state_unread
from zhongshu.upstreams.openai.depth import leave_drawing, word_taken
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.messages import present
from zhongshu.upstreams.openai.thinking import word_of
from zhongshu.upstreams.responses.reply import DIALECT

# Ours alone, or answered by us: a provider that keeps nothing cannot go on with a conversation, nor run in the back.
_OURS = ("zhongshu", "previous_response_id", "background", "conversation")
_SWITCHED = frozenset({"switch", "always"})
_SIGNED = "reasoning.encrypted_content"
_LOGPROBS = "message.output_text.logprobs"
# Words that change nothing when they are missing: how likely an answer is, not what was asked.
_UNSAID = ("top_k", "seed", "presence_penalty", "frequency_penalty")

_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_items = msgspec.json.Decoder(list[Raw]).decode


def body_of(call: Call, manner: Manner, *, stream: bool) -> bytes:
    """The JSON body that asks for this turn. Raises Fault("model_cannot") for what cannot be said."""
    if call.turn.kind != "chat":
        raise cannot(call, call.turn.kind)
    wire = call.turn.wire
    if wire is not None and wire.dialect == DIALECT:
        fields = _passed_on(call, dict(wire.fields), manner)
    else:
        fields = {name: Raw(_encode(value)) for name, value in _written(call, manner).items()}
    fields["model"] = Raw(_encode(call.offer.release.upstream_model))
    fields["store"] = Raw(b"false")
    if stream:
        fields["stream"] = Raw(b"true")
    elif "stream" in fields:
        fields["stream"] = Raw(b"false")
    _ask_for_signatures(call, fields)
    return _encode(fields)


# Passed on ----------------------------------------------------------------------------------------------------


def _passed_on(call: Call, fields: dict[str, Raw], manner: Manner) -> dict[str, Raw]:
    for name in _OURS:
        fields.pop(name, None)
    given = fields.get("input")
    if given is not None and (b'"reasoning"' in bytes(given) or b'"thought_signature"' in bytes(given)):
        fields["input"] = _cleaned(call, given, manner)
    turn, effort = call.turn, call.effort
    decided = turn.deepened or (effort is not None and effort != turn.effort)
    said = _reasoning(call) if decided else None
    if decided and turn.thinking_tokens is not None:
        state(call, "thinking_tokens")
    if said is not None:
        reasoning = _fields(fields["reasoning"]) if bytes(fields.get("reasoning", b"")).startswith(b"{") else {}
        fields["reasoning"] = Raw(_encode(reasoning | {"effort": Raw(_encode(said["effort"]))}))
        leave_drawing(call, fields, said["effort"], manner)
    return fields


def _cleaned(call: Call, given: Raw, manner: Manner) -> Raw:
    """Items without what another provider's answer left on them: a thought that is not encrypted means nothing to a
    server that keeps none, and is refused there as an unknown id."""
    if not bytes(given).startswith(b"["):
        return given
    kept: list[Raw] = []
    for item in _items(given):
        text = bytes(item)
        if b'"reasoning"' not in text and b'"thought_signature"' not in text:
            kept.append(item)
            continue
        fields = _fields(text)
        if bytes(fields.get("type", b"")) == b'"reasoning"':
            kept += _proven(call, item, fields, manner)
            continue
        if fields.pop("thought_signature", None) is not None:
            state(call, SIGNED_ELSEWHERE)
            item = Raw(_encode(fields))
        kept.append(item)
    return Raw(_encode(kept))


def _proven(call: Call, item: Raw, fields: dict[str, Raw], manner: Manner) -> list[Raw]:
    """A reasoning item as this provider made it; nothing, stated, of what nobody or another provider signed."""
    given: Any = msgspec.json.decode(fields.get("encrypted_content", b"null"))
    signature = arriving(given, "responses") if isinstance(given, str) else None
    proof = own(signature, "responses")
    if proof is not None:
        return [item if proof == given else Raw(_encode(fields | {"encrypted_content": Raw(_encode(proof))}))]
    if signature is None and manner.thought_back:
        return [item]
    state_unproven(call, Thought("", signature))
    return []


def _ask_for_signatures(call: Call, fields: dict[str, Raw]) -> None:
    """Thoughts come back encrypted from a provider that keeps nothing, so that the next turn can hand them back."""
    if call.offer.card.thinking not in _SWITCHED:
        return
    asked = fields.get("include")
    names: list[Any] = msgspec.json.decode(asked) if asked is not None and bytes(asked) != b"null" else []
    if _SIGNED not in names:
        fields["include"] = Raw(_encode([*names, _SIGNED]))


# Written from our words ---------------------------------------------------------------------------------------


def _written(call: Call, manner: Manner) -> dict[str, Any]:
    turn = call.turn
    _refuse_unsayable(call)
    state_unread(call)
    call.dropped += _dropped(turn)
    reasoning = _reasoning(call)
    sampling = turn.sampling
    drawn: dict[str, Any] = {"temperature": sampling.temperature, "top_p": sampling.top_p}
    if sampling.logprobs:
        drawn.update(logprobs=True, top_logprobs=sampling.top_logprobs)
    leave_drawing(call, drawn, reasoning["effort"] if reasoning else None, manner)
    told = drawn.pop("logprobs", False)
    return present(
        {
            "input": [item for message in turn.messages for item in _message(call, message, manner)],
            "max_output_tokens": turn.sampling.max_tokens,
            **drawn,
            "tools": [_tool(tool.name, tool.description, tool.parameters, tool.strict) for tool in turn.tools] or None,
            "tool_choice": _choice(turn.tool_choice) if turn.tools else None,
            "parallel_tool_calls": turn.sampling.parallel_tool_calls,
            "text": _format(turn),
            "reasoning": reasoning,
            "include": [_LOGPROBS] if told else None,
            "safety_identifier": turn.user,
        }
    )


def _refuse_unsayable(call: Call) -> None:
    sampling = call.turn.sampling
    if sampling.n != 1:
        raise cannot(call, Said("several answers at once", "一次给出多个回答"), "n")
    if sampling.stop:
        raise cannot(call, Said("stop texts", "停止文本"), "stop")


def _dropped(turn: Turn) -> tuple[str, ...]:
    sampling: Sampling = turn.sampling
    unsaid = [name for name in _UNSAID if getattr(sampling, name) is not None]
    if any(message.name and message.role != "tool" for message in turn.messages):
        unsaid.append("messages.name")
    if any(message.failed for message in turn.messages):
        unsaid.append("messages.is_error")
    if turn.thinking_tokens is not None:
        unsaid.append("thinking_tokens")
    return tuple(unsaid)


def _reasoning(call: Call) -> dict[str, str] | None:
    turn, effort = call.turn, call.effort or call.turn.effort
    if call.offer.card.thinking not in _SWITCHED:
        if turn.effort not in (None, "off"):
            state(call, "reasoning_effort")
        return None
    if effort is None and turn.thinking_tokens is not None:
        effort = word_of(turn.thinking_tokens)
    return {"effort": word_taken(call, effort)} if effort is not None else None


def _message(call: Call, message: Message, manner: Manner) -> list[dict[str, Any]]:
    """The items of one message."""
    if message.role == "tool":
        content = message.content
        output = content if isinstance(content, str) else [_part(call, part) for part in content]
        return [{"type": "function_call_output", "call_id": message.tool_call_id or "", "output": output}]
    if message.role != "assistant":
        content = message.content
        written = content if isinstance(content, str) else [_part(call, part) for part in content]
        return [{"type": "message", "role": message.role, "content": written}]
    items: list[dict[str, Any]] = []
    for thought in message.thoughts:
        summary = [{"type": "summary_text", "text": thought.text}] if thought.text else []
        proof = own(thought.signature, "responses")
        if proof is not None:
            items.append({"type": "reasoning", "summary": summary, "encrypted_content": proof})
        elif manner.thought_back and thought.text:
            content = [{"type": "reasoning_text", "text": thought.text}]
            items.append({"type": "reasoning", "summary": [], "content": content})
        else:
            state_unproven(call, thought)
    text = message.text()
    if text:
        items.append(
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]},
        )
    for made in message.tool_calls:
        if made.signature:
            state(call, SIGNED_ELSEWHERE)  # this format signs no calls
        items.append({"type": "function_call", "call_id": made.id, "name": made.name, "arguments": made.arguments})
    return items


def _part(call: Call, part: Part) -> dict[str, Any]:
    match part:
        case Text():
            return {"type": "input_text", "text": part.text}
        case Image():
            return present({"type": "input_image", "image_url": part.url, "detail": part.detail or "auto"})
        case Audio():
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
        case File():
            data = part.data
            if data is not None and not data.startswith("data:"):
                data = f"data:{part.media_type or 'application/pdf'};base64,{data}"
            named = {"filename": part.name, "file_data": data, "file_id": part.id, "file_url": part.url}
            return present({"type": "input_file", **named})
        case Video():
            raise cannot(call, Said("video", "视频"), "messages")


def _tool(name: str, description: str, parameters: Raw, strict: bool) -> dict[str, Any]:
    """`strict` is always said: left out it means true here, and false in every other format."""
    said = {"description": description} if description else {}
    return {"type": "function", "name": name, **said, "parameters": parameters, "strict": strict}


def _choice(choice: ToolChoice) -> str | dict[str, Any] | None:
    if choice.mode == "tool":
        return {"type": "function", "name": choice.name}
    return None if choice.mode == "auto" else choice.mode


def _format(turn: Turn) -> dict[str, Any] | None:
    match turn.format.kind:
        case "text":
            return None
        case "json":
            return {"format": {"type": "json_object"}}
        case "schema":
            schema = {"name": turn.format.name or "answer", "schema": turn.format.schema, "strict": True}
            return {"format": {"type": "json_schema", **schema}}
