"""OpenAI's endpoints as dialects: chat, completions, embeddings."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from zhongshu.api.endpoint import Asked, Incoming, StreamWriter, bearer
from zhongshu.api.extra import Extra
from zhongshu.api.openai.errors import error_body
from zhongshu.api.openai.reply import ChunkWriter, body_again, body_of, embeddings_body
from zhongshu.api.openai.request import (
    chat_turn,
    completion_turn,
    decode_chat,
    decode_completion,
    decode_embedding,
    embedding_turn,
)
from zhongshu.core.answers import Answer, Embeddings, Passed, Usage
from zhongshu.core.ports import Hit
from zhongshu.core.problems import Problem
from zhongshu.core.turns import Turn
from zhongshu.pipeline.stages import Routed


class OpenAIAsked(msgspec.Struct, frozen=True):
    """A decoded request, and what only the reply needs to know of it."""

    turn: Turn
    include_usage: bool = False
    base64_form: bool = False

    def whole(self, answer: Answer | Embeddings | Passed, usage: Usage, extra: Extra) -> bytes:
        """The body of a plain reply."""
        if isinstance(answer, Answer):
            return body_of(self.turn, answer, usage, extra)
        if isinstance(answer, Embeddings):
            return embeddings_body(self.turn, answer, usage, extra, base64_form=self.base64_form)
        return answer.body

    def again(self, hit: Hit, extra: Extra) -> bytes:
        """The body of a plain reply whose answer was given before."""
        return body_again(self.turn, hit, extra)

    def writer(self, routed: Routed) -> StreamWriter:
        """What writes a streamed reply."""
        del routed
        return ChunkWriter(self.turn, include_usage=self.include_usage)


class _OpenAI:
    """What all of OpenAI's endpoints share."""

    def credential(self, headers: Mapping[bytes, bytes], query: bytes) -> bytes:
        """`Authorization: Bearer`."""
        del query
        return bearer(headers)

    def error(self, problem: Problem, *, chinese: bool, trace: str) -> bytes:
        """OpenAI's error object."""
        return error_body(problem, chinese=chinese, trace=trace)


class Chat(_OpenAI):
    """POST /v1/chat/completions."""

    def read(self, incoming: Incoming) -> Asked:
        """Decode a request."""
        request = decode_chat(incoming.body)
        turn = chat_turn(request, incoming.body, incoming.trace, incoming.now_ns)
        return OpenAIAsked(turn, include_usage=bool(request.stream_options and request.stream_options.include_usage))


class Completions(_OpenAI):
    """POST /v1/completions."""

    def read(self, incoming: Incoming) -> Asked:
        """Decode a request."""
        request = decode_completion(incoming.body)
        turn = completion_turn(request, incoming.body, incoming.trace, incoming.now_ns)
        return OpenAIAsked(turn, include_usage=bool(request.stream_options and request.stream_options.include_usage))


class EmbeddingsOf(_OpenAI):
    """POST /v1/embeddings."""

    def read(self, incoming: Incoming) -> Asked:
        """Decode a request."""
        request = decode_embedding(incoming.body)
        turn = embedding_turn(request, incoming.body, incoming.trace, incoming.now_ns)
        return OpenAIAsked(turn, base64_form=request.encoding_format == "base64")
