"""The life of an HTTP request to a model endpoint: who asks, what is asked, the answer or the error.

One Endpoint serves every protocol; a Dialect says how its credential is spelt, how a body becomes a Turn, and how an
answer, a stream and an error are written. Decides nothing about the turn: that is the pipeline's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from zhongshu.api.asgi import (
    BODY,
    JSON_TYPE,
    ClientLeft,
    Headers,
    Receive,
    Scope,
    Send,
    headers_by_name,
    leaving,
    read_body,
    send_reply,
)
from zhongshu.api.errors import error_headers, prefers_chinese
from zhongshu.api.extra import Extra, extra_of
from zhongshu.api.heads import head_of, pairs, spent
from zhongshu.core.access import Caller
from zhongshu.core.answers import Answer, Embeddings, Event, Passed, Usage
from zhongshu.core.ids import trace_id
from zhongshu.core.ports import Hit
from zhongshu.core.problems import Fault, Problem, Refusal, problem
from zhongshu.core.turns import Turn
from zhongshu.pipeline.answer import Live, answer, stream
from zhongshu.pipeline.stages import Arrived, Closing, Labelled, Rooms, Routed

EVENT_STREAM: tuple[bytes, bytes] = (b"content-type", b"text/event-stream; charset=utf-8")

# What our own server offers beside ASGI (app/http/exchange.py), where nothing stands between it and us.
Reply = Callable[[int, bytes, bytes], bool]
Piece = Callable[[bytes], bool]
Again = Callable[[Hit, Extra], bytes]

_NO_KEY = Refusal("admit", problem("missing_key"))

log = logging.getLogger("zhongshu.api")


class Bounds(msgspec.Struct, frozen=True):
    """How much one request may bring, and how many may be in flight."""

    max_body_bytes: int = 32 * 1024 * 1024
    max_in_flight: int = 1000


class Load:
    """How many turns are in flight in this worker, and whether it is shutting down: draining, it is not ready but
    answers those who have not noticed; closed, it lets no new turn in."""

    __slots__ = ("closed", "draining", "in_flight")

    def __init__(self) -> None:
        self.in_flight = 0
        self.draining = False
        self.closed = False


class Incoming(msgspec.Struct, frozen=True):
    """A request as it came. trace, now_ns: the turn's id and the wall clock, UTC."""

    body: bytes
    trace: str
    now_ns: int
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]


class StreamWriter(Protocol):
    """Writes one stream's events in its protocol's form. A form other than server-sent events says so in an attribute
    `content_type`, a header, which is read when the first events have been written. What ends the last choice is held back until `close`, so that
    the record can be durable, and our object travel, before the client sees the end."""

    def write(self, events: tuple[Event, ...]) -> bytes:
        """The bytes to send now; empty for none."""
        ...

    def close(self, usage: Usage, extra: Extra) -> bytes:
        """The end of a stream that went well."""
        ...

    def broken(self, error: bytes) -> bytes:
        """The end of a stream that broke off: `error` is the dialect's error body. Empty where the form has no words
        for it: the connection is cut."""
        ...


class Asked(Protocol):
    """A decoded request: its turn, and how its reply is written. A plain reply that is no JSON says so in an attribute
    `content_type`, a header. One that has a shorter way to write an answer given before has it in a method
    `again(hit, extra)`."""

    @property
    def turn(self) -> Turn: ...

    def whole(self, answer: Answer | Embeddings | Passed, usage: Usage, extra: Extra) -> bytes:
        """The body of a plain reply."""
        ...

    def writer(self, routed: Routed) -> StreamWriter:
        """What writes a streamed reply."""
        ...


class Dialect(Protocol):
    """One protocol's way of asking and answering."""

    def credential(self, headers: Mapping[bytes, bytes], query: bytes) -> bytes:
        """The bare key; empty when there is none."""
        ...

    def read(self, incoming: Incoming) -> Asked:
        """Decode a request. Raises the Fault that names the field and what is wrong with it."""
        ...

    def error(self, problem: Problem, *, chinese: bool, trace: str) -> bytes:
        """An error's body."""
        ...


class Memory(Protocol):
    """What a protocol that remembers turns does around one. Others have none."""

    async def recall(self, asked: Asked, caller: Caller) -> Asked:
        """The request behind the conversation it goes on from. Raises the Fault of what is not there."""
        ...

    async def takes(self, asked: Asked, arrived: Arrived, scope: Scope, send: Send) -> bool:
        """Whether the turn goes on without its client, who has been answered then."""
        ...

    async def keep(self, asked: Asked, caller: Caller) -> None:
        """The answer is written: remember it. Its last bytes are sent once this returns."""
        ...


class Files(Protocol):
    """What puts the files that a request names into it."""

    async def filled(self, asked: Asked, caller: Caller) -> Asked:
        """The request with their content. Raises the Fault of one that cannot be put in."""
        ...


def bearer(headers: Mapping[bytes, bytes]) -> bytes:
    """The key of `Authorization: Bearer`."""
    given = headers.get(b"authorization", b"")
    if given.startswith(b"Bearer ") or given[:7].lower() == b"bearer ":
        return given[7:].strip()
    return b""


class Endpoint:
    """An ASGI callable for one model endpoint. `rooms` gives the rooms as they are now (settings may be reloaded)."""

    def __init__(
        self,
        dialect: Dialect,
        rooms: Callable[[], Rooms],
        bounds: Bounds,
        load: Load,
        memory: Memory | None = None,
        files: Files | None = None,
    ) -> None:
        self._dialect = dialect
        self._memory = memory
        self._files = files
        self._rooms = rooms
        self._bounds = bounds
        self._load = load

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """ASGI."""
        load = self._load
        if load.closed:
            return self._refuse(scope, send, problem("draining", retry_after_s=1.0), more=[(b"connection", b"close")])
        if load.in_flight >= self._bounds.max_in_flight:
            return self._refuse(scope, send, problem("overloaded", retry_after_s=1.0))
        return self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        rooms, trace = self._rooms(), trace_id()
        started_ns = rooms.clock.steady_ns()
        headers, query = headers_by_name(scope), scope["query_string"]
        self._load.in_flight += 1
        try:
            credential = self._dialect.credential(headers, query)
            caller = await rooms.gate.identify(credential) if credential else _NO_KEY
            if not isinstance(caller, Caller):
                return await self._refuse(scope, send, caller.problem, trace)
            body: bytes | None = scope.get(BODY)
            if body is None or len(body) > self._bounds.max_body_bytes:
                body = await read_body(receive, headers, self._bounds.max_body_bytes)
            path = scope["path"]
            asked = self._dialect.read(Incoming(body, trace, rooms.clock.now_ns(), path, query, headers))
            if self._files is not None and body.find(b'"file_id"') >= 0:  # `in` costs an exception (CPython 3.11)
                asked = await self._files.filled(asked, caller)
            memory = self._memory
            if memory is not None:
                asked = await memory.recall(asked, caller)
            agent = headers.get(b"user-agent", b"")[:200].decode("latin-1")
            wire = asked.turn.wire
            kept = wire.form.summary if wire is not None and wire.form is not None else body
            arrived = Arrived(asked.turn, caller, started_ns, kept, _address(scope), agent, headers)
            with leaving(scope, receive):
                if memory is not None and await memory.takes(asked, arrived, scope, send):
                    return
                if asked.turn.stream:
                    await self._stream(rooms, arrived, asked, scope, send)
                else:
                    await self._whole(rooms, arrived, asked, scope, send)
        except Fault as fault:
            await self._refuse(scope, send, fault.problem, trace)
        except asyncio.CancelledError as stopping:  # a client that left ends in `leaving`: this server stops
            if not stopping.args:
                raise
            await self._refuse(scope, send, problem("draining", retry_after_s=1.0), trace)
        except ClientLeft:
            return None
        # The border: nothing of what broke, nor the user's text, may reach the client or the log.
        except Exception as error:  # noqa: BLE001
            log.error("internal_error trace=%s kind=%s at=%s", trace, type(error).__name__, _place(error))
            with contextlib.suppress(Exception):
                await self._refuse(scope, send, problem("internal_error"), trace)
        finally:
            self._load.in_flight -= 1

    async def _refuse(
        self, scope: Scope, send: Send, problem: Problem, trace: str = "", more: Headers | None = None
    ) -> None:
        body = self._dialect.error(problem, chinese=prefers_chinese(scope), trace=trace)
        await send_reply(send, problem.status, error_headers(problem, trace) + (more or []), body)

    async def _whole(self, rooms: Rooms, arrived: Arrived, asked: Asked, scope: Scope, send: Send) -> None:
        done = await answer(rooms, arrived)
        if not isinstance(done, Labelled):
            return await self._refuse(scope, send, done.problem, arrived.turn.trace)
        answered = done.answered
        reply, usage = answered.answer, answered.usage
        overhead_ms = _overhead_ms(rooms, arrived, done.upstream_us)
        extra = extra_of(answered.routed, done.label, usage, answered.cost_nano, overhead_ms, answered.hit)
        hit = answered.hit
        again: Again | None = getattr(asked, "again", None) if hit is not None and reply is hit.answer else None
        body = asked.whole(reply, usage, extra) if hit is None or again is None else again(hit, extra)
        if self._memory is not None:
            await self._memory.keep(asked, arrived.caller)
        head = head_of(answered.routed, _kind_of(asked, reply), hit) + spent(
            overhead_ms, extra.cost.amount, extra.cost.currency, usage
        )
        at_once: Reply | None = getattr(send, "reply", None)
        if at_once is None or not at_once(200, head, body):
            await send_reply(send, 200, pairs(head), body)

    async def _stream(self, rooms: Rooms, arrived: Arrived, asked: Asked, scope: Scope, send: Send) -> None:
        live = await stream(rooms, arrived)
        if isinstance(live, Refusal):
            return await self._refuse(scope, send, live.problem, arrived.turn.trace)
        writer = asked.writer(live.routed)
        straight = _Straight(writer, getattr(send, "piece", _never))
        started = False
        try:
            async with contextlib.aclosing(live.batches(straight)) as batches:
                async for batch in batches:
                    if isinstance(batch, Closing):
                        chunk = writer.close(batch.usage, _closing_extra(rooms, arrived, live, batch))
                        if self._memory is not None:
                            await self._memory.keep(asked, arrived.caller)
                    else:
                        chunk = writer.write(batch) if batch else straight.late()
                    if not started and (chunk or isinstance(batch, Closing)):  # until then a failure has its status
                        started = True
                        headers = pairs(head_of(live.routed, _type_of(writer, EVENT_STREAM), live.hit))
                        await send({"type": "http.response.start", "status": 200, "headers": headers})
                    if isinstance(batch, Closing):
                        return await send({"type": "http.response.body", "body": chunk})
                    if chunk and not straight.piece(chunk):
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except (Fault, asyncio.CancelledError) as error:
            if not started or (isinstance(error, asyncio.CancelledError) and not error.args):
                raise
            broken = error.problem if isinstance(error, Fault) else problem("draining")
            body = self._dialect.error(broken, chinese=prefers_chinese(scope), trace=arrived.turn.trace)
            said = writer.broken(body)
            if self._memory is not None:
                with contextlib.suppress(Fault):
                    await self._memory.keep(asked, arrived.caller)
            if said:  # else the reply is left without an end, and the server cuts the connection
                await send({"type": "http.response.body", "body": said})


class _Straight:
    """Writes batches as they arrive, for as long as the client reads as fast. See core.ports.Take."""

    __slots__ = ("_late", "_write", "piece")

    def __init__(self, writer: StreamWriter, piece: Piece) -> None:
        self._write = writer.write
        self.piece = piece
        self._late = b""

    def __call__(self, batch: tuple[Event, ...]) -> bool:
        chunk = self._write(batch)
        if not chunk or self.piece(chunk):
            return True
        self._late = chunk
        return False

    def late(self) -> bytes:
        """What still has to go the long way."""
        chunk, self._late = self._late, b""
        return chunk


def _never(chunk: bytes) -> bool:
    """Where a piece always goes the long way."""
    del chunk
    return False


def _type_of(written: object, usual: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    return getattr(written, "content_type", usual)


def _kind_of(asked: Asked, reply: Answer | Embeddings | Passed) -> tuple[bytes, bytes]:
    if not isinstance(reply, Answer) and isinstance(reply, Passed):
        return b"content-type", reply.content_type.encode()
    return _type_of(asked, JSON_TYPE)


def _overhead_ms(rooms: Rooms, arrived: Arrived, upstream_us: int) -> float:
    """The turn's time so far but for the upstream's, to the microsecond."""
    return ((rooms.clock.steady_ns() - arrived.started_ns) // 1000 - upstream_us) / 1000


def _closing_extra(rooms: Rooms, arrived: Arrived, live: Live, closing: Closing) -> Extra:
    overhead_ms = _overhead_ms(rooms, arrived, closing.upstream_us)
    return extra_of(live.routed, closing.label, closing.usage, closing.cost_nano, overhead_ms, closing.hit)


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _place(error: BaseException) -> str:
    """File and line where it broke; never the message, which may hold the user's text."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else "?"
