"""Requests that are handed on as they came: rerank, moderation, speech, transcription, translation, pictures.

The body goes on with nothing changed but the model's name; the reply comes back unread but for the tokens it says were
used, and what an event stream says of its text and errors. Knows no meaning of a score, a sound or a picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.core.answers import DataDelta, Delta, Event, Passed, StopDelta, TextDelta, Usage, UsageDelta
from zhongshu.core.ports import Call
from zhongshu.core.problems import fault
from zhongshu.core.turns import Kind
from zhongshu.upstreams.cannot import cannot
from zhongshu.upstreams.openai import errors
from zhongshu.upstreams.sse import EventTooLarge, SseParser
from zhongshu.upstreams.transport import Headers, Opened, Request

_PATHS = {
    "rerank": "/rerank",
    "moderation": "/moderations",
    "speech": "/audio/speech",
    "transcription": "/audio/transcriptions",
    "translation": "/audio/translations",
    "image": "/images/generations",
}
_EDITS = "/images/edits"
_JSON: Headers = (("content-type", "application/json"),)
_EVENT_STREAM = "text/event-stream"

_encode = msgspec.json.Encoder().encode


class _Sorts(msgspec.Struct):
    """Tokens that are no words."""

    audio_tokens: float | None = None
    image_tokens: float | None = None


class _Counts(msgspec.Struct):
    """Tokens, as OpenAI's two families of endpoints and Cohere spell them. Transcriptions write `input_token_details`
    where pictures write `input_tokens_details`."""

    input_tokens: float | None = None
    output_tokens: float | None = None
    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    total_tokens: float | None = None
    input_token_details: _Sorts | None = None
    input_tokens_details: _Sorts | None = None
    output_tokens_details: _Sorts | None = None


class _Billed(msgspec.Struct):
    search_units: float | None = None


class _Meta(msgspec.Struct):
    """Cohere's: what was read, and what is billed."""

    tokens: _Counts | None = None
    billed_units: _Billed | None = None


class _Reply(msgspec.Struct):
    """What is read of a JSON reply. meta: where Cohere keeps its tokens."""

    model: str | None = None
    usage: _Counts | None = None
    meta: _Meta | None = None


class _Piece(msgspec.Struct):
    """What is read of an event: `transcript.text.delta`, `speech.audio.done`, `error` ..."""

    type: str = ""
    delta: Any = None
    usage: _Counts | None = None
    error: Any = None


_reply = msgspec.json.Decoder(_Reply, strict=False)
_piece = msgspec.json.Decoder(_Piece, strict=False)


def request_of(call: Call) -> Request:
    """The request that asks for this turn. Raises Fault("model_cannot") for a turn with no exact form."""
    wire, kind = call.turn.wire, call.turn.kind
    if wire is None:
        raise cannot(call, kind)
    model = call.offer.release.upstream_model
    form = wire.form
    if form is None:
        fields = dict(wire.fields)
        fields.pop("zhongshu", None)
        fields["model"] = Raw(_encode(model))
        return Request("POST", _PATHS[kind], _encode(fields), _JSON)
    begin, end = form.model_at
    body = b"".join((form.body[:begin], model.encode(), form.body[end:]))
    path = _EDITS if kind == "image" else _PATHS[kind]
    return Request("POST", path, body, (("content-type", form.content_type),))


def read_passed(body: bytes, content_type: str, kind: Kind) -> Passed:
    """The reply as it came, with the tokens it says were used; none when it says nothing of them or is no JSON."""
    if "json" not in content_type:
        return Passed(body, content_type)
    try:
        reply = _reply.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Passed(body, content_type)
    counts = reply.usage or (reply.meta.tokens if reply.meta else None)
    usage, searches = _usage(counts, kind), _searches(reply.meta)
    if searches:
        usage = msgspec.structs.replace(usage or Usage(), searches=searches)
    return Passed(body, content_type, usage, reply.model or "")


def _searches(meta: _Meta | None) -> int:
    """Search units, where that is what is billed."""
    billed = meta.billed_units if meta is not None else None
    return max(int(billed.search_units or 0), 0) if billed is not None else 0


def _usage(counts: _Counts | None, kind: Kind) -> Usage | None:
    """The counts, with sound and pictures told apart. What speech and pictures are made of is that, unless it is said."""
    if counts is None:
        return None
    given, made = counts.input_tokens or counts.prompt_tokens, counts.output_tokens or counts.completion_tokens
    if given is None:
        if counts.total_tokens is None:  # sound that is billed by the second
            return None
        given = counts.total_tokens - (made or 0)
    prompt, completion = max(int(given), 0), max(int(made or 0), 0)
    taken = counts.input_token_details or counts.input_tokens_details or _Sorts()
    out = counts.output_tokens_details or _Sorts(
        audio_tokens=completion if kind == "speech" else 0, image_tokens=completion if kind == "image" else 0
    )
    return Usage(
        prompt=prompt,
        completion=completion,
        audio_in=_part(taken.audio_tokens, prompt),
        image_in=_part(taken.image_tokens, prompt),
        audio_out=_part(out.audio_tokens, completion),
        image_out=_part(out.image_tokens, completion),
    )


def _part(count: float | None, whole: int) -> int:
    return min(max(int(count or 0), 0), whole)


class PassingStream:
    """A reply on its way: its bytes as the network cut them. Bytes that are no text are counted and hashed, and that
    is all the record keeps of them."""

    def __init__(self, opened: Opened, upstream: str, event_bytes: int, kind: Kind) -> None:
        self._kind: Kind = kind
        self._opened = opened
        self._upstream = upstream
        self._content_type = opened.header("content-type") or "application/octet-stream"
        self._parser = SseParser(event_bytes) if _EVENT_STREAM in self._content_type else None
        self._digest = hashlib.sha256()
        self._size = 0

    async def batches(self) -> AsyncIterator[tuple[Event, ...]]:
        """Each piece as it comes. Raises Fault: upstream_cut, or what an error inside an event stream says."""
        parser, spoken = self._parser, False
        while chunk := await self._opened.read():
            deltas: list[Delta] = [DataDelta(0, len(chunk))]
            if parser is not None:
                deltas += self._read(parser, chunk)
                spoken = spoken or len(deltas) > 1
            self._size += len(chunk)
            self._digest.update(chunk)
            yield (Event(tuple(deltas), chunk, self._content_type),)
        last: tuple[Delta, ...] = () if spoken else (TextDelta(0, self._summary()),)
        yield (Event((*last, StopDelta(0, "stop"))),)

    async def aclose(self) -> None:
        """Leave: the upstream's connection is reset at once, unless it has been read to its end."""
        await self._opened.aclose()

    def _summary(self) -> str:
        return f"{self._content_type}, {self._size} bytes, SHA-256 {self._digest.hexdigest()}"

    def _read(self, parser: SseParser, chunk: bytes) -> list[Delta]:
        try:
            payloads = parser.feed(chunk)
        except EventTooLarge as limit:
            raise fault("upstream_malformed", upstream=self._upstream, why=f"one event is over {limit} bytes") from None
        found: list[Delta] = []
        for payload in payloads:
            if payload.startswith(b"[DONE]"):
                continue
            try:
                piece = _piece.decode(payload)
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise fault("upstream_malformed", upstream=self._upstream, why="an event is not JSON") from None
            if piece.error is not None or piece.type == "error":
                raise errors.explain(self._upstream, "", 200, payload)
            if piece.type == "transcript.text.delta" and isinstance(piece.delta, str):
                found.append(TextDelta(0, piece.delta))
            usage = _usage(piece.usage, self._kind)
            if usage is not None:
                found.append(UsageDelta(usage))
        return found
