"""What a prompt comes to, without answering it, for the protocols that have an address for that.

Who would answer is asked where it can count; else the count is our own estimate by size, and says so. Nothing is
generated, charged or recorded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from zhongshu.core.access import Caller
from zhongshu.core.models import AUTO
from zhongshu.core.ports import Call
from zhongshu.core.problems import Fault, fault
from zhongshu.core.turns import Text, Turn
from zhongshu.pipeline.estimate import tokens_of
from zhongshu.pipeline.stages import Rooms

# Counts the prompt of a call as its model would; None when who answers it cannot say.
Count = Callable[[Call], Awaitable[int | None]]

_PER_MESSAGE = 4
# A picture of a thousand pixels a side; what other files come to cannot be seen from outside.
_PER_FILE = 1400


class Counted(NamedTuple):
    """The tokens of a prompt; estimated: by its size."""

    tokens: int
    estimated: bool


async def counted(rooms: Rooms, caller: Caller, turn: Turn, count: Count | None) -> Counted:
    """The count of who would answer, or an estimate where there is none to be had now. count: asks who would answer;
    without it everything is estimated."""
    offers = rooms.catalog.find(turn.model)
    if not offers or (caller.models and turn.model not in caller.models):
        raise fault("model_not_found", param="model", model=turn.model)
    tokens = None
    if count is not None and turn.model != AUTO:
        try:
            tokens = await count(Call(turn, offers[0], turn.effort))
        except Fault as broken:
            if broken.problem.code in ("upstream_refused", "model_cannot"):
                raise
    return Counted(estimated(turn), True) if tokens is None else Counted(tokens, False)


def estimated(turn: Turn) -> int:
    """The tokens of a prompt by its size: texts, calls, tools, and pictures at a flat rate."""
    total = sum([tokens_of(tool.name + tool.description + bytes(tool.parameters).decode()) for tool in turn.tools])
    for message in turn.messages:
        total += tokens_of(message.text()) + tokens_of(message.thought) + _PER_MESSAGE
        total += sum([tokens_of(call.name + call.arguments) for call in message.tool_calls])
        if not isinstance(message.content, str):
            total += _PER_FILE * sum([not isinstance(part, Text) for part in message.content])
    return total
