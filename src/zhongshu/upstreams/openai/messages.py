"""Writing a conversation: our messages as OpenAI's, each part and call as this upstream wants it."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import msgspec

from zhongshu.core.ports import Call
from zhongshu.core.problems import Said
from zhongshu.core.signatures import own
from zhongshu.core.turns import Audio, File, Image, Message, Part, Text, Thought, ToolCall, Video
from zhongshu.upstreams.cannot import SIGNED_ELSEWHERE, cannot, state
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.passing import NO_THOUGHT, wants_thoughts


def present(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def messages_of(call: Call, manner: Manner) -> list[dict[str, Any]]:
    """The conversation. A tool's result is text alone here: pictures and files in it follow in a message of the user's,
    behind the last result, as results must stand together."""
    written: list[dict[str, Any]] = []
    moved: tuple[Part, ...] = ()
    for place, message in enumerate(call.turn.messages):
        if message.role == "tool":
            if message.failed:
                state(call, "messages.is_error")
            if not isinstance(message.content, str):
                apart = tuple([part for part in message.content if not isinstance(part, Text)])
                if apart:
                    state(call, f"messages[{place}].content (its place)")
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


def _message(call: Call, message: Message, manner: Manner) -> dict[str, Any]:
    details = [_detail(thought) for thought in message.thoughts] if manner.signs == "details" else []
    if message.thoughts and not manner.thought_back:
        state(call, "messages.thoughts")
    elif any(thought.signature for thought in message.thoughts) and not all(details):
        state(call, SIGNED_ELSEWHERE)
    role = "system" if message.role == "developer" and not manner.developer_role else message.role
    content: Any = message.content
    if not isinstance(content, str):
        content = [_part(call, part) for part in content]
    calls = [_call(call, made, manner) for made in message.tool_calls]
    fields: dict[str, Any] = {"role": role, "content": None if calls and not content else content}
    extra = {
        "name": message.name,
        "reasoning_content": _thought(message, manner),
        "reasoning_details": [detail for detail in details if detail] or None,
        "tool_calls": calls or None,
        "tool_call_id": message.tool_call_id,
    }
    return fields | present(extra)


def _thought(message: Message, manner: Manner) -> str | None:
    """The earlier thought, where it is wanted; something in its place where a call is refused without."""
    if not manner.thought_back:
        return None
    return message.thought or (NO_THOUGHT if message.tool_calls and wants_thoughts(manner) else None)


def _call(call: Call, made: ToolCall, manner: Manner) -> dict[str, Any]:
    """A call of the model's, with the signature where it was this service that made it."""
    written = {"id": made.id, "type": "function", "function": {"name": made.name, "arguments": made.arguments}}
    if made.signature is None:
        return written
    proof = own(made.signature, "gemini")
    if proof is None or manner.signs not in ("google", "vertex"):
        state(call, SIGNED_ELSEWHERE)
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
            return {"type": "image_url", "image_url": present({"url": part.url, "detail": part.detail})}
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
    return {"type": "file", "file": present({"filename": name, "file_data": data, "file_id": part.id})}
