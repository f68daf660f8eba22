"""POST /v1/responses as a dialect: what is asked, and how it is answered whole and in pieces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from zhongshu.api.endpoint import Asked, Incoming, StreamWriter, bearer
from zhongshu.api.extra import Extra
from zhongshu.api.openai.errors import error_body
from zhongshu.api.responses import frame
from zhongshu.api.responses.output import output_of
from zhongshu.api.responses.relay import Relay, merged
from zhongshu.api.responses.request import DIALECT, Read, read_request
from zhongshu.api.responses.writer import EventWriter
from zhongshu.core.answers import Answer, Embeddings, Event, Passed, Usage
from zhongshu.core.clock import Clock
from zhongshu.core.problems import Problem
from zhongshu.core.turns import Turn
from zhongshu.pipeline.stages import Routed

_encode = msgspec.json.Encoder().encode


class ResponsesAsked:
    """A decoded request. response: the whole object once it has been written, as it is to be kept; None before.

    stored: whether it will be (the caller's wish, where the house keeps any).
    """

    __slots__ = ("_clock", "read", "response", "stored")

    def __init__(self, read: Read, clock: Clock, *, stored: bool) -> None:
        self.read = read
        self.stored = stored
        self.response: dict[str, Any] | None = None
        self._clock = clock

    @property
    def turn(self) -> Turn:
        return self.read.turn

    def base(self) -> dict[str, Any]:
        """The response object before anything came of it."""
        return frame.frame_of(self.read, stored=self.stored)

    def whole(self, answer: Answer | Embeddings | Passed, usage: Usage, extra: Extra) -> bytes:
        """A response object."""
        assert isinstance(answer, Answer)
        base = self.base()
        if answer.wire is not None and answer.dialect == DIALECT:
            self.response = merged(base, answer.wire, usage) | {"zhongshu": extra}
        else:
            choice = answer.choices[0]
            output = output_of(choice, self.turn.trace, summarised=self.read.summarised)
            now_s = self._clock.now_ns() // 1_000_000_000
            self.response = frame.ended(base, choice.stop, output, usage, extra, now_s)
        return _encode(self.response)

    def writer(self, routed: Routed) -> StreamWriter:
        """What writes the stream."""
        del routed
        return Writing(self, self._clock)


class Writing:
    """Writes one stream: sends on what came in this protocol, and writes everything else itself. Which of the two, the
    first event says. Leaves the whole object in its `asked`."""

    __slots__ = ("_asked", "_clock", "_writer")

    def __init__(self, asked: ResponsesAsked, clock: Clock) -> None:
        self._asked = asked
        self._clock = clock
        self._writer: EventWriter | Relay | None = None

    @property
    def number(self) -> int:
        """How many events have been written."""
        return self._writer.number if self._writer is not None else 0

    def write(self, events: tuple[Event, ...]) -> bytes:
        """The bytes to send now."""
        if not events:
            return b""
        writer = self._writer or self._choose(passed=events[0].wire is not None, event=events[:1])
        return writer.write(events)

    def close(self, usage: Usage, extra: Extra) -> bytes:
        """The end of a stream that went well."""
        writer = self._writer or self._choose(passed=False)
        said = writer.close(usage, extra)
        self._asked.response = writer.response
        return said

    def broken(self, error: bytes) -> bytes:
        """The end of a stream that broke off."""
        writer = self._writer or self._choose(passed=False)
        said = writer.broken(error)
        self._asked.response = writer.response
        return said

    def _choose(self, *, passed: bool, event: tuple[Event, ...] = ()) -> EventWriter | Relay:
        asked = self._asked
        base, trace = asked.base(), asked.turn.trace
        if passed and event[0].dialect == DIALECT:
            self._writer = Relay(base, trace, self._clock)
        else:
            self._writer = EventWriter(base, trace, self._clock, summarised=asked.read.summarised)
        return self._writer


class Responses:
    """POST /v1/responses. keeps: whether this house stores responses at all, as it is now."""

    def __init__(self, clock: Clock, keeps: Callable[[], bool]) -> None:
        self._clock = clock
        self._keeps = keeps

    def credential(self, headers: Mapping[bytes, bytes], query: bytes) -> bytes:
        """`Authorization: Bearer`."""
        del query
        return bearer(headers)

    def read(self, incoming: Incoming) -> Asked:
        """Decode a request."""
        read = read_request(incoming.body, incoming.trace, incoming.now_ns)
        return ResponsesAsked(read, self._clock, stored=read.stored and self._keeps())

    def error(self, problem: Problem, *, chinese: bool, trace: str) -> bytes:
        """OpenAI's error object."""
        return error_body(problem, chinese=chinese, trace=trace)
