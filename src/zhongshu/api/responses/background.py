"""Responses that go on without their client: begun, run to their end, cancelled from any worker, streamed again.

A run's events are held here while it lasts, for readers in this process, and written down a few times a second, for
those in others and for later. Its state is the sessions room's: whoever asks for it while this process is gone finds it
lost, and never half.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from zhongshu.api.asgi import JSON_TYPE, Scope, Send, send_reply
from zhongshu.api.endpoint import EVENT_STREAM, Load
from zhongshu.api.errors import prefers_chinese
from zhongshu.api.extra import extra_of
from zhongshu.api.openai.errors import error_body
from zhongshu.api.responses.dialect import ResponsesAsked, Writing
from zhongshu.api.responses.frame import response_id
from zhongshu.api.responses.items import ids_of
from zhongshu.core.problems import Fault, Problem, Refusal, problem
from zhongshu.pipeline.answer import Live, stream
from zhongshu.pipeline.stages import Arrived, Closing, Rooms
from zhongshu.sessions.kept import Kept, Pieces
from zhongshu.sessions.sessions import Sessions

_encode = msgspec.json.Encoder().encode
_WRITE_S = 0.3
_LOOK_S = 0.5

log = logging.getLogger("zhongshu.api")


class Run:
    """One response at work in this process. `pieces`: its stream so far."""

    def __init__(self, asked: ResponsesAsked, arrived: Arrived, *, chinese: bool) -> None:
        self.id = response_id(asked.turn.trace)
        self.asked = asked
        self.arrived = arrived
        self.chinese = chinese
        self.pieces: list[Pieces] = []
        self.written = 0
        self.over = False
        self.more = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    def add(self, data: bytes, number: int) -> None:
        """More of the stream: `number` events have been written in all."""
        if data:
            first = self.pieces[-1].last + 1 if self.pieces else 0
            self.pieces.append(Pieces(first, number - 1, data))
            self._tell()

    def end(self) -> None:
        """Nothing more will come."""
        self.over = True
        self._tell()

    async def events(self, after: int) -> AsyncIterator[bytes]:
        """The stream behind event number `after`, to its end."""
        place = 0
        while True:
            more = self.more
            while place < len(self.pieces):
                piece = self.pieces[place]
                place += 1
                if piece.last > after:
                    yield behind(piece, after)
            if self.over:
                return
            await more.wait()

    def _tell(self) -> None:
        self.more.set()
        self.more = asyncio.Event()


def behind(piece: Pieces, after: int) -> bytes:
    """The events of a piece that follow number `after`."""
    if piece.first > after:
        return piece.data
    events = piece.data.split(b"\n\n")
    return b"\n\n".join(events[after - piece.first + 1 :])


class Background:
    """The runs of this process. They count as turns in flight, so that a server that stops waits for them."""

    def __init__(self, sessions: Sessions | None, rooms: Callable[[], Rooms], load: Load) -> None:
        self._sessions = sessions
        self._rooms = rooms
        self._load = load
        self._runs: dict[str, Run] = {}

    def find(self, id: str) -> Run | None:
        """The run of that response, if it is at work here."""
        return self._runs.get(id)

    async def begin(self, asked: ResponsesAsked, arrived: Arrived, scope: Scope, send: Send) -> None:
        """Write the response down, start it, and answer: with the queued object, or with its stream."""
        assert self._sessions is not None
        run = Run(asked, arrived, chinese=prefers_chinese(scope))
        queued = asked.base() | {"status": "queued"}
        body = _encode(queued)
        await self._sessions.begin(_kept(run, body, "queued"))
        self._runs[run.id] = run
        self._load.in_flight += 1
        run.task = asyncio.create_task(self._work(run), name=run.id)
        trace = asked.turn.trace.encode()
        headers = [(b"x-request-id", trace), (b"x-zhongshu-trace", trace)]
        if not asked.turn.stream:
            return await send_reply(send, 200, [JSON_TYPE, *headers], body)
        await send_events(send, run.events(-1), headers)

    async def cancel(self, id: str) -> None:
        """Stop a run of this process, if it is one. Its state must say so already."""
        run = self._runs.get(id)
        if run is not None and run.task is not None:
            run.task.cancel()

    async def aclose(self) -> None:
        """Stop every run; each is told to have failed because the server stops."""
        tasks = [run.task for run in self._runs.values() if run.task is not None]
        for task in tasks:
            task.cancel("the server stops")
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, run: Run) -> None:
        watching = asyncio.create_task(self._watch(run))
        writing = Writing(run.asked, self._rooms().clock)
        try:
            await self._answer(run, writing)
        except Fault as broken:
            self._failed(run, writing, broken.problem)
        except asyncio.CancelledError as cancelled:
            if cancelled.args:
                self._failed(run, writing, problem("draining"))
        # The border: nobody awaits this task, and nothing of the user's may reach the log.
        except Exception as error:  # noqa: BLE001
            log.error("internal_error trace=%s kind=%s", run.asked.turn.trace, type(error).__name__)
            self._failed(run, writing, problem("internal_error"))
        finally:
            watching.cancel()
            await self._end(run)

    async def _answer(self, run: Run, writing: Writing) -> None:
        assert self._sessions is not None
        rooms, arrived = self._rooms(), run.arrived
        if not await self._sessions.run(run.id):
            return
        live = await stream(rooms, arrived)
        if isinstance(live, Refusal):
            return self._failed(run, writing, live.problem)
        async with contextlib.aclosing(live.batches()) as batches:
            async for batch in batches:
                if isinstance(batch, Closing):
                    run.add(_closed(rooms, run, live, batch, writing), writing.number)
                else:
                    run.add(writing.write(batch), writing.number)

    def _failed(self, run: Run, writing: Writing, found: Problem) -> None:
        trace = run.asked.turn.trace
        run.add(writing.broken(error_body(found, chinese=run.chinese, trace=trace)), writing.number)

    async def _end(self, run: Run) -> None:
        """Everything is written down before the run is over for anybody."""
        assert self._sessions is not None
        try:
            with contextlib.suppress(Fault):
                await self._write_down(run)
                if run.asked.response is not None:
                    await self._sessions.finish(_kept(run, _encode(run.asked.response), "done"))
        finally:
            run.end()
            self._runs.pop(run.id, None)
            self._load.in_flight -= 1

    async def _watch(self, run: Run) -> None:
        """Write events down as they come, and stop when another worker has cancelled the response."""
        assert self._sessions is not None
        waited_s = 0.0
        while True:
            await asyncio.sleep(_WRITE_S)
            waited_s += _WRITE_S
            with contextlib.suppress(Fault):
                await self._write_down(run)
                if waited_s >= _LOOK_S:
                    waited_s = 0.0
                    if not await self._sessions.wanted(run.id) and run.task is not None:
                        run.task.cancel()
                        return

    async def _write_down(self, run: Run) -> None:
        fresh = run.pieces[run.written :]
        if not fresh or not run.asked.turn.stream:
            return
        assert self._sessions is not None
        run.written += len(fresh)
        joined = Pieces(fresh[0].first, fresh[-1].last, b"".join([piece.data for piece in fresh]))
        await self._sessions.add_pieces(run.arrived.caller.tenant, run.id, joined)


def _closed(rooms: Rooms, run: Run, live: Live, closing: Closing, writing: Writing) -> bytes:
    took_ms = (rooms.clock.steady_ns() - run.arrived.started_ns) / 1e6
    overhead_ms = round(took_ms - closing.upstream_us / 1000, 3)
    extra = extra_of(live.routed, closing.label, closing.usage, closing.cost_nano, overhead_ms, closing.hit)
    return writing.close(closing.usage, extra)


def _kept(run: Run, answered: bytes, state: Any) -> Kept:
    read, turn = run.asked.read, run.asked.turn
    output: Any = run.asked.response.get("output") if run.asked.response else None
    made = msgspec.json.decode(_encode(output), type=list[msgspec.Raw]) if output else []
    return Kept(
        id=run.id,
        tenant=run.arrived.caller.tenant,
        created_ns=turn.arrived_ns,
        state=state,
        previous=read.request.previous_response_id,
        asked=_encode(read.items),
        answered=answered,
        items=ids_of([*read.items, *made]),
    )


async def send_events(
    send: Send, events: AsyncIterator[bytes], headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    """An event stream as a reply."""
    await send({"type": "http.response.start", "status": 200, "headers": [EVENT_STREAM, *(headers or [])]})
    async for chunk in events:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
