"""Google's endpoints as dialects: generateContent, its stream, embedContent and batchEmbedContents."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qs

import msgspec

from zhongshu.api.endpoint import Asked, Incoming, StreamWriter, bearer
from zhongshu.api.extra import Extra
from zhongshu.api.gemini.errors import error_body
from zhongshu.api.gemini.reply import body_of, embeddings_body
from zhongshu.api.gemini.request import embed_turn, generate_turn
from zhongshu.api.gemini.stream import ChunkWriter
from zhongshu.core.answers import Answer, Embeddings, Passed, Usage
from zhongshu.core.problems import Problem
from zhongshu.core.turns import Turn
from zhongshu.pipeline.stages import Routed


def credential(headers: Mapping[bytes, bytes], query: bytes) -> bytes:
    """`x-goog-api-key`, else `Authorization: Bearer`, else `?key=`."""
    given = headers.get(b"x-goog-api-key", b"").strip() or bearer(headers)
    if given or b"key=" not in query:
        return given
    return parse_qs(query).get(b"key", [b""])[0].strip()


def as_events(query: bytes) -> bool:
    """Whether a stream is asked for as server-sent events (`alt=sse`) and not as a JSON array."""
    return b"alt=sse" in query.split(b"&")


class GenerateAsked(msgspec.Struct, frozen=True):
    """A decoded generateContent request. thoughts: the caller wants to see them; array: the form of its stream."""

    turn: Turn
    thoughts: bool
    array: bool

    def whole(self, answer: Answer | Embeddings | Passed, usage: Usage, extra: Extra) -> bytes:
        """The body of a plain reply."""
        if isinstance(answer, Answer):
            return body_of(self.turn, answer, usage, extra, thoughts=self.thoughts)
        return answer.body if isinstance(answer, Passed) else embeddings_body(answer, extra, batch=True)

    def writer(self, routed: Routed) -> StreamWriter:
        """What writes a streamed reply."""
        del routed
        return ChunkWriter(self.turn, thoughts=self.thoughts, array=self.array)


class EmbedAsked(msgspec.Struct, frozen=True):
    """A decoded embedding request; batch: its reply is a list."""

    turn: Turn
    batch: bool

    def whole(self, answer: Answer | Embeddings | Passed, usage: Usage, extra: Extra) -> bytes:
        """The body of the reply."""
        del usage
        assert isinstance(answer, Embeddings)
        return embeddings_body(answer, extra, batch=self.batch)

    def writer(self, routed: Routed) -> StreamWriter:
        """Vectors are not streamed; nothing asks for this."""
        del routed
        return ChunkWriter(self.turn, thoughts=False, array=False)


class _Google:
    """What all of Google's endpoints share."""

    def credential(self, headers: Mapping[bytes, bytes], query: bytes) -> bytes:
        """The bare key."""
        return credential(headers, query)

    def error(self, problem: Problem, *, chinese: bool, trace: str) -> bytes:
        """Google's error object."""
        return error_body(problem, chinese=chinese, trace=trace)


class Generate(_Google):
    """POST /v1beta/models/NAME:generateContent and :streamGenerateContent."""

    def read(self, incoming: Incoming) -> Asked:
        """Decode a request."""
        stream = incoming.path.endswith(":streamGenerateContent")
        turn, thoughts = generate_turn(incoming, stream=stream)
        return GenerateAsked(turn, thoughts, array=stream and not as_events(incoming.query))


class Embed(_Google):
    """POST /v1beta/models/NAME:embedContent and :batchEmbedContents."""

    def read(self, incoming: Incoming) -> Asked:
        """Decode a request."""
        batch = incoming.path.endswith(":batchEmbedContents")
        return EmbedAsked(embed_turn(incoming, batch=batch), batch)
