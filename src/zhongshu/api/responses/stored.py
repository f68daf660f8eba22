"""Stored responses as HTTP resources: read, delete, cancel, list what went in, stream again.

GET    /v1/responses/{id}                   ?stream=true&starting_after=N of one asked for with background and stream
DELETE /v1/responses/{id}
POST   /v1/responses/{id}/cancel            of one asked for with background
GET    /v1/responses/{id}/input_items       everything the model was given, the conversation before it included
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.api.asgi import App, Receive, Scope, Send, leaving
from zhongshu.api.not_served import not_served
from zhongshu.api.openai.errors import send_problem
from zhongshu.api.openai.resource import Resource, Visit, limit_of
from zhongshu.api.responses import thoughtless
from zhongshu.api.responses.background import Background, behind, send_events
from zhongshu.api.responses.frame import error_of
from zhongshu.api.responses.items import ids_of
from zhongshu.api.responses.memory import items_of
from zhongshu.core.problems import Fault, Said, fault
from zhongshu.pipeline.hiding import hidden_from
from zhongshu.pipeline.stages import Rooms
from zhongshu.sessions.kept import Kept
from zhongshu.sessions.sessions import Sessions

PREFIX = "/v1/responses/"
_LOOK_S = 0.25
_MOST_ITEMS = 100
_USUAL_ITEMS = 20
_NOT_HERE = (f"{PREFIX}compact", f"{PREFIX}input_tokens")
_UNDER_WAY = {"queued": "queued", "running": "in_progress"}

_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_items = msgspec.json.Decoder(list[Raw]).decode


def stored_responses(sessions: Sessions | None, rooms: Callable[[], Rooms], background: Background) -> App:
    """The application under PREFIX."""
    stored = _Stored(sessions, rooms, background)
    resource = Resource(
        PREFIX,
        rooms,
        {
            ("GET", "*"): stored.read,
            ("DELETE", "*"): stored.delete,
            ("POST", "*/cancel"): stored.cancel,
            ("GET", "*/input_items"): stored.input_items,
        },
    )

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        """What stands where an id does may be an endpoint of the protocol that is not here."""
        if scope["method"] == "POST" and scope["path"] in _NOT_HERE:
            return await send_problem(scope, send, not_served(scope["path"], scope["path"]))
        await resource(scope, receive, send)

    return door


class _Stored:
    def __init__(self, sessions: Sessions | None, rooms: Callable[[], Rooms], background: Background) -> None:
        self._sessions = sessions
        self._rooms = rooms
        self._background = background

    async def read(self, visit: Visit) -> None:
        kept = await self._find(visit)
        query = visit.query()
        if query.get("stream", "").lower() not in ("true", "1"):
            return await visit.reply(self._shown(visit, kept))
        with leaving(visit.scope, visit.receive):
            again = await self._again(kept, _after(query))
            await send_events(visit.send, thoughtless.events_of(again) if self._hides(visit) else again)

    async def delete(self, visit: Visit) -> None:
        sessions, name = self._open(visit), visit.rest[0]
        if not await sessions.delete(visit.caller.tenant, name):
            raise fault("response_not_found", id=name)
        await self._background.cancel(name)
        await visit.reply({"id": name, "object": "response", "deleted": True})

    async def cancel(self, visit: Visit) -> None:
        kept = await self._find(visit)
        if bytes(_fields(kept.answered).get("background", b"false")) != b"true":
            raise fault("response_not_background", id=kept.id)
        if kept.state in _UNDER_WAY:
            await self._open(visit).cancel(kept.id)
            await self._background.cancel(kept.id)
            kept = await self._find(visit)
        await visit.reply(self._shown(visit, kept))

    async def input_items(self, visit: Visit) -> None:
        kept, query = await self._find(visit), visit.query()
        limit = limit_of(query, _USUAL_ITEMS, _MOST_ITEMS)
        order = query.get("order", "desc")
        if order not in ("asc", "desc"):
            why = Said('it must be one of "asc", "desc"', '须为以下之一："asc"、"desc"')
            raise fault("invalid_value", param="order", field="order", why=why)
        rows = await self._given(self._open(visit), kept)
        if self._hides(visit):
            rows = thoughtless.items_of(rows)
        rows = rows if order == "asc" else rows[::-1]
        if "after" in query:
            rows = _behind(rows, query["after"])
        page = rows[:limit]
        ids = ids_of(page)
        ends = {"first_id": ids[0] if ids else None, "last_id": ids[-1] if ids else None}
        await visit.reply({"object": "list", "data": page, **ends, "has_more": len(rows) > limit})

    def _hides(self, visit: Visit) -> bool:
        return hidden_from(self._rooms(), visit.caller)

    def _shown(self, visit: Visit, kept: Kept) -> dict[str, Any]:
        return thoughtless.response_of(shown(kept)) if self._hides(visit) else shown(kept)

    async def _given(self, sessions: Sessions, kept: Kept) -> list[Raw]:
        """The conversation before a response, as far as it is still there, and its own input."""
        own = _items(kept.asked)
        if kept.previous is None:
            return own
        chain = await sessions.chain(kept.tenant, kept.previous) or []
        before: list[Raw] = []
        for earlier in chain:
            try:
                before += items_of(earlier)
            except Fault:
                before = []
        return [*before, *own]

    async def _again(self, kept: Kept, after: int) -> AsyncIterator[bytes]:
        """A stream behind event number `after`: of this process's own run, else as it was or is being written down."""
        run = self._background.find(kept.id)
        if run is not None:
            return run.events(after)
        assert self._sessions is not None
        if kept.state not in _UNDER_WAY and not await self._sessions.pieces(kept.tenant, kept.id, -1):
            why = Said(
                "only a response asked for with `background` and `stream` can be streamed again",
                "只有以 `background` 和 `stream` 请求的响应才能再次流式读取",
            )
            raise fault("invalid_value", param="stream", field="stream", why=why)
        return self._written(self._sessions, kept, after)

    async def _written(self, sessions: Sessions, kept: Kept, after: int) -> AsyncIterator[bytes]:
        while True:
            found = await sessions.find(kept.tenant, kept.id)
            for piece in await sessions.pieces(kept.tenant, kept.id, after):
                yield behind(piece, after)
                after = piece.last
            if found is None or found.state not in _UNDER_WAY:
                if found is not None and found.state == "lost":
                    yield _lost(found, after + 1)
                return
            await asyncio.sleep(_LOOK_S)

    async def _find(self, visit: Visit) -> Kept:
        found = await self._open(visit).find(visit.caller.tenant, visit.rest[0])
        if found is None:
            raise fault("response_not_found", id=visit.rest[0])
        return found

    def _open(self, visit: Visit) -> Sessions:
        if self._sessions is None:
            raise fault("response_not_found", id=visit.rest[0])
        return self._sessions


def shown(kept: Kept) -> dict[str, Any]:
    """A kept response as it is now. One whose process is gone has failed."""
    fields: dict[str, Any] = dict(_fields(kept.answered))
    if kept.state in _UNDER_WAY:
        fields["status"] = _UNDER_WAY[kept.state]
    elif kept.state == "cancelled":
        fields["status"] = "cancelled"
    elif kept.state == "lost":
        fields["status"] = "failed"
        fields["error"] = error_of("server_error", "The server stopped while it was at work on this. Send it again.")
    return fields


def _lost(kept: Kept, number: int) -> bytes:
    event = {"type": "response.failed", "sequence_number": number, "response": shown(kept)}
    return b"event: response.failed\ndata: %b\n\n" % _encode(event)


def _after(query: dict[str, str]) -> int:
    given = query.get("starting_after", "-1")
    if given != "-1" and not (given.isascii() and given.isdecimal() and len(given) < 18):
        why = Said("give the number of an event", "应为事件编号")
        raise fault("invalid_value", param="starting_after", field="starting_after", why=why)
    return int(given)


def _behind(rows: list[Raw], name: str) -> list[Raw]:
    for place, row in enumerate(rows):
        if name in ids_of([row]):
            return rows[place + 1 :]
    raise fault("invalid_value", param="after", field="after", why=Said("no item has this id", "没有这个编号的条目"))
