"""POST /v1/messages/count_tokens: what a prompt comes to, without answering it.

Who would answer is asked where it can count; else the count is our own estimate by size, and says so. Nothing is
generated, charged or recorded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from zhongshu.api.anthropic.asking import caller_of, refuse
from zhongshu.api.anthropic.request import messages_turn
from zhongshu.api.asgi import JSON_TYPE, Headers, Receive, Scope, Send, read_body, send_reply
from zhongshu.api.endpoint import Incoming
from zhongshu.core.access import Caller
from zhongshu.core.ids import trace_id
from zhongshu.core.ports import Call
from zhongshu.core.problems import Fault, Refusal, fault
from zhongshu.core.turns import Text, Turn
from zhongshu.pipeline.estimate import tokens_of
from zhongshu.pipeline.stages import Rooms

# Counts the prompt of a call as its model would; None when who answers it cannot say.
Count = Callable[[Call], Awaitable[int | None]]

AUTO = "auto"
_encode = msgspec.json.Encoder().encode
_PER_MESSAGE = 4
# A picture of a thousand pixels a side; what other files come to cannot be seen from outside.
_PER_FILE = 1400


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
            tokens = await self._counted(rooms, caller, turn)
        except Fault as broken:
            return await refuse(scope, send, broken.problem, trace)
        said = {
            "input_tokens": estimated(turn) if tokens is None else tokens,
            "zhongshu": {"estimated": tokens is None},
        }
        reply: Headers = [JSON_TYPE, (b"x-request-id", trace.encode())]
        await send_reply(send, 200, reply, _encode(said))

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


def estimated(turn: Turn) -> int:
    """The tokens of a prompt by its size: texts, calls, tools, and pictures at a flat rate."""
    total = sum([tokens_of(tool.name + tool.description + bytes(tool.parameters).decode()) for tool in turn.tools])
    for message in turn.messages:
        total += tokens_of(message.text()) + tokens_of(message.thought) + _PER_MESSAGE
        total += sum([tokens_of(call.name + call.arguments) for call in message.tool_calls])
        if not isinstance(message.content, str):
            total += _PER_FILE * sum([not isinstance(part, Text) for part in message.content])
    return total
