"""POST /v1/messages/count_tokens: what a prompt comes to, without answering it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from zhongshu.api.anthropic.asking import caller_of, refuse
from zhongshu.api.anthropic.request import messages_turn
from zhongshu.api.asgi import JSON_TYPE, Headers, Receive, Scope, Send, read_body, send_reply
from zhongshu.api.counting import Count, counted
from zhongshu.api.endpoint import Incoming
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
        rooms, trace = self._rooms(), trace_id()
        try:
            caller = await caller_of(rooms, scope)
            if isinstance(caller, Refusal):
                return await refuse(scope, send, caller.problem, trace)
            headers: dict[bytes, bytes] = dict(scope["headers"])
            body = await read_body(receive, headers, self._max_body_bytes)
            now_ns = rooms.clock.now_ns()
            incoming = Incoming(body, trace, now_ns, scope["path"], scope["query_string"], headers)
            turn = messages_turn(incoming, counting=True)
            count = await counted(rooms, caller, turn, self._count)
        except Fault as broken:
            return await refuse(scope, send, broken.problem, trace)
        said = {"input_tokens": count.tokens, "zhongshu": {"estimated": count.estimated}}
        reply: Headers = [JSON_TYPE, (b"x-request-id", trace.encode())]
        await send_reply(send, 200, reply, _encode(said))
