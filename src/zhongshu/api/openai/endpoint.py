"""The life of an HTTP request to a model endpoint: who asks, what is asked, the answer or the error.

One Endpoint serves chat, completions and embeddings; they differ in how a body becomes a Turn and how an answer is
written. Decides nothing about the turn: that is the pipeline's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

import msgspec

from zhongshu.api.asgi import (
    JSON_TYPE,
    ClientLeft,
    Headers,
    Receive,
    Scope,
    Send,
    leaving,
    read_body,
    send_reply,
)
from zhongshu.api.openai.errors import error_body, prefers_chinese, send_problem
from zhongshu.api.openai.reply import ChunkWriter, Extra, body_of, embeddings_body, extra_of
from zhongshu.api.openai.request import (
    chat_turn,
    completion_turn,
    decode_chat,
    decode_completion,
    decode_embedding,
    embedding_turn,
)
from zhongshu.core.access import Caller
from zhongshu.core.answers import Embeddings
from zhongshu.core.ids import trace_id
from zhongshu.core.ports import Permit
from zhongshu.core.problems import Fault, Refusal, problem
from zhongshu.core.turns import Turn
from zhongshu.pipeline.answer import Live, answer, stream
from zhongshu.pipeline.stages import Arrived, Closing, Rooms, Routed

EVENT_STREAM: tuple[bytes, bytes] = (b"content-type", b"text/event-stream; charset=utf-8")

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


class Read(msgspec.Struct, frozen=True):
    """A decoded request: its turn, and what only the reply needs to know of it."""

    turn: Turn
    include_usage: bool = False
    base64_form: bool = False


Reader = Callable[[bytes, str, int], Read]


class Endpoint:
    """An ASGI callable for one model endpoint. `rooms` gives the rooms as they are now (settings may be reloaded)."""

    def __init__(self, read: Reader, rooms: Callable[[], Rooms], bounds: Bounds, load: Load) -> None:
        self._read = read
        self._rooms = rooms
        self._bounds = bounds
        self._load = load

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        load = self._load
        if load.closed:
            return await send_problem(
                scope, send, problem("draining", retry_after_s=1.0), more=[(b"connection", b"close")]
            )
        if load.in_flight >= self._bounds.max_in_flight:
            return await send_problem(scope, send, problem("overloaded", retry_after_s=1.0))
        load.in_flight += 1
        try:
            await self._serve(scope, receive, send)
        finally:
            load.in_flight -= 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        rooms, trace = self._rooms(), trace_id()
        started_ns = rooms.clock.steady_ns()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            caller = await _caller(rooms, headers.get(b"authorization", b""))
            if isinstance(caller, Refusal):
                return await send_problem(scope, send, caller.problem, trace)
            body = await read_body(receive, headers, self._bounds.max_body_bytes)
            read = self._read(body, trace, rooms.clock.now_ns())
            agent = headers.get(b"user-agent", b"")[:200].decode("latin-1")
            arrived = Arrived(read.turn, caller, started_ns, body, _address(scope), agent)
            with leaving(scope, receive):
                if read.turn.stream:
                    await _stream(rooms, arrived, read, scope, send)
                else:
                    await _whole(rooms, arrived, read, scope, send)
        except Fault as fault:
            await send_problem(scope, send, fault.problem, trace)
        except asyncio.CancelledError as stopping:  # a client that left ends in `leaving`: this server stops
            if not stopping.args:
                raise
            await send_problem(scope, send, problem("draining", retry_after_s=1.0), trace)
        except ClientLeft:
            return None
        # The border: nothing of what broke, nor the user's text, may reach the client or the log.
        except Exception as error:  # noqa: BLE001
            log.error("internal_error trace=%s kind=%s at=%s", trace, type(error).__name__, _place(error))
            with contextlib.suppress(Exception):
                await send_problem(scope, send, problem("internal_error"), trace)


async def _caller(rooms: Rooms, authorization: bytes) -> Caller | Refusal:
    if authorization[:7].lower() != b"bearer ":
        return Refusal("admit", problem("missing_key"))
    return await rooms.gate.identify(authorization[7:].strip())


async def _whole(rooms: Rooms, arrived: Arrived, read: Read, scope: Scope, send: Send) -> None:
    done = await answer(rooms, arrived)
    if isinstance(done, Refusal):
        return await send_problem(scope, send, done.problem, arrived.turn.trace)
    answered = done.answered
    took_ms = (rooms.clock.steady_ns() - arrived.started_ns) / 1e6
    overhead_ms = _overhead_ms(done.upstream_us, took_ms)
    extra = extra_of(arrived.turn, answered.routed.route, done.label, answered.usage, answered.cost_nano, overhead_ms)
    if isinstance(answered.answer, Embeddings):
        body = embeddings_body(arrived.turn, answered.answer, answered.usage, extra, base64_form=read.base64_form)
    else:
        body = body_of(arrived.turn, answered.answer, answered.usage, extra)
    headers = _headers(answered.routed, JSON_TYPE)
    headers.append((b"x-zhongshu-overhead-ms", b"%.3f" % overhead_ms))
    headers.append((b"x-zhongshu-cost", f"{extra.cost.amount} {extra.cost.currency}".encode()))
    headers.append(
        (b"x-zhongshu-usage", b"prompt=%d; completion=%d" % (answered.usage.prompt, answered.usage.completion))
    )
    await send_reply(send, 200, headers, body)


async def _stream(rooms: Rooms, arrived: Arrived, read: Read, scope: Scope, send: Send) -> None:
    live = await stream(rooms, arrived)
    if isinstance(live, Refusal):
        return await send_problem(scope, send, live.problem, arrived.turn.trace)
    writer = ChunkWriter(arrived.turn, include_usage=read.include_usage)
    started = False
    try:
        async with contextlib.aclosing(live.batches()) as batches:
            async for batch in batches:
                if not started:
                    started = True
                    await send(
                        {"type": "http.response.start", "status": 200, "headers": _headers(live.routed, EVENT_STREAM)}
                    )
                if isinstance(batch, Closing):
                    chunk = writer.close(batch.usage, _closing_extra(rooms, arrived, live, batch))
                    return await send({"type": "http.response.body", "body": chunk})
                chunk = writer.write(batch)
                if chunk:
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except (Fault, asyncio.CancelledError) as error:
        if not started or (isinstance(error, asyncio.CancelledError) and not error.args):
            raise
        broken = error.problem if isinstance(error, Fault) else problem("draining")
        body = error_body(broken, chinese=prefers_chinese(scope), trace=arrived.turn.trace)
        await send({"type": "http.response.body", "body": b"data: %b\n\ndata: [DONE]\n\n" % body})


def _overhead_ms(upstream_us: int, took_ms: float) -> float:
    return round(took_ms - upstream_us / 1000, 3)


def _closing_extra(rooms: Rooms, arrived: Arrived, live: Live, closing: Closing) -> Extra:
    took_ms = (rooms.clock.steady_ns() - arrived.started_ns) / 1e6
    overhead_ms = _overhead_ms(closing.upstream_us, took_ms)
    return extra_of(arrived.turn, live.routed.route, closing.label, closing.usage, closing.cost_nano, overhead_ms)


def _headers(routed: Routed, content_type: tuple[bytes, bytes]) -> Headers:
    turn, route = routed.admitted.arrived.turn, routed.route
    trace = turn.trace.encode()
    headers = [
        content_type,
        (b"x-request-id", trace),
        (b"x-zhongshu-trace", trace),
        (b"x-zhongshu-release", route.offer.release.name.encode()),
        (b"x-zhongshu-route", route.rule.encode()),
        (b"x-zhongshu-reason", route.reason.encode("ascii", "replace")),
    ]
    if turn.kind != "embedding":
        headers.append((b"x-zhongshu-ai-generated", b"1"))
    return headers + limit_headers(routed.admitted.permit)


def limit_headers(permit: Permit) -> Headers:
    """The standard rate-limit headers, for the limits that the caller has."""
    headers: Headers = []
    requests, tokens = permit.requests, permit.tokens
    if requests is not None:
        headers += (
            (b"x-ratelimit-limit-requests", b"%d" % requests.limit),
            (b"x-ratelimit-remaining-requests", b"%d" % requests.remaining),
            (b"x-ratelimit-reset-requests", b"%.3fs" % requests.reset_s),
        )
    if tokens is not None:
        headers += (
            (b"x-ratelimit-limit-tokens", b"%d" % tokens.limit),
            (b"x-ratelimit-remaining-tokens", b"%d" % tokens.remaining),
            (b"x-ratelimit-reset-tokens", b"%.3fs" % tokens.reset_s),
        )
    return headers


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _place(error: BaseException) -> str:
    """File and line where it broke; never the message, which may hold the user's text."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else "?"


def read_chat(body: bytes, trace: str, now_ns: int) -> Read:
    """POST /v1/chat/completions."""
    request = decode_chat(body)
    turn = chat_turn(request, body, trace, now_ns)
    return Read(turn, include_usage=bool(request.stream_options and request.stream_options.include_usage))


def read_completion(body: bytes, trace: str, now_ns: int) -> Read:
    """POST /v1/completions."""
    request = decode_completion(body)
    turn = completion_turn(request, body, trace, now_ns)
    return Read(turn, include_usage=bool(request.stream_options and request.stream_options.include_usage))


def read_embedding(body: bytes, trace: str, now_ns: int) -> Read:
    """POST /v1/embeddings."""
    request = decode_embedding(body)
    return Read(embedding_turn(request, body, trace, now_ns), base64_form=request.encoding_format == "base64")
