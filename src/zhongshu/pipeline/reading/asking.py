"""The turns by which sound is written down and pictures are told: ordinary turns of the same caller, with records,
limits and budgets of their own."""

from __future__ import annotations

import hashlib

import msgspec

from zhongshu.core.answers import Answer, Passed
from zhongshu.core.ids import trace_id
from zhongshu.core.turns import Form, Image, Message, Sampling, Text, Turn, Wire, Wishes

PROTOCOL = "zhongshu.reading"
_TELL = (
    "Write down every word that stands in this picture, exactly and in order; tables as Markdown. Then say in a few "
    "sentences what else it shows. Reply with that alone.\n"
    "请逐字写出图中全部文字（表格用 Markdown），然后用几句话说明图中其他内容。只回复这些。"
)
_MOST_TOKENS = 2048
_ALONE = Wishes(cache="no-store")


class _Heard(msgspec.Struct):
    text: str


_heard = msgspec.json.Decoder(_Heard).decode


def listening(model: str, sound: bytes, form: str, now_ns: int) -> Turn:
    """The turn that has speech written down. form: "wav", "mp3" ..."""
    wire = Wire("openai.transcription", {}, form=_form(model, sound, form))
    return Turn(trace_id(), now_ns, "transcription", PROTOCOL, model, body_bytes=256, wire=wire, wishes=_ALONE)


def looking(model: str, picture: Image, now_ns: int) -> Turn:
    """The turn that has a picture told."""
    messages = (Message("user", (Text(_TELL), picture)),)
    return Turn(
        trace_id(), now_ns, "chat", PROTOCOL, model, messages=messages,
        sampling=Sampling(max_tokens=_MOST_TOKENS), body_bytes=4096, wishes=_ALONE,
    )  # fmt: skip


def kept(turn: Turn, of: str) -> bytes:
    """What the record keeps of such a request: what was read, for which turn; never the thing itself."""
    return msgspec.json.encode({"reading": turn.kind, "for": of})


def words_in(answer: object) -> str:
    """What was heard or seen; empty for nothing."""
    if isinstance(answer, Answer):
        return answer.choices[0].text.strip() if answer.choices else ""
    if not isinstance(answer, Passed):
        return ""
    try:
        return _heard(answer.body).text.strip()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "" if "json" in answer.content_type else answer.body.decode("utf-8", "replace").strip()


def _form(model: str, sound: bytes, form: str) -> Form:
    digest = hashlib.sha256(sound).hexdigest()
    boundary = f"zhongshu-{digest[:40]}"
    opening = f'--{boundary}\r\nContent-Disposition: form-data; name="model"\r\n\r\n'
    kind = "mpeg" if form == "mp3" else form
    rest = (
        f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="response_format"\r\n\r\njson\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="sound.{form}"\r\n'
        f"Content-Type: audio/{kind}\r\n\r\n"
    )
    body = b"".join((opening.encode(), model.encode(), rest.encode(), sound, f"\r\n--{boundary}--\r\n".encode()))
    at = (len(opening), len(opening) + len(model.encode()))
    summary = msgspec.json.encode({"model": model, "file": {"bytes": len(sound), "sha256": digest}})
    return Form(body, f"multipart/form-data; boundary={boundary}", at, summary)
