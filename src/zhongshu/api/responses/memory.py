"""What stands around a turn of this protocol: the conversation it goes on from is recalled before it, and the response
is remembered before its reply ends.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Raw

from zhongshu.api.asgi import Scope, Send
from zhongshu.api.endpoint import Asked
from zhongshu.api.responses.background import Background
from zhongshu.api.responses.dialect import ResponsesAsked
from zhongshu.api.responses.frame import response_id
from zhongshu.api.responses.items import ids_of
from zhongshu.api.responses.request import Read, with_history
from zhongshu.core.access import Caller
from zhongshu.core.problems import Fault, Said, fault, problem
from zhongshu.pipeline.stages import Arrived, Rooms
from zhongshu.sessions.kept import Kept
from zhongshu.sessions.sessions import Sessions

_encode = msgspec.json.Encoder().encode
_items = msgspec.json.Decoder(list[Raw]).decode


class _Answered(msgspec.Struct):
    """What is read of a kept response."""

    status: str = "completed"
    output: list[Raw] = []


_answered = msgspec.json.Decoder(_Answered).decode


class Memory:
    """Implements endpoint.Memory."""

    def __init__(self, sessions: Sessions | None, rooms: Callable[[], Rooms], background: Background) -> None:
        self._sessions = sessions
        self._rooms = rooms
        self._background = background

    async def recall(self, asked: Asked, caller: Caller) -> Asked:
        """The request behind the conversation it goes on from. Raises the Fault of what is not there."""
        assert isinstance(asked, ResponsesAsked)
        read = asked.read
        if read.request.previous_response_id is not None or read.open:
            asked.read = await self._with_history(read, caller.tenant)
        return asked

    async def takes(self, asked: Asked, arrived: Arrived, scope: Scope, send: Send) -> bool:
        """Whether the turn goes on in the background; its client has been answered then."""
        assert isinstance(asked, ResponsesAsked)
        if not asked.read.request.background:
            return False
        if self._sessions is None or not self._sessions.keeps:
            raise fault("sessions_off", param="background", field="background")
        if not self._rooms().catalog.find(asked.turn.model):
            raise fault("model_not_found", param="model", model=asked.turn.model)
        await self._background.begin(asked, arrived, scope, send)
        return True

    async def keep(self, asked: Asked, caller: Caller) -> None:
        """Remember the response that has been written, if it is to be."""
        assert isinstance(asked, ResponsesAsked)
        if self._sessions is not None and asked.stored and asked.response is not None:
            await self._sessions.keep(kept_of(asked, caller.tenant))

    async def _with_history(self, read: Read, tenant: str) -> Read:
        previous = read.request.previous_response_id
        if self._sessions is None or not self._sessions.keeps:
            field = "previous_response_id" if previous is not None else "input"
            raise fault("sessions_off", param=field, field=field)
        history = await self._history(self._sessions, tenant, previous) if previous is not None else []
        own = list(read.items)
        if read.open:
            known = await self._known(self._sessions, tenant, read.open, history)
            for place, name in read.open.items():
                if name not in known:
                    why = Said("no item of that name is stored", "没有保存这个编号的条目")
                    field = f"input[{place}].id"
                    raise fault("invalid_value", param=field, field=field, why=why)
                own[place] = known[name]
        return with_history(read, history, tuple(own))

    async def _history(self, sessions: Sessions, tenant: str, previous: str) -> list[Raw]:
        chain = await sessions.chain(tenant, previous)
        if chain is None:
            raise fault("previous_response_not_found", param="previous_response_id", id=previous)
        return [item for kept in chain for item in items_of(kept)]

    async def _known(
        self, sessions: Sessions, tenant: str, refers: dict[int, str], history: list[Raw]
    ) -> dict[str, Raw]:
        """Items by name: of the conversation, else of whichever response of the tenant holds them."""
        known = _by_name(history)
        missing = [name for name in refers.values() if name not in known]
        if missing:
            for kept in await sessions.with_items(tenant, missing):
                known = _by_name(items_of(kept)) | known
        return known


def kept_of(asked: ResponsesAsked, tenant: str) -> Kept:
    """The response as the sessions room remembers it."""
    assert asked.response is not None
    turn = asked.turn
    output = asked.response.get("output", [])
    answered = _encode(asked.response)
    return Kept(
        id=response_id(turn.trace),
        tenant=tenant,
        created_ns=turn.arrived_ns,
        previous=asked.read.request.previous_response_id,
        asked=_encode(asked.read.items),
        answered=answered,
        items=ids_of([*asked.read.items, *(_answered(answered).output if output else ())]),
    )


def items_of(kept: Kept) -> list[Raw]:
    """What a kept turn adds to a conversation: its own input, then its output. Raises the Fault of one that holds no
    answer to go on from."""
    if kept.state != "done":
        raise _not_usable(kept.id, {"queued": "it is not finished", "running": "it is not finished"}.get(kept.state))
    answered = _answered(kept.answered)
    if answered.status == "failed":
        raise _not_usable(kept.id, None)
    return [*_items(kept.asked), *answered.output]


def _not_usable(name: str, unfinished: str | None) -> Fault:
    why = (
        Said(f"response {name} is not finished; wait for it", f"响应 {name} 尚未完成，请等待")
        if unfinished
        else Said(f"response {name} holds no answer to go on from", f"响应 {name} 没有可接续的回答")
    )
    found = problem("invalid_value", param="previous_response_id", field="previous_response_id", why=why)
    return Fault(found)


def _by_name(items: list[Raw]) -> dict[str, Raw]:
    named: dict[str, Raw] = {}
    for item in items:
        for name in ids_of([item]):
            named[name] = item
    return named
