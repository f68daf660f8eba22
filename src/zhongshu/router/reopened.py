"""A recorded request read again: enough of a turn to judge how hard it was, and which models could have taken it. Knows the
shapes that requests of every protocol share, not their every field: what was decided stands in the record, this only
explains it.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from zhongshu.core.records import Record
from zhongshu.core.turns import (
    Audio,
    Effort,
    File,
    Format,
    Image,
    Message,
    Part,
    Sampling,
    Text,
    Tool,
    ToolChoice,
    Turn,
    Video,
    Wishes,
)

_BROUGHT: dict[str, Part] = {
    "image": Image(""), "image_url": Image(""), "input_image": Image(""), "audio": Audio("", ""), "input_audio": Audio("", ""),
    "video": Video(""), "video_url": Video(""), "input_video": Video(""), "file": File(), "input_file": File(), "document": File(),
    "application": File(),
}  # fmt: skip
"""What stands for a part of that type: of what it held nothing is needed here."""
_USER, _MODEL = ("user", None), ("assistant", "model")


_NO_TOOLS = ("none", {"type": "none"})


def reopened(record: Record, body: bytes) -> Turn | None:
    """The turn as far as its words go; None when the body holds none."""
    try:
        request = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not isinstance(request, dict):
        return None
    fields = cast("dict[str, Any]", request)
    messages = tuple(_messages(fields, brought=not record.read))
    prompts = tuple(text for text in _listed(fields.get("prompt")) if isinstance(text, str))
    if not messages and not prompts:
        return None
    return Turn(
        trace=record.trace,
        arrived_ns=record.at_ns,
        kind="completion" if prompts else "chat",
        protocol=record.protocol,
        model=record.asked,
        messages=messages,
        prompts=prompts,
        sampling=Sampling(max_tokens=_most(fields)),
        tools=(Tool(""),) if fields.get("tools") else (),
        tool_choice=ToolChoice("none" if fields.get("tool_choice") in _NO_TOOLS else "auto"),
        format=_format(fields),
        effort=cast("Effort | None", record.effort) if record.rule == "asked" else None,
        body_bytes=len(body),
        wishes=_wishes(fields.get("zhongshu")),
    )


def _messages(fields: dict[str, Any], *, brought: bool) -> list[Message]:
    """What was said. brought: with what came beside the words, where that was not made into text."""
    if isinstance(question := fields.get("question"), str):
        return [Message("user", question)]
    if isinstance(whole := fields.get("input"), str):
        return [Message("user", whole)]
    found: list[Message] = []
    for item in _listed(fields.get("messages") or fields.get("contents") or fields.get("input")):
        if not isinstance(item, dict):
            continue
        said = cast("dict[str, Any]", item)
        role, text = said.get("role"), _text(said.get("content", said.get("parts")))
        parts = _parts(said.get("content", said.get("parts"))) if brought else ()
        if (text or parts) and role in _USER:
            found.append(Message("user", (Text(text), *parts) if parts else text))
        elif text and role in _MODEL:
            found.append(Message("assistant", text))
    return found


def _parts(content: Any) -> tuple[Part, ...]:
    if isinstance(content, str):
        return ()
    kinds = [_kind(cast("dict[str, Any]", part)) for part in _listed(content) if isinstance(part, dict)]
    return tuple([_BROUGHT[kind] for kind in kinds if kind in _BROUGHT])


def _kind(part: dict[str, Any]) -> str:
    """The type of a part; of Gemini's, the first half of its media type."""
    held = part.get("inlineData") or part.get("inline_data") or part.get("fileData") or part.get("file_data")
    if isinstance(held, dict):
        fields = cast("dict[str, Any]", held)
        kind = str(fields.get("mimeType") or fields.get("mime_type") or "").partition("/")[0].lower()
        return kind if kind in _BROUGHT else "file"
    source = part.get("source")
    if (
        part.get("type") == "document"
        and isinstance(source, dict)
        and "text" in cast("dict[str, Any]", source).values()
    ):
        return ""  # words in a document's place
    return str(part.get("type", ""))


def _format(fields: dict[str, Any]) -> Format:
    """The shape that the answer was to have, in the words of any protocol."""
    said = [fields.get("response_format"), fields.get("output_format")]
    for name, inner in (("text", "format"), ("output_config", "format")):
        held = fields.get(name)
        said.append(cast("dict[str, Any]", held).get(inner) if isinstance(held, dict) else None)
    kinds = {cast("dict[str, Any]", one).get("type") for one in said if isinstance(one, dict)}
    google = _google(fields)
    if "json_schema" in kinds or google.get("responseSchema") or google.get("responseJsonSchema"):
        return Format("schema")
    return (
        Format("json") if "json_object" in kinds or google.get("responseMimeType") == "application/json" else Format()
    )


def _google(fields: dict[str, Any]) -> dict[str, Any]:
    config = fields.get("generationConfig")
    return cast("dict[str, Any]", config) if isinstance(config, dict) else {}


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = [cast("dict[str, Any]", part).get("text") for part in _listed(content) if isinstance(part, dict)]
    return "".join(text for text in parts if isinstance(text, str))


def _most(fields: dict[str, Any]) -> int | None:
    for name in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
        if isinstance(most := fields.get(name), int):
            return most
    most = _google(fields).get("maxOutputTokens")
    return most if isinstance(most, int) else None


def _wishes(said: Any) -> Wishes:
    try:
        return msgspec.convert(said or {}, Wishes)
    except msgspec.ValidationError:
        return Wishes()


def _listed(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value]
    return cast("list[Any]", value) if isinstance(value, list) else [value] if isinstance(value, str) else []
