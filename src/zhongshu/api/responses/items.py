"""The items of a conversation -> our Messages, and items as they are kept and listed.

Consecutive items of the model's side are one message: its thoughts, its words, its calls. Items that only an upstream of
the same format understands (of built-in tools) are named, not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import Raw

from zhongshu.api.openai.unusable import in_both, unusable
from zhongshu.api.responses import shapes
from zhongshu.core.problems import Fault, fault
from zhongshu.core.signatures import arriving
from zhongshu.core.turns import Audio, File, Image, Message, Part, Role, Text, Thought, ToolCall, Video

T = TypeVar("T")
_head = msgspec.json.Decoder(shapes.Head).decode
_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode
_PREFIXES = {"message": "msg", "function_call": "fc", "function_call_output": "fco", "reasoning": "rs"}


class Conversation(NamedTuple):
    """Items read: our messages, and the names of what could not be put into them ("input.web_search_call")."""

    messages: tuple[Message, ...]
    foreign: tuple[str, ...]


def head_of(item: Raw, field: str) -> shapes.Head:
    """An item's type, role and id. Raises the Fault that names the field."""
    return decoded(shapes.Head, item, field)


def decoded(kind: type[T], given: Raw, field: str) -> T:
    """`given` as a `kind`. Raises the Fault that names what is wrong with it, below `field`."""
    try:
        return msgspec.json.decode(given, type=kind)
    except msgspec.ValidationError as error:
        raise _below(field, unusable(kind, str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise fault("invalid_value", param=field, field=field, why=in_both(str(error))) from None


def _below(field: str, found: Fault) -> Fault:
    """The same complaint with the whole way to its field."""
    problem = found.problem
    inner = problem.param
    whole = f"{field}.{inner}" if inner else field
    named = f"`{inner or 'body'}`"
    return Fault(
        msgspec.structs.replace(
            problem,
            param=whole,
            message=problem.message.replace(named, f"`{whole}`", 1),
            message_zh=problem.message_zh.replace(named, f"`{whole}`", 1),
        )
    )


# Reading ------------------------------------------------------------------------------------------------------


class _Speaking:
    """The model's side while it is being joined."""

    def __init__(self) -> None:
        self.thoughts: list[Thought] = []
        self.text: str | None = None
        self.calls: list[ToolCall] = []

    def message(self) -> Message:
        return Message(
            role="assistant", content=self.text or "", thoughts=tuple(self.thoughts), tool_calls=tuple(self.calls)
        )


class _Reader:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.foreign: list[str] = []
        self._speaking: _Speaking | None = None

    def take(self, item: Raw, field: str) -> None:
        kind = head_of(item, field).kind
        match kind:
            case "message":
                self._message(decoded(shapes.MessageItem, item, field), field)
            case "function_call":
                call = decoded(shapes.FunctionCallItem, item, field)
                speaking = self._speaker()
                speaking.calls.append(
                    ToolCall(call.call_id, call.name, call.arguments, arriving(call.thought_signature, "gemini"))
                )
            case "function_call_output":
                self.close()
                said = decoded(shapes.FunctionOutputItem, item, field)
                content = self._content(said.output, f"{field}.output")
                self.messages.append(Message("tool", content, tool_call_id=said.call_id))
            case "reasoning":
                self._reasoning(decoded(shapes.ReasoningItem, item, field))
            case "item_reference":
                raise fault("response_not_found", param=field, id=decoded(shapes.ReferenceItem, item, field).id)
            case "":
                raise fault("missing_field", param=f"{field}.type", field=f"{field}.type")
            case _:
                self.foreign.append(f"input.{kind[:64]}")

    def close(self) -> None:
        if self._speaking is not None:
            self.messages.append(self._speaking.message())
            self._speaking = None

    def _speaker(self) -> _Speaking:
        if self._speaking is None:
            self._speaking = _Speaking()
        return self._speaking

    def _message(self, item: shapes.MessageItem, field: str) -> None:
        content = self._content(item.content, f"{field}.content")
        if item.role != "assistant":
            self.close()
            role: Role = item.role
            self.messages.append(Message(role, content))
            return
        if self._speaking is not None and (self._speaking.text is not None or self._speaking.calls):
            self.close()
        self._speaker().text = Message("assistant", content).text()

    def _reasoning(self, item: shapes.ReasoningItem) -> None:
        if self._speaking is not None and (self._speaking.text is not None or self._speaking.calls):
            self.close()
        text = "".join([part.text for part in item.content or ()])
        text = text or "\n\n".join([part.text for part in item.summary or ()])
        signature = arriving(item.encrypted_content, "responses")
        if text or signature:
            self._speaker().thoughts.append(Thought(text, signature, redacted=not text))

    def _content(self, given: str | list[shapes.ContentPart], field: str) -> str | tuple[Part, ...]:
        if isinstance(given, str):
            return given
        parts = [self._part(part, f"{field}[{number}]") for number, part in enumerate(given)]
        if len(parts) == 1 and isinstance(parts[0], Text):
            return parts[0].text
        return tuple(parts)

    def _part(self, part: shapes.ContentPart, field: str) -> Part:
        match part:
            case shapes.InputText() | shapes.OutputText() | shapes.PlainText():
                return Text(part.text)
            case shapes.RefusalPart():
                return Text(part.refusal)
            case shapes.InputImage():
                return self._image(part, field)
            case shapes.InputFile():
                return File(part.filename, part.file_data, part.file_id, part.file_url)
            case shapes.InputAudio():
                return Audio(part.input_audio.data, part.input_audio.format)
            case shapes.InputVideo():
                return Video(part.video_url)

    def _image(self, part: shapes.InputImage, field: str) -> Part:
        if part.image_url:
            return Image(part.image_url, None if part.detail == "auto" else part.detail)
        if part.file_id:
            self.foreign.append("input.input_image.file_id")
            return File(id=part.file_id)
        raise fault("missing_field", param=f"{field}.image_url", field=f"{field}.image_url")


def conversation_of(items: Sequence[Raw], field: str = "input") -> Conversation:
    """The messages of these items. Raises the Fault that names what cannot be read."""
    reader = _Reader()
    for number, item in enumerate(items):
        reader.take(item, f"{field}[{number}]")
    reader.close()
    return Conversation(tuple(reader.messages), tuple(reader.foreign))


def references_in(items: Iterable[Raw]) -> dict[int, str]:
    """Where items only refer to another, by place, and to which."""
    found: dict[int, str] = {}
    for number, item in enumerate(items):
        if b'"id"' in bytes(item):
            head = head_of(item, f"input[{number}]")
            if head.kind == "item_reference" and head.id:
                found[number] = head.id
    return found


# Keeping ------------------------------------------------------------------------------------------------------


def input_items(given: str | Sequence[Raw], trace: str) -> tuple[Raw, ...]:
    """A request's input as items that can be kept and listed: each with a type and an id, content always in parts."""
    if isinstance(given, str):
        given = (Raw(_encode({"type": "message", "role": "user", "content": given})),)
    return tuple([_complete(item, trace, number) for number, item in enumerate(given)])


def _complete(item: Raw, trace: str, number: int) -> Raw:
    head = head_of(item, f"input[{number}]")
    kind = head.kind
    if kind in ("item_reference", ""):
        return item
    fields: dict[str, Any] = dict(_fields(item))
    changed = False
    if head.type is None:
        fields, changed = {"type": kind, **fields}, True
    if head.id is None:
        fields["id"], changed = f"{_PREFIXES.get(kind, 'item')}_{trace}i{number}", True
    content = bytes(fields.get("content", b""))
    if kind == "message":
        if content.startswith(b'"'):
            part = "output_text" if head.role == "assistant" else "input_text"
            more: dict[str, Any] = {"annotations": []} if part == "output_text" else {}
            fields["content"], changed = [{"type": part, "text": Raw(content), **more}], True
        if "status" not in fields:
            fields["status"], changed = "completed", True
    return Raw(_encode(fields)) if changed else item


def ids_of(items: Iterable[Raw]) -> tuple[str, ...]:
    """The items' names."""
    return tuple([head.id for item in items if (head := _head(item)).id])
