"""Turns that live apart from the connection that asked: each writes its tape until it ends, is cancelled, or nobody
came back for it in time. The same pipeline, limits and record as over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from zhongshu.api.endpoint import Load
from zhongshu.api.extra import extra_of
from zhongshu.api.openai.errors import error_body
from zhongshu.api.openai.reply import ChunkWriter
from zhongshu.api.ws.settings import WebSocketSettings
from zhongshu.api.ws.tape import Tape
from zhongshu.core.access import Caller
from zhongshu.core.problems import Fault, Problem, Refusal, problem
from zhongshu.pipeline.answer import Live, stream
from zhongshu.pipeline.stages import Arrived, Closing, Rooms

log = logging.getLogger("zhongshu.api")

_EVENT = b"data: "
_DONE = b"[DONE]"


class LiveTurn:
    """One turn. `trace` is its name for coming back to it."""

    def __init__(self, arrived: Arrived, tape: Tape, *, chinese: bool) -> None:
        self.trace = arrived.turn.trace
        self.arrived = arrived
        self.tape = tape
        self.chinese = chinese
        self.task: asyncio.Task[None] | None = None
        self.reader: asyncio.Task[None] | None = None
        self.forgetting: asyncio.TimerHandle | None = None

    def cancel(self, *why: str) -> None:
        """Stop it: the upstream's work is cancelled and the record says that the client left."""
        if self.task is not None and not self.task.done():
            self.task.cancel(*why)


class LiveTurns:
    """All of this worker's. `settings` gives those of now."""

    def __init__(self, rooms: Callable[[], Rooms], load: Load, settings: Callable[[], WebSocketSettings]) -> None:
        self._rooms = rooms
        self._load = load
        self._settings = settings
        self._turns: dict[str, LiveTurn] = {}

    @property
    def settings(self) -> WebSocketSettings:
        return self._settings()

    def begin(self, arrived: Arrived, *, chinese: bool) -> LiveTurn:
        """Begin a turn."""
        turn = LiveTurn(arrived, Tape(self._settings().buffer_bytes), chinese=chinese)
        self._turns[turn.trace] = turn
        self._load.in_flight += 1
        turn.task = asyncio.create_task(self._run(turn), name=f"turn {turn.trace}")
        return turn

    def find(self, caller: Caller, trace: str) -> LiveTurn | None:
        """A turn that this caller began."""
        turn = self._turns.get(trace)
        if turn is None or (turn.arrived.caller.tenant, turn.arrived.caller.key_id) != (caller.tenant, caller.key_id):
            return None
        return turn

    def attach(self, turn: LiveTurn, reader: asyncio.Task[None]) -> None:
        """Its pieces are read by `reader` from now on, and by nobody else."""
        if turn.reader is not None and turn.reader is not reader:
            turn.reader.cancel()
        turn.reader = reader
        if turn.forgetting is not None:
            turn.forgetting.cancel()
            turn.forgetting = None

    def detach(self, turn: LiveTurn, reader: asyncio.Task[None]) -> None:
        """`reader` is gone, or has read all: the turn is kept for a while, in case its client comes back."""
        if turn.reader is not reader:
            return
        turn.reader = None
        keep_s = 0.0 if self._load.closed else self._settings().resume_s
        turn.forgetting = asyncio.get_running_loop().call_later(keep_s, self._forget, turn)

    async def aclose(self) -> None:
        """End every turn: this server stops."""
        tasks = [turn.task for turn in self._turns.values() if turn.task is not None]
        for turn in list(self._turns.values()):
            turn.cancel("draining")
            if turn.forgetting is not None:
                turn.forgetting.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, turn: LiveTurn) -> None:
        turn.cancel()
        self._turns.pop(turn.trace, None)

    async def _run(self, turn: LiveTurn) -> None:
        tape = turn.tape
        try:
            await self._answer(turn)
        except Fault as fault:
            self._broken(turn, fault.problem)
        except asyncio.CancelledError as cancelled:
            if cancelled.args:
                self._broken(turn, problem("draining", retry_after_s=1.0))
            else:
                tape.put("cancelled")
        # The border: nothing of what broke, nor the user's text, may reach the client or the log.
        except Exception as error:  # noqa: BLE001
            log.error("internal_error trace=%s kind=%s", turn.trace, type(error).__name__)
            self._broken(turn, problem("internal_error"))
        finally:
            self._load.in_flight -= 1
            tape.end()

    async def _answer(self, turn: LiveTurn) -> None:
        rooms, arrived, tape = self._rooms(), turn.arrived, turn.tape
        tape.put("started", b'{"turn":"%b"}' % turn.trace.encode())
        live = await stream(rooms, arrived)
        if isinstance(live, Refusal):
            return self._broken(turn, live.problem)
        writer = ChunkWriter(arrived.turn, include_usage=True)
        async with contextlib.aclosing(live.batches()) as batches:
            async for batch in batches:
                data = _end(rooms, live, writer, batch) if isinstance(batch, Closing) else writer.write(batch)
                for chunk in _chunks(data):
                    await tape.add("delta", chunk)
        tape.put("done")

    def _broken(self, turn: LiveTurn, what: Problem) -> None:
        turn.tape.put("error", error_body(what, chinese=turn.chinese, trace=turn.trace))


def _end(rooms: Rooms, live: Live, writer: ChunkWriter, closing: Closing) -> bytes:
    arrived = live.routed.admitted.arrived
    took_ms = (rooms.clock.steady_ns() - arrived.started_ns) / 1e6
    overhead_ms = round(took_ms - closing.upstream_us / 1000, 3)
    extra = extra_of(live.routed, closing.label, closing.usage, closing.cost_nano, overhead_ms, closing.hit)
    return writer.close(closing.usage, extra)


def _chunks(data: bytes) -> list[bytes]:
    """The JSON of each server-sent event; the end mark has none."""
    found = [event.removeprefix(_EVENT) for event in data.split(b"\n\n") if event]
    return [chunk for chunk in found if chunk != _DONE]
