"""What the endpoints share whose requests are handed on as they came: rerank, moderations, sound, pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from zhongshu.api.decoding import fields_of
from zhongshu.api.endpoint import EVENT_STREAM, Incoming, StreamWriter, bearer
from zhongshu.api.extra import Extra, splice
from zhongshu.api.multipart import Field, read_fields, rebuilt, text_of
from zhongshu.api.openai.errors import error_body
from zhongshu.core.answers import Answer, Embeddings, Event, Passed, Usage
from zhongshu.core.problems import Fault, Problem, Said, fault
from zhongshu.core.turns import NO_WISHES, Kind, Turn, Wire, Wishes
from zhongshu.pipeline.stages import Routed

_LONGEST_NAME = 256


class Handed:
    """What these dialects share: the key and the form of an error."""

    def credential(self, headers: Mapping[bytes, bytes], query: bytes) -> bytes:
        """`Authorization: Bearer`."""
        del query
        return bearer(headers)

    def error(self, problem: Problem, *, chinese: bool, trace: str) -> bytes:
        """OpenAI's error object."""
        return error_body(problem, chinese=chinese, trace=trace)


class HandedAsked(msgspec.Struct, frozen=True):
    """A decoded request whose reply comes back as the upstream gave it."""

    turn: Turn

    def whole(self, answer: Answer | Embeddings | Passed, usage: Usage, extra: Extra) -> bytes:
        """The upstream's body, with our object added where it is a JSON object."""
        del usage
        assert isinstance(answer, Passed)
        spliced = splice(answer.body, extra) if "json" in answer.content_type else None
        return spliced or answer.body

    def writer(self, routed: Routed) -> StreamWriter:
        """What passes a stream's bytes on."""
        del routed
        return PassingWriter()


class PassingWriter:
    """Passes on the bytes of a stream. `content_type` is the upstream's once the first of them has been written."""

    content_type = EVENT_STREAM

    def __init__(self) -> None:
        self._kind = ""

    def write(self, events: tuple[Event, ...]) -> bytes:
        """The upstream's own bytes."""
        pieces = [event.wire for event in events if event.wire is not None]
        if pieces and not self._kind:
            self._kind = next(event.dialect for event in events if event.wire is not None)
            self.content_type = (b"content-type", self._kind.encode("latin-1", "replace"))
        return b"".join(pieces)

    def close(self, usage: Usage, extra: Extra) -> bytes:
        """Nothing: the upstream's bytes are all there is; ours went into the headers."""
        del usage, extra
        return b""

    def broken(self, error: bytes) -> bytes:
        """An error event in an event stream. Sound has no words for it: empty, and the connection is cut."""
        return b"data: %b\n\n" % error if "event-stream" in self._kind else b""


def json_turn(
    kind: Kind, incoming: Incoming, model: str | None, prompts: tuple[str, ...], wishes: Wishes | None, **more: Any
) -> Turn:
    """The Turn of a JSON body that its decoder has found good. Without a model the router chooses: "auto"."""
    return Turn(
        trace=incoming.trace,
        arrived_ns=incoming.now_ns,
        kind=kind,
        protocol=f"openai.{kind}",
        model=model or "auto",
        prompts=prompts,
        body_bytes=len(incoming.body),
        wire=Wire(f"openai.{kind}", fields_of(incoming.body)),
        wishes=wishes or NO_WISHES,
        **more,
    )


def form_turn(kind: Kind, incoming: Incoming, files: tuple[str, ...]) -> Turn:
    """The Turn of a form. `files`: names of fields of which one must be a file. Raises the Fault that names the field."""
    fields = read_fields(incoming.body, incoming.headers.get(b"content-type", b""))
    model = text_of(fields, "model")
    if not model:
        raise fault("missing_field", param="model", field="model")
    if len(model) > _LONGEST_NAME or not model.isprintable():
        raise fault("invalid_value", param="model", field="model", why=Said("it is no name", "不是名称"))
    if sum(field.head.name == "model" for field in fields) > 1:  # servers differ in which of them counts
        raise fault("invalid_value", param="model", field="model", why=Said("it is there twice", "出现了多次"))
    if not any(field.head.filename is not None and field.head.name in files for field in fields):
        raise _no_file(fields, files[0])
    prompt = text_of(fields, "prompt")
    return Turn(
        trace=incoming.trace,
        arrived_ns=incoming.now_ns,
        kind=kind,
        protocol=f"openai.{kind}",
        model=model,
        prompts=(prompt,) if prompt else (),
        stream=_flag(fields, "stream"),
        body_bytes=sum(len(field.value) for field in fields if field.head.filename is None),
        user=text_of(fields, "user"),
        wire=Wire(f"openai.{kind}", {}, form=rebuilt(fields)),
    )


def _no_file(fields: list[Field], name: str) -> Fault:
    if any(field.head.name == name for field in fields):
        why = Said("send it as a file, with a filename", "须作为文件发送，并带文件名")
        return fault("invalid_value", param=name, field=name, why=why)
    return fault("missing_field", param=name, field=name)


def _flag(fields: list[Field], name: str) -> bool:
    given = (text_of(fields, name) or "").strip().lower()
    if given in ("", "false", "0"):
        return False
    if given in ("true", "1"):
        return True
    raise fault("invalid_value", param=name, field=name, why=Said("give true or false", "应为 true 或 false"))
