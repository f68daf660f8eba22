"""A recorded request read again for its words: enough of a turn to judge how hard it was. Knows the shapes that requests
of every protocol share, not their every field: what was decided stands in the record, this only explains it.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from zhongshu.core.records import Record
from zhongshu.core.turns import Effort, Message, Sampling, Turn, Wishes

_USER, _MODEL = ("user", None), ("assistant", "model")


def reopened(record: Record, body: bytes) -> Turn | None:
    """The turn as far as its words go; None when the body holds none."""
    try:
        request = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not isinstance(request, dict):
        return None
    fields = cast("dict[str, Any]", request)
    messages = tuple(_messages(fields))
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
        effort=cast("Effort | None", record.effort) if record.rule == "asked" else None,
        body_bytes=len(body),
        wishes=_wishes(fields.get("zhongshu")),
    )


def _messages(fields: dict[str, Any]) -> list[Message]:
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
        if text and role in _USER:
            found.append(Message("user", text))
        elif text and role in _MODEL:
            found.append(Message("assistant", text))
    return found


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    parts = [cast("dict[str, Any]", part).get("text") for part in _listed(content) if isinstance(part, dict)]
    return "".join(text for text in parts if isinstance(text, str))


def _most(fields: dict[str, Any]) -> int | None:
    for name in ("max_tokens", "max_completion_tokens", "max_output_tokens"):
        if isinstance(most := fields.get(name), int):
            return most
    return None


def _wishes(said: Any) -> Wishes:
    try:
        return msgspec.convert(said or {}, Wishes)
    except msgspec.ValidationError:
        return Wishes()


def _listed(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [value]
    return cast("list[Any]", value) if isinstance(value, list) else [value] if isinstance(value, str) else []
