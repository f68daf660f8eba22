"""A conversation in Anthropic's form: system texts apart, roles in turns, tool results with the user.

Their rules (reference, 2026-11): system instructions stand in a field of their own; consecutive messages of one role
are one; results of tools come first in the user's message after the calls; texts are not empty; an assistant's last
message does not end in white space; ids of calls are letters, digits, `_` and `-`.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.core.ports import Call
from zhongshu.core.problems import Said
from zhongshu.core.signatures import own
from zhongshu.core.turns import Audio, File, Image, Message, Part, Text, Thought, ToolCall, Video
from zhongshu.upstreams.cannot import SIGNED_ELSEWHERE, cannot, state, state_unproven

Blocks = list[dict[str, Any]]
_NOT_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")
_DATA_URL = re.compile(r"data:([^;,]*)((?:;[^;,]*)*?);base64,", re.IGNORECASE)
_is_object = msgspec.json.Decoder(dict[str, Raw]).decode


class Conversation(msgspec.Struct, frozen=True):
    """system: its blocks. messages: with content as blocks. calls: whether tools were called in it."""

    system: Blocks
    messages: list[dict[str, Any]]
    calls: bool


def converse(call: Call) -> Conversation:
    """The turn's messages. States what is left out; raises Fault("model_cannot") for what would be missed."""
    system: Blocks = []
    messages: list[dict[str, Any]] = []
    for place, message in enumerate(call.turn.messages):
        if message.role in ("system", "developer"):
            text = message.text()
            if text.strip():
                system.append({"type": "text", "text": text})
            if messages:
                state(call, f"messages[{place}].role (its place)")
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks = _blocks(call, message, place)
        if not blocks:
            continue
        if messages and messages[-1]["role"] == role:
            messages[-1]["content"] = _together(messages[-1]["content"], blocks)
        else:
            messages.append({"role": role, "content": blocks})
    _trim_last(messages)
    calls = any(message.tool_calls for message in call.turn.messages)
    return Conversation(system, messages, calls)


def safe_id(given: str) -> str:
    """A call's id as this format takes it; the same for the call and for its result."""
    return _NOT_IN_IDS.sub("_", given) or "call"


def _together(before: Blocks, more: Blocks) -> Blocks:
    """Two messages of one role as one; results of tools stay in front of what the user says."""
    blocks = before + more
    if not any(block["type"] == "tool_result" for block in more):
        return blocks
    return sorted(blocks, key=lambda block: block["type"] != "tool_result")


def _trim_last(messages: list[dict[str, Any]]) -> None:
    """A message of the assistant's that is to be continued must not end in white space."""
    if not messages or messages[-1]["role"] != "assistant":
        return
    last = messages[-1]["content"][-1]
    if last["type"] == "text":
        last["text"] = last["text"].rstrip()


def _blocks(call: Call, message: Message, place: int) -> Blocks:
    match message.role:
        case "assistant":
            return _assistant(call, message, place)
        case "tool":
            return [_result(call, message, place)]
        case _:
            if message.name:
                state(call, "messages.name")
            return _content(call, message, place)


def _assistant(call: Call, message: Message, place: int) -> Blocks:
    """Thoughts first, as they came. One that nobody signed, or somebody else, is not taken back and is left out."""
    blocks: Blocks = []
    for thought in message.thoughts:
        proof = own(thought.signature, "anthropic")
        if proof is None:
            state_unproven(call, thought)
        else:
            blocks.append(_thought(thought, proof))
    blocks += _content(call, message, place)
    return blocks + [_tool_use(call, made, place) for made in message.tool_calls]


def _thought(thought: Thought, proof: str) -> dict[str, Any]:
    if thought.redacted:
        return {"type": "redacted_thinking", "data": proof}
    return {"type": "thinking", "thinking": thought.text, "signature": proof}


def _tool_use(call: Call, made: ToolCall, place: int) -> dict[str, Any]:
    if made.signature:
        state(call, SIGNED_ELSEWHERE)  # this format signs no calls
    text = made.arguments.strip() or "{}"
    try:
        _is_object(text)
    except msgspec.DecodeError:
        state(call, f"messages[{place}].tool_calls.arguments (not a JSON object)")
        text = msgspec.json.encode({"INVALID_JSON": made.arguments}).decode()
    return {"type": "tool_use", "id": safe_id(made.id), "name": made.name, "input": Raw(text.encode())}


def _result(call: Call, message: Message, place: int) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": safe_id(message.tool_call_id or "")}
    content = message.content if isinstance(message.content, str) else _content(call, message, place)
    if content:
        block["content"] = content
    if message.failed:
        block["is_error"] = True
    return block


def _content(call: Call, message: Message, place: int) -> Blocks:
    if isinstance(message.content, str):
        return [{"type": "text", "text": message.content}] if message.content.strip() else []
    blocks: Blocks = []
    for number, part in enumerate(message.content):
        field = f"messages[{place}].content[{number}]"
        if isinstance(part, Text):
            if part.text.strip():
                blocks.append({"type": "text", "text": part.text})
        else:
            blocks.append(_part(call, part, field))
    return blocks


def _part(call: Call, part: Part, field: str) -> dict[str, Any]:
    match part:
        case Image():
            if part.detail not in (None, "auto"):
                state(call, "image_url.detail")
            return {"type": "image", "source": _source(call, part.url, field, "image/jpeg")}
        case File():
            return _document(call, part, field)
        case Audio():
            raise cannot(call, Said("sound", "音频"), field)
        case Video():
            raise cannot(call, Said("film", "视频"), field)
        case Text():
            return {"type": "text", "text": part.text}


def _document(call: Call, part: File, field: str) -> dict[str, Any]:
    if part.id is not None:
        kind = "image" if (part.media_type or "").startswith("image/") else "document"
        return {"type": kind, "source": {"type": "file", "file_id": part.id}}
    given = part.data if part.data is not None else part.url
    if given is None:
        raise cannot(call, Said("a file without content", "没有内容的文件"), field)
    media_type = part.media_type or "application/pdf"
    if part.data is not None and not part.data.startswith("data:"):
        source: dict[str, Any] = {"type": "base64", "media_type": media_type, "data": part.data}
    else:
        source = _source(call, given, field, media_type)
    kind = "image" if str(source.get("media_type", media_type)).startswith("image/") else "document"
    block: dict[str, Any] = {"type": kind, "source": source}
    if part.name and kind == "document":
        block["title"] = part.name
    return block


def _source(call: Call, url: str, field: str, media_type: str) -> dict[str, Any]:
    """A data URL's content, or an address."""
    found = _DATA_URL.match(url)
    if found:
        return {"type": "base64", "media_type": found[1] or media_type, "data": url[found.end() :]}
    if url.startswith("data:"):
        raise cannot(call, Said("a data URL that is not Base64", "非 Base64 的 data URL"), field)
    return {"type": "url", "url": url}
