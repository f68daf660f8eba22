"""POST /v1/messages as a dialect."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from zhongshu.api.anthropic.errors import error_body
from zhongshu.api.anthropic.reply import body_of
from zhongshu.api.anthropic.request import messages_turn
from zhongshu.api.anthropic.stream import EventWriter
from zhongshu.api.endpoint import Asked, Incoming, StreamWriter, bearer
from zhongshu.api.extra import Extra
from zhongshu.core.answers import Answer, Embeddings, Passed, Usage
from zhongshu.core.problems import Problem
from zhongshu.core.turns import Turn
from zhongshu.pipeline.stages import Routed


def credential_of(headers: Mapping[bytes, bytes]) -> bytes:
    """The key of `x-api-key`, else of `Authorization: Bearer`, which the SDKs send for an auth token."""
    return headers.get(b"x-api-key", b"").strip() or bearer(headers)


class MessagesAsked(msgspec.Struct, frozen=True):
    """A decoded request."""

    turn: Turn

    def whole(self, answer: Answer | Embeddings | Passed, usage: Usage, extra: Extra) -> bytes:
        """The body of a plain reply."""
        assert isinstance(answer, Answer)
        return body_of(self.turn, answer, usage, extra)

    def writer(self, routed: Routed) -> StreamWriter:
        """What writes a streamed reply."""
        del routed
        return EventWriter(self.turn)


class Messages:
    """POST /v1/messages."""

    def credential(self, headers: Mapping[bytes, bytes], query: bytes) -> bytes:
        """`x-api-key`, or `Authorization: Bearer`."""
        del query
        return credential_of(headers)

    def read(self, incoming: Incoming) -> Asked:
        """Decode a request."""
        return MessagesAsked(messages_turn(incoming))

    def error(self, problem: Problem, *, chinese: bool, trace: str) -> bytes:
        """Anthropic's error object."""
        return error_body(problem, chinese=chinese, trace=trace)
