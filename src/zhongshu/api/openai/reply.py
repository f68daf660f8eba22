"""Answers -> OpenAI bodies and stream chunks, with the `zhongshu` object beside what the upstream said.

An answer that still has its exact upstream body in this dialect is passed on as it is, with our object spliced in
before the last brace, so that fields we do not know reach the client untouched. Otherwise it is written from our words.
"""

from __future__ import annotations

import base64
import sys
from array import array
from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.api.extra import Extra, splice
from zhongshu.api.openai.thoughts import detail_of
from zhongshu.core.answers import (
    Answer,
    Choice,
    Delta,
    Embeddings,
    Event,
    LogprobsDelta,
    ProgressDelta,
    RefusalDelta,
    StopDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallArguments,
    ToolCallStart,
    Usage,
    UsageDelta,
)
from zhongshu.core.ports import Hit
from zhongshu.core.signatures import leaving
from zhongshu.core.turns import Thought, Turn

_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_NULL = Raw(b"null")

CHAT, COMPLETION = "openai.chat", "openai.completion"


# Whole replies ------------------------------------------------------------------------------------------------


def body_of(turn: Turn, answer: Answer, usage: Usage, extra: Extra) -> bytes:
    """A chat.completion or text_completion body."""
    wire = answer.wire if answer.dialect == turn.protocol else None
    if wire is not None and answer.usage is not None:
        spliced = splice(wire, extra)
        if spliced is not None:
            return spliced
    written = _named(turn) | _said(turn, answer, usage) if wire is None else _merged(wire, answer.usage or usage)
    written["zhongshu"] = extra
    return _encode(written)


def body_again(turn: Turn, hit: Hit, extra: Extra) -> bytes:
    """The body of an answer given before. What differs from turn to turn is put around the rest, which is written once."""
    said = hit.written.get(turn.protocol)
    if said is None:
        said = hit.written[turn.protocol] = _encode(_said(turn, hit.answer, hit.usage))[1:-1]
    return b'%b,%b,"zhongshu":%b}' % (_encode(_named(turn))[:-1], said, _encode(extra))


def _merged(wire: bytes, usage: Usage) -> dict[str, Any]:
    """The upstream's body with usage filled in where it gave none; all other values stay exactly as they were."""
    body: dict[str, Any] = dict(_fields(wire))
    if bytes(body.get("usage", _NULL)) == b"null":
        body["usage"] = usage_wire(usage)
    return body


def _named(turn: Turn) -> dict[str, Any]:
    """What a reply says of itself."""
    if turn.kind == "completion":
        return _head(turn, "cmpl-", "text_completion")
    return _head(turn, "chatcmpl-", "chat.completion")


def _said(turn: Turn, answer: Answer, usage: Usage) -> dict[str, Any]:
    """What it says of the answer."""
    if turn.kind == "completion":
        return {
            "choices": [
                {"index": c.index, "text": c.text, "logprobs": _logprobs(c), "finish_reason": c.stop}
                for c in answer.choices
            ],
            "usage": usage_wire(usage),
        }
    return {
        "choices": [
            {"index": c.index, "message": _message(c), "logprobs": _logprobs(c), "finish_reason": _finish(c.stop)}
            for c in answer.choices
        ],
        "usage": usage_wire(usage),
    }


def _head(turn: Turn, prefix: str, kind: str) -> dict[str, Any]:
    return {
        "id": f"{prefix}{turn.trace}",
        "object": kind,
        "created": turn.arrived_ns // 1_000_000_000,
        "model": turn.model,
    }


def _finish(stop: str) -> str:
    return "stop" if stop == "error" else stop


def _message(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": choice.text or (None if choice.tool_calls else ""),
        "refusal": choice.refusal,
        "annotations": [],
    }
    if choice.thought:
        message["reasoning_content"] = choice.thought
    if choice.thoughts:
        message["reasoning_details"] = [detail_of(t, n) for n, t in enumerate(choice.thoughts) if t.signature]
    if choice.tool_calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            | _signed(call.signature)
            for call in choice.tool_calls
        ]
    return message


def _signed(signature: str | None) -> dict[str, Any]:
    """The proof that a call has to be handed back with, where Google's own OpenAI-compatible endpoint puts it."""
    return {"extra_content": {"google": {"thought_signature": leaving(signature, "gemini")}}} if signature else {}


def _logprobs(choice: Choice) -> dict[str, Any] | None:
    return {"content": list(choice.logprobs), "refusal": None} if choice.logprobs else None


def usage_wire(usage: Usage) -> dict[str, Any]:
    """OpenAI's usage object."""
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.thinking},
    }


def embeddings_body(turn: Turn, answer: Embeddings, usage: Usage, extra: Extra, *, base64_form: bool) -> bytes:
    """An embeddings list; Base64 of little-endian float32 when asked for (the official SDKs ask for it)."""

    def form(vector: tuple[float, ...]) -> Any:
        return base64.b64encode(_little_endian(vector)).decode() if base64_form else vector

    return _encode(
        {
            "object": "list",
            "data": [{"object": "embedding", "index": i, "embedding": form(v)} for i, v in enumerate(answer.vectors)],
            "model": turn.model,
            "usage": {"prompt_tokens": usage.prompt, "total_tokens": usage.prompt},
            "zhongshu": extra,
        }
    )


def _little_endian(vector: tuple[float, ...]) -> bytes:
    """float32, as NumPy would write them; NumPy itself would take a worker a second to load."""
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


# Streams ------------------------------------------------------------------------------------------------------


class ChunkWriter:
    """Writes a stream's events as SSE. The chunk that ends the last choice is held until `close`, so that the record
    can be durable, and our object travel, before the client sees the end."""

    __slots__ = (
        "_begins", "_blocks", "_first", "_head", "_held", "_open", "_passing", "_roles", "_thoughts", "_turn",
        "_usage_asked",
    )  # fmt: skip

    def __init__(self, turn: Turn, *, include_usage: bool) -> None:
        self._turn = turn
        self._usage_asked = include_usage
        self._held: list[bytes] = []
        self._open = set(range(turn.sampling.n * max(1, len(turn.prompts))))
        self._roles: set[int] = set()
        self._thoughts: list[ThoughtDelta] = []
        self._blocks = 0
        self._first: bytes | None = None
        self._passing = ""
        self._begins = b""
        kind = "chat.completion.chunk" if turn.kind == "chat" else "text_completion"
        self._head = _head(turn, "chatcmpl-" if turn.kind == "chat" else "cmpl-", kind)

    def write(self, events: tuple[Event, ...]) -> bytes:
        """The bytes to send now for a batch of events. Once some of the upstream's have gone out, and until the last
        choice ends, a batch that is one piece of text in the upstream's own bytes is sent without looking further."""
        if self._passing and len(events) == 1:
            event = events[0]
            wire, deltas = event.wire, event.deltas
            plain = len(deltas) == 1 and type(deltas[0]) is TextDelta
            if plain and wire is not None and event.dialect == self._passing:
                return b"data: " + wire + b"\n\n"
        out: list[bytes] = []
        for event in events:
            chunks = self._chunks(event)
            for delta in event.deltas:
                if isinstance(delta, StopDelta):
                    self._open.discard(delta.index)
            if self._held or not self._open:
                self._held += chunks
            else:
                for chunk in chunks:
                    out += (b"data: ", chunk, b"\n\n")
        under_way = self._first is not None and self._open and not self._held
        self._passing = self._turn.protocol if under_way else ""
        return b"".join(out)

    def close(self, usage: Usage, extra: Extra) -> bytes:
        """The held chunks, the usage chunk if it was asked for, our object on the last of them, and the end mark."""
        last = self._held or [_encode(self._named() | {"choices": []})]
        if self._usage_asked:
            last.append(_encode(self._named() | {"choices": [], "usage": usage_wire(usage)}))
        last[-1] = splice(last[-1], extra) or last[-1]
        return b"".join([b"data: %b\n\n" % chunk for chunk in last]) + b"data: [DONE]\n\n"

    def broken(self, error: bytes) -> bytes:
        """An error event and the end mark."""
        return b"data: %b\n\ndata: [DONE]\n\n" % error

    def _chunks(self, event: Event) -> list[bytes]:
        """An event's chunks: its own, as the upstream sent it, or one for each of its deltas."""
        if event.wire is not None and event.dialect == self._turn.protocol:
            only_usage = len(event.deltas) == 1 and isinstance(event.deltas[0], UsageDelta)
            if only_usage:
                return []
            self._first = self._first or event.wire
            return [event.wire]
        if event.deltas and isinstance(event.deltas[0], ProgressDelta):
            return [self._progress(event.deltas[0])]
        return [chunk for delta in event.deltas if (chunk := self._chunk(delta)) is not None]

    def _chunk(self, delta: Delta) -> bytes | None:
        """One delta's chunk. Most are text or thought: those are bytes prepared with the choice's first chunk, around
        the text alone."""
        if isinstance(delta, TextDelta | ThoughtDelta) and delta.index in self._roles and self._first is None:
            field = b"content"
            if isinstance(delta, ThoughtDelta):
                if delta.signature is not None:
                    return _encode(self._named() | {"choices": [self._choice(delta)]})
                self._thoughts.append(delta)
                field = b"reasoning_content"
            return b'%b%d,"delta":{"%b":%b},"finish_reason":null}]}' % (
                self._begins, delta.index, field, _encode(delta.text),
            )  # fmt: skip
        choice = self._choice(delta) if self._turn.kind == "chat" else _text_choice(delta)
        return None if choice is None else _encode(self._named() | {"choices": [choice]})

    def _progress(self, delta: ProgressDelta) -> bytes:
        """A chunk that adds nothing: clients that do not know our object see an empty delta."""
        said = {"progress": {"stage": delta.stage, "model": delta.model}}
        choice: dict[str, Any] = {"index": 0, "delta": {}, "finish_reason": None}
        return _encode(self._named() | {"choices": [choice], "zhongshu": said})

    def _signed(self, end: ThoughtDelta) -> dict[str, Any]:
        """The block of thought that ends with this signature."""
        mine = [delta for delta in self._thoughts if delta.index == end.index]
        self._thoughts = [delta for delta in self._thoughts if delta.index != end.index]
        place = self._blocks = self._blocks + 1
        thought = Thought("".join([delta.text for delta in mine]), end.signature, end.redacted)
        return detail_of(thought, place - 1)

    def _named(self) -> dict[str, Any]:
        """What our own chunks begin with: the id, time and model of the upstream's chunks where these went out before,
        as all chunks of a stream have one id."""
        if self._first is None:
            return self._head
        given = _fields(self._first)
        return self._head | {name: given[name] for name in ("id", "created", "model") if name in given}

    def _choice(self, delta: Delta) -> dict[str, Any] | None:
        if isinstance(delta, UsageDelta):
            return None
        body: dict[str, Any] = {}
        choice: dict[str, Any] = {"index": delta.index, "delta": body, "finish_reason": None}
        if delta.index not in self._roles and self._first is None:
            self._roles.add(delta.index)
            self._begins = self._begins or _encode(self._head)[:-1] + b',"choices":[{"index":'
            body["role"] = "assistant"
            body["content"] = None if isinstance(delta, ToolCallStart) else ""
        match delta:
            case TextDelta():
                body["content"] = delta.text
            case ThoughtDelta():
                self._thoughts.append(delta)
                if delta.text or delta.signature is None:
                    body["reasoning_content"] = delta.text
                if delta.signature is not None:
                    body["reasoning_details"] = [self._signed(delta)]
            case RefusalDelta():
                body["refusal"] = delta.text
            case ToolCallStart():
                function = {"name": delta.name, "arguments": ""}
                started: dict[str, Any] = {
                    "index": delta.call, "id": delta.id, "type": "function", "function": function,
                }  # fmt: skip
                body["tool_calls"] = [started | _signed(delta.signature)]
            case ToolCallArguments():
                body["tool_calls"] = [{"index": delta.call, "function": {"arguments": delta.text}}]
            case LogprobsDelta():
                choice["logprobs"] = {"content": list(delta.content), "refusal": None}
            case StopDelta():
                choice["finish_reason"] = _finish(delta.reason)
            case _:
                return None
        return choice


def _text_choice(delta: Delta) -> dict[str, Any] | None:
    if isinstance(delta, TextDelta):
        return {"index": delta.index, "text": delta.text, "logprobs": None, "finish_reason": None}
    if isinstance(delta, StopDelta):
        return {"index": delta.index, "text": "", "logprobs": None, "finish_reason": _finish(delta.reason)}
    return None
