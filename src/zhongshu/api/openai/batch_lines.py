"""One request of a batch through the pipeline: the same dialects, limits and record as for a client that waits, at low
priority. Every failure becomes the reply that a client would have got."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from zhongshu.api.endpoint import Asked, Dialect, Files, Incoming, Memory
from zhongshu.api.extra import extra_of
from zhongshu.api.openai.filing import NAMED
from zhongshu.batches.values import Reply
from zhongshu.core.access import Caller
from zhongshu.core.ids import trace_id
from zhongshu.core.problems import Fault, Problem, Refusal, Said, fault, problem
from zhongshu.pipeline.answer import answer
from zhongshu.pipeline.stages import Arrived, Labelled, Rooms

_ROOM = (429, 503)
_PASSING = (408, 500, 502, 504)
_USUAL_WAIT_S = 2.0
_NEVER = frozenset({"upstream_unpaid", "upstream_auth", "model_not_installed"})

log = logging.getLogger("zhongshu.batches")


class Way(NamedTuple):
    """How one endpoint is asked. memory: of a protocol that remembers turns."""

    dialect: Dialect
    memory: Memory | None = None


class BatchLines:
    """What the batches room asks by. ways: the endpoints that batches may be of."""

    def __init__(self, rooms: Callable[[], Rooms], ways: Mapping[str, Way], files: Files) -> None:
        self._rooms = rooms
        self._files = files
        self._ways = ways

    @property
    def endpoints(self) -> tuple[str, ...]:
        return tuple(self._ways)

    async def ask(self, endpoint: str, key_id: str, body: bytes, batch: str) -> Reply:
        """Ask as this key. Never raises, but when cancelled."""
        rooms, trace = self._rooms(), trace_id()
        dialect, memory = self._ways[endpoint]
        started_ns = rooms.clock.steady_ns()
        try:
            caller = await rooms.gate.known(key_id)
            if isinstance(caller, Refusal):
                return _failed(dialect, caller.problem, trace)
            asked = dialect.read(Incoming(body, trace, rooms.clock.now_ns(), endpoint, b"", {}))
            if NAMED in body:
                asked = await self._files.filled(asked, caller)
            if memory is not None:
                asked = await memory.recall(asked, caller)
            arrived = _arrived(asked, caller, started_ns, body, batch)
            done = await answer(rooms, arrived)
            if isinstance(done, Refusal):
                return _failed(dialect, done.problem, trace)
            reply = _whole(rooms, arrived, asked, done)
            if memory is not None:
                await memory.keep(asked, caller)
            return Reply(200, reply, trace)
        except Fault as broken:
            return _failed(dialect, broken.problem, trace)
        except asyncio.CancelledError:
            raise
        # The border of a request that no connection waits for: nothing of what broke may reach the log or the file.
        except Exception as error:  # noqa: BLE001
            log.error("internal_error trace=%s kind=%s", trace, type(error).__name__)
            return _failed(dialect, problem("internal_error"), trace)


def _arrived(asked: Asked, caller: Caller, started_ns: int, body: bytes, batch: str) -> Arrived:
    turn = asked.turn
    if turn.stream:
        why = Said("a batch has nobody to stream to; leave it out", "批处理无法流式返回，请去掉该字段")
        raise fault("invalid_value", param="stream", field="stream", why=why)
    if turn.wire is not None and bytes(turn.wire.fields.get("background", b"")) == b"true":
        why = Said("a batch is in the background already; leave it out", "批处理本身就在后台，请去掉该字段")
        raise fault("invalid_value", param="background", field="background", why=why)
    wishes = msgspec.structs.replace(turn.wishes, priority="low")
    return Arrived(
        msgspec.structs.replace(turn, wishes=wishes), caller, started_ns, body, "", f"zhongshu batch {batch}"
    )


def _whole(rooms: Rooms, arrived: Arrived, asked: Asked, done: Labelled) -> bytes:
    answered = done.answered
    took_ms = (rooms.clock.steady_ns() - arrived.started_ns) / 1e6
    overhead_ms = round(took_ms - done.upstream_us / 1000, 3)
    extra = extra_of(answered.routed, done.label, answered.usage, answered.cost_nano, overhead_ms, answered.hit)
    return asked.whole(answered.answer, answered.usage, extra)


def _failed(dialect: Dialect, problem: Problem, trace: str) -> Reply:
    """An error's reply, and whether asking again later may help: over a limit or out of room it will, once there is
    room again; of a budget that no period renews it will not."""
    body = dialect.error(problem, chinese=False, trace=trace)
    if problem.status in _ROOM and problem.code not in _NEVER:
        wait_s = problem.retry_after_s
        if wait_s is None and problem.code != "insufficient_quota":
            wait_s = _USUAL_WAIT_S
        return Reply(problem.status, body, trace, wait_s=wait_s)
    return Reply(problem.status, body, trace, again=problem.status in _PASSING and problem.code not in _NEVER)
