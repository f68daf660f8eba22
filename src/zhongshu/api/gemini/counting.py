"""countTokens: what a prompt comes to, without answering it.

Who would answer is asked where it can count; else the count is our own estimate by size, and says so. Nothing is
generated, charged or recorded.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from zhongshu.api.anthropic.counting import AUTO, Count, estimated
from zhongshu.api.asgi import JSON_TYPE, Receive, Scope, Send, read_body, send_reply
from zhongshu.api.endpoint import Incoming
from zhongshu.api.gemini.models import caller_of, refuse
from zhongshu.api.gemini.request import counted_turn
from zhongshu.core.access import Caller
from zhongshu.core.ids import trace_id
from zhongshu.core.ports import Call
from zhongshu.core.problems import Fault, Refusal, fault
from zhongshu.core.turns import Turn
from zhongshu.pipeline.stages import Rooms

_encode = msgspec.json.Encoder().encode


class CountTokens:
    """An ASGI callable. count: asks who would answer; without it everything is estimated."""

    def __init__(self, rooms: Callable[[], Rooms], count: Count | None, max_body_bytes: int) -> None:
        self._rooms = rooms
        self._count = count
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rooms = self._rooms()
        try:
            caller = await caller_of(rooms, scope)
            if isinstance(caller, Refusal):
                return await refuse(scope, send, caller.problem)
            headers: dict[bytes, bytes] = dict(scope["headers"])
            body = await read_body(receive, headers, self._max_body_bytes)
            now_ns = rooms.clock.now_ns()
            turn = counted_turn(Incoming(body, trace_id(), now_ns, scope["path"], scope["query_string"], headers))
            tokens = await self._counted(rooms, caller, turn)
        except Fault as broken:
            return await refuse(scope, send, broken.problem)
        said = {
            "totalTokens": estimated(turn) if tokens is None else tokens,
            "zhongshu": {"estimated": tokens is None},
        }
        await send_reply(send, 200, [JSON_TYPE], _encode(said))

    async def _counted(self, rooms: Rooms, caller: Caller, turn: Turn) -> int | None:
        """The count of who would answer; None where there is none to be had now."""
        offers = rooms.catalog.find(turn.model)
        if not offers or (caller.models and turn.model not in caller.models):
            raise fault("model_not_found", param="model", model=turn.model)
        if self._count is None or turn.model == AUTO:
            return None
        try:
            return await self._count(Call(turn, offers[0], turn.effort))
        except Fault as broken:
            if broken.problem.code in ("upstream_refused", "model_cannot"):
                raise
            return None
