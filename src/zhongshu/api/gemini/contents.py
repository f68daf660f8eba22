"""Google's contents -> messages: roles, parts, calls and their results. Knows no other field of a request.

A content of the user's becomes a message for each of its results and one for the rest; calls without an id, which
models before Gemini 3 make, get one here, and results without an id belong to the first open call of their name.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from zhongshu.api.gemini.shapes import Blob, Content, FileData, FunctionResponse, PartIn
from zhongshu.core.problems import Said, fault
from zhongshu.core.signatures import arriving
from zhongshu.core.turns import Audio, File, Image, Message, Part, Role, Text, Thought, ToolCall, Video

_ROLES: dict[str, Role] = {"user": "user", "function": "user", "tool": "user", "model": "assistant"}
_SOUNDS = {"mpeg": "mp3", "mp3": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav"}
_STANDARD = str.maketrans("-_", "+/")


class Reader:
    """Reads one request's contents. `unsaid` names what has no word of ours."""

    __slots__ = ("_messages", "_open", "unsaid")

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._open: list[ToolCall] = []
        self.unsaid: list[str] = []

    def read(self, contents: list[Content]) -> tuple[Message, ...]:
        """The conversation's messages."""
        for place, content in enumerate(contents):
            role = _ROLES.get(content.role or "user")
            if role is None:
                field = f"contents[{place}].role"
                why = Said('it must be one of "user", "model"', '须为以下之一："user"、"model"')
                raise fault("invalid_value", param=field, field=field, why=why)
            parts = parts_of(content)
            if role == "assistant":
                self._model(place, parts)
            else:
                self._user(place, parts)
        return tuple(self._messages)

    def _user(self, place: int, parts: list[PartIn]) -> None:
        said: list[Part] = []
        for part in parts:
            if part.function_response is not None:
                self._messages.append(self._result(part.function_response, place))
            else:
                self._append(part, said, place)
        if said or not any(part.function_response for part in parts):
            self._messages.append(Message("user", _content(said)))

    def _model(self, place: int, parts: list[PartIn]) -> None:
        said: list[Part] = []
        thoughts: list[Thought] = []
        calls: list[ToolCall] = []
        for part in parts:
            if part.function_call is not None:
                calls.append(self._call(part, place, len(calls)))
            elif part.thought:
                text, signature = part.text or "", arriving(part.thought_signature, "gemini")
                thoughts.append(Thought(text, signature, redacted=bool(signature and not text)))
            else:
                if part.thought_signature:
                    thoughts.append(Thought("", arriving(part.thought_signature, "gemini")))
                self._append(part, said, place)
        self._open = list(calls)
        message = Message("assistant", _content(said), tool_calls=tuple(calls), thoughts=tuple(thoughts))
        self._messages.append(message)

    def _call(self, part: PartIn, place: int, number: int) -> ToolCall:
        call = part.function_call
        assert call is not None
        args = bytes(call.args) if call.args is not UNSET else b""
        arguments = "{}" if args in (b"", b"null") else args.decode()
        return ToolCall(
            call.id or f"call_{place}_{number}", call.name, arguments, arriving(part.thought_signature, "gemini")
        )

    def _result(self, result: FunctionResponse, place: int) -> Message:
        call = next((c for c in self._open if c.id == result.id), None) if result.id else None
        call = call or next((c for c in self._open if c.name == result.name), None)
        if call is not None:
            self._open.remove(call)
        call_id = call.id if call else result.id
        if call_id is None:
            field = f"contents[{place}].functionResponse"
            why = Said("no call of that name is open before it", "此前没有同名的未完成调用")
            raise fault("invalid_value", param=field, field=field, why=why)
        text, failed = _result_text(bytes(result.response) if result.response is not UNSET else b"{}")
        more = tuple(
            _blob(part.inline_data) if part.inline_data else _file(part.file_data)
            for part in result.parts or ()
            if part.inline_data or part.file_data
        )
        content = (Text(text), *more) if more else text
        return Message("tool", content, name=result.name, tool_call_id=call_id, failed=failed)

    def _append(self, part: PartIn, said: list[Part], place: int) -> None:
        """Add what a part says. An empty text is kept only where it is all there is. Google takes one thing in a part; of
        one that holds more, nothing is lost."""
        before = len(said)
        if part.text:
            said.append(Text(part.text))
        if part.inline_data is not None:
            said.append(_blob(part.inline_data))
        if part.file_data is not None:
            said.append(_file(part.file_data))
        if part.executable_code is not None:
            said.append(Text(f"```{part.executable_code.language.lower()}\n{part.executable_code.code}\n```\n"))
        if part.code_execution_result is not None:
            said.append(Text(f"```\n{part.code_execution_result.output}\n```\n"))
        if len(said) == before and part.text is None:
            self.unsaid.append(f"contents[{place}].parts")
        if part.video_metadata is not UNSET:
            self.unsaid.append(f"contents[{place}].videoMetadata")


def parts_of(content: Content) -> list[PartIn]:
    """The parts of a content, whose list may be missing or written without brackets."""
    parts = content.parts
    return [] if parts is None else parts if isinstance(parts, list) else [parts]


def instruction(given: Content | str | None) -> tuple[Message, ...]:
    """The system's message; none where nothing was given."""
    if given is None:
        return ()
    text = given if isinstance(given, str) else "\n".join(part.text for part in parts_of(given) if part.text)
    return (Message("system", text),) if text else ()


def _content(said: list[Part]) -> str | tuple[Part, ...]:
    if not said:
        return ""
    if len(said) == 1 and isinstance(said[0], Text):
        return said[0].text
    return tuple(said)


def _blob(blob: Blob) -> Part:
    """Bytes sent along, in Base64 of either alphabet."""
    data = blob.data
    if "-" in data or "_" in data:
        data = data.translate(_STANDARD)
    if len(data) % 4:
        data += "=" * (-len(data) % 4)
    kind, _, form = blob.mime_type.partition(";")[0].strip().lower().partition("/")
    match kind:
        case "image":
            return Image(f"data:{kind}/{form};base64,{data}")
        case "audio":
            return Audio(data, _SOUNDS.get(form, form))
        case "video":
            return Video(f"data:{kind}/{form};base64,{data}")
        case _:
            return File(name=blob.display_name, data=data, media_type=f"{kind}/{form}" if kind else None)


def _file(file: FileData | None) -> Part:
    assert file is not None
    media_type = file.mime_type or ""
    if media_type.startswith("image/"):
        return Image(file.file_uri)
    if media_type.startswith("video/"):
        return Video(file.file_uri)
    return File(name=file.display_name, url=file.file_uri, media_type=file.mime_type)


def _result_text(response: bytes) -> tuple[str, bool]:
    """A result's text, and whether it failed. An object with `output`, `result` or `error` alone says what is in it:
    the first and last are the protocol's, the second is what the official SDK writes."""
    if not response.startswith(b"{"):
        return response.decode(), False
    fields = msgspec.json.decode(response, type=dict[str, Any])
    if len(fields) != 1:
        return response.decode(), False
    name, value = next(iter(fields.items()))
    if name not in ("output", "result", "error"):
        return response.decode(), False
    return value if isinstance(value, str) else msgspec.json.encode(value).decode(), name == "error"
