"""POST /v1/ask: a question in, an answer out - for shells and spreadsheets, which want no chat format.

curl -H "Authorization: Bearer $KEY" -H "Accept: text/plain" -d '{"question": "..."}' .../v1/ask
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from zhongshu.api.asgi import JSON_TYPE
from zhongshu.api.decoding import BodyDecoder
from zhongshu.api.endpoint import Asked, Incoming, StreamWriter, bearer
from zhongshu.api.extra import Extra
from zhongshu.api.openai.errors import error_body
from zhongshu.core.answers import Answer, Embeddings, Event, Passed, RefusalDelta, TextDelta, Usage
from zhongshu.core.depth import Depth, deep
from zhongshu.core.models import AUTO
from zhongshu.core.problems import Problem
from zhongshu.core.turns import NO_WISHES, Message, Sampling, Turn, Wishes
from zhongshu.pipeline.stages import Routed

TEXT: tuple[bytes, bytes] = (b"content-type", b"text/plain; charset=utf-8")

_encode = msgspec.json.Encoder().encode


class AskRequest(msgspec.Struct, frozen=True):
    """POST /v1/ask. depth: of thought, a word or a budget in tokens; effort: the same by its older name. stream: the
    answer as plain text, piece by piece."""

    question: Annotated[str, Meta(min_length=1)]
    model: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    system: str | None = None
    effort: Depth | None = None
    depth: Depth | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None
    stream: bool | None = None
    user: Annotated[str, Meta(max_length=512)] | None = None
    zhongshu: Wishes | None = None


decode = BodyDecoder(AskRequest)


class Question:
    """The dialect of /v1/ask."""

    def credential(self, headers: Mapping[bytes, bytes], query: bytes) -> bytes:
        """`Authorization: Bearer`."""
        del query
        return bearer(headers)

    def read(self, incoming: Incoming) -> Asked:
        """Decode a request."""
        asked = decode(incoming.body)
        wishes = asked.zhongshu or NO_WISHES
        own = asked.depth if asked.depth is not None else asked.effort
        thinks = deep(own if own is not None else wishes.depth)
        system = (Message("system", asked.system),) if asked.system else ()
        turn = Turn(
            trace=incoming.trace,
            arrived_ns=incoming.now_ns,
            kind="chat",
            protocol="rest.ask",
            model=asked.model or AUTO,
            messages=(*system, Message("user", asked.question)),
            stream=asked.stream or False,
            sampling=Sampling(max_tokens=asked.max_tokens),
            effort=thinks.effort,
            thinking_tokens=thinks.tokens,
            user=asked.user,
            body_bytes=len(incoming.body),
            wishes=wishes,
        )
        accept = incoming.headers.get(b"accept", b"").lower()
        return QuestionAsked(turn, TEXT if b"text/plain" in accept and b"json" not in accept else JSON_TYPE)

    def error(self, problem: Problem, *, chinese: bool, trace: str) -> bytes:
        """OpenAI's error object."""
        return error_body(problem, chinese=chinese, trace=trace)


class QuestionAsked(msgspec.Struct, frozen=True):
    """A decoded question. content_type: of the answer, by the request's Accept."""

    turn: Turn
    content_type: tuple[bytes, bytes]

    def whole(self, answer: Answer | Embeddings | Passed, usage: Usage, extra: Extra) -> bytes:
        """The answer's text, or an object with it and what there is to know of it."""
        del usage
        assert isinstance(answer, Answer)
        choice = answer.choices[0]
        text = choice.text or choice.refusal or ""
        if self.content_type is TEXT:
            return text.encode() + b"\n"
        release = extra.route.release
        said = {"answer": text, "trace": extra.trace, "model": release, "stop": choice.stop, "zhongshu": extra}
        return _encode(said)

    def writer(self, routed: Routed) -> StreamWriter:
        """What writes a streamed answer."""
        del routed
        return TextWriter()


class TextWriter:
    """Writes the text alone, as it comes. What broke cannot be said in it: the connection is cut."""

    content_type = TEXT

    def write(self, events: tuple[Event, ...]) -> bytes:
        """The text of the events."""
        deltas = (delta for event in events for delta in event.deltas)
        return "".join([d.text for d in deltas if isinstance(d, TextDelta | RefusalDelta)]).encode()

    def close(self, usage: Usage, extra: Extra) -> bytes:
        """A last line end."""
        del usage, extra
        return b"\n"

    def broken(self, error: bytes) -> bytes:
        """Nothing."""
        del error
        return b""
