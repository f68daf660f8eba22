"""countTokens: what a prompt comes to, without answering it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from zhongshu.api.asgi import JSON_TYPE, Receive, Scope, Send, read_body, send_reply
from zhongshu.api.counting import Count, counted
from zhongshu.api.endpoint import Incoming
from zhongshu.api.gemini.asking import caller_of, refuse
from zhongshu.api.gemini.request import counted_turn
from zhongshu.core.ids import trace_id
from zhongshu.core.problems import Fault, Refusal
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
            count = await counted(rooms, caller, turn, self._count)
        except Fault as broken:
            return await refuse(scope, send, broken.problem)
        said = {"totalTokens": count.tokens, "zhongshu": {"estimated": count.estimated}}
        await send_reply(send, 200, [JSON_TYPE], _encode(said))
