"""Messages -> Google's contents: roles user and model, the system lifted out, calls and results as parts.

Neighbours of one role become one content, as results of parallel calls must stand together. A result carries its
function's name, which is looked up by the call's id. Signatures go back on the part they came with.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.core.ports import Call
from zhongshu.core.problems import Said, fault
from zhongshu.core.signatures import own
from zhongshu.core.turns import Audio, File, Image, Message, Part, Text, ToolCall, Video
from zhongshu.upstreams.cannot import SIGNED_ELSEWHERE, cannot, state, state_unproven

_DATA_URL = re.compile(r"data:([^;,]+)(?:;[^,]*)?;base64,", re.IGNORECASE)
_KINDS = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
    "heic": "image/heic", "pdf": "application/pdf", "mp4": "video/mp4", "webm": "video/webm", "mov": "video/mov",
    "mp3": "audio/mp3", "wav": "audio/wav", "txt": "text/plain", "md": "text/markdown", "html": "text/html",
    "csv": "text/csv", "json": "application/json",
}  # fmt: skip
# Gemini 3 refuses a call of the model's without its signature, but takes this word for a call that another model made
# (ai.google.dev, "Thought signatures", read 2026-11-22). Only the first of parallel calls is signed.
_SIGNED_SINCE = re.compile(r"gemini-([3-9]|\d\d)")
UNSIGNED = "skip_thought_signature_validator"


def must_sign(call: Call) -> bool:
    """Whether the model refuses calls without a signature."""
    return _SIGNED_SINCE.search(call.offer.release.upstream_model) is not None


class Writer:
    """Writes one call's messages. `system` holds what is to be lifted out."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._must_sign = must_sign(call)
        self._names: dict[str, str] = {}
        self.system: list[dict[str, Any]] = []

    def contents(self) -> list[dict[str, Any]]:
        """The conversation."""
        made: list[dict[str, Any]] = []
        for place, message in enumerate(self._call.turn.messages):
            if message.role in ("system", "developer"):
                self.system += [{"text": text}] if (text := message.text()) else []
                if made:
                    state(self._call, f"messages[{place}].role (its place)")
                continue
            role = "model" if message.role == "assistant" else "user"
            parts = self._parts(message, place)
            if made and made[-1]["role"] == role:
                made[-1]["parts"] += parts
            else:
                made.append({"role": role, "parts": parts})
        return made

    def _parts(self, message: Message, place: int) -> list[dict[str, Any]]:
        if message.role == "tool":
            return [self._result(message, place)]
        if message.name:
            state(self._call, "messages.name")
        said = self._said(message.content)
        if message.role == "assistant":
            return self._model(message, said)
        return said or [{"text": ""}]

    def _said(self, content: str | tuple[Part, ...]) -> list[dict[str, Any]]:
        if isinstance(content, str):
            return [{"text": content}] if content else []
        return [self._part(part) for part in content]

    def _model(self, message: Message, said: list[dict[str, Any]]) -> list[dict[str, Any]]:
        thoughts: list[dict[str, Any]] = []
        for thought in message.thoughts:
            proof = own(thought.signature, "gemini")
            if proof is None:
                state_unproven(self._call, thought)  # it is of no use to Google
            elif thought.text or thought.redacted:
                thoughts.append({"text": thought.text, "thought": True, "thoughtSignature": proof})
            elif said:
                said[-1]["thoughtSignature"] = proof
            else:
                said.append({"text": "", "thoughtSignature": proof})
        calls = [self._tool_call(call) for call in message.tool_calls]
        if calls and self._must_sign and not any("thoughtSignature" in call for call in calls):
            calls[0]["thoughtSignature"] = UNSIGNED
        return [*thoughts, *said, *calls] or [{"text": ""}]

    def _tool_call(self, call: ToolCall) -> dict[str, Any]:
        self._names[call.id] = call.name
        function = {"id": call.id, "name": call.name, "args": _object(call.arguments) or Raw(b"{}")}
        part: dict[str, Any] = {"functionCall": function}
        proof = own(call.signature, "gemini")
        if call.signature and proof is None:
            state(self._call, SIGNED_ELSEWHERE)
        return part | {"thoughtSignature": proof} if proof else part

    def _result(self, message: Message, place: int) -> dict[str, Any]:
        call_id = message.tool_call_id or ""
        name = self._names.get(call_id) or message.name
        if not name:
            field = f"messages[{place}].tool_call_id"
            why = Said("no call of that id comes before it", "此前没有该编号的调用")
            raise fault("invalid_value", param=field, field=field, why=why)
        text = message.text()
        given = None if message.failed else _object(text)
        response = given if given is not None else {"error" if message.failed else "output": text}
        result: dict[str, Any] = {"id": call_id, "name": name, "response": response}
        if not isinstance(message.content, str):
            more = [self._part(part) for part in message.content if not isinstance(part, Text)]
            result |= {"parts": more} if more else {}
        return {"functionResponse": result}

    def _part(self, part: Part) -> dict[str, Any]:
        match part:
            case Text():
                return {"text": part.text}
            case Image():
                if part.detail not in (None, "auto"):
                    state(self._call, "messages.image_url.detail")
                return self._by_url(part.url, "image/jpeg")
            case Audio():
                return {"inlineData": {"mimeType": f"audio/{part.format}", "data": part.data}}
            case Video():
                return self._by_url(part.url, "video/mp4")
            case File():
                return self._file(part)

    def _file(self, part: File) -> dict[str, Any]:
        media_type = part.media_type or _kind_of(part.name or "", "application/pdf")
        if part.name:
            state(self._call, "messages.file.filename")
        if part.data is not None:
            if part.data.startswith("data:"):
                return self._by_url(part.data, media_type)
            return {"inlineData": {"mimeType": media_type, "data": part.data}}
        if part.url is not None:
            return self._by_url(part.url, media_type)
        raise cannot(self._call, Said("files by `file_id`", "以 `file_id` 引用的文件"), param="messages")

    def _by_url(self, url: str, otherwise: str) -> dict[str, Any]:
        """Bytes of a data URL go along; what lies at an address is fetched by Google, which wants HTTPS."""
        data = _DATA_URL.match(url)
        if data is not None:
            return {"inlineData": {"mimeType": data[1].lower(), "data": url[data.end() :]}}
        if url.startswith(("https://", "gs://")):
            return {"fileData": {"mimeType": _kind_of(url, otherwise), "fileUri": url}}
        what = Said("addresses other than https://", "https:// 以外的地址")
        raise cannot(self._call, what, param="messages")


def _kind_of(name: str, otherwise: str) -> str:
    return _KINDS.get(name.partition("?")[0].rpartition(".")[2].lower(), otherwise)


def _object(text: str) -> Raw | None:
    """A text that is a JSON object, as it stands."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        msgspec.json.decode(text, type=dict[str, Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Raw(text.encode())
