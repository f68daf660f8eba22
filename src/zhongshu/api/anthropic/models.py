"""GET /v1/models for a client of this protocol, known by its `anthropic-version` header: what this key may ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec

from zhongshu.api.anthropic.asking import caller_of, refuse
from zhongshu.api.asgi import JSON_TYPE, App, Receive, Scope, Send, header, send_reply
from zhongshu.api.listing import listed
from zhongshu.core.models import ModelCard
from zhongshu.core.problems import Refusal, problem
from zhongshu.pipeline.stages import Rooms

_encode = msgspec.json.Encoder().encode
_PAGE, _MOST = 20, 1000
# Anthropic gives the epoch where a model's date is not known.
_UNKNOWN_DATE = "1970-01-01T00:00:00Z"


class AnthropicModels:
    """An ASGI callable for /v1/models and below, which other protocols share: `others` answers their clients."""

    def __init__(self, rooms: Callable[[], Rooms], others: App) -> None:
        self._rooms = rooms
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD") or not header(scope, b"anthropic-version"):
            return await self._others(scope, receive, send)
        rooms = self._rooms()
        caller = await caller_of(rooms, scope)
        if isinstance(caller, Refusal):
            return await refuse(scope, send, caller.problem)
        cards = listed(rooms, caller)
        rows = [_row(name, card) for name, card in cards.items() if card is None or "chat" in card.abilities]
        name = scope["path"].partition("/models")[2].strip("/")
        if not name:
            return await send_reply(send, 200, [JSON_TYPE], _encode(_page(rows, scope["query_string"])))
        row = next((row for row in rows if row["id"] == name), None)
        if row is None:
            return await refuse(scope, send, problem("model_not_found", param="model", model=name[:256]))
        await send_reply(send, 200, [JSON_TYPE], _encode(row))


def _row(name: str, card: ModelCard | None) -> dict[str, Any]:
    context = card.context if card else None
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": _UNKNOWN_DATE,
        "lifecycle": "active",
        "max_input_tokens": context,
        "max_tokens": context,
    }


def _page(rows: list[dict[str, Any]], query: bytes) -> dict[str, Any]:
    """`limit` rows after the one named `after_id`, or before the one named `before_id`."""
    asked = parse_qs(query.decode("latin-1"))
    limit = asked.get("limit", [""])[0]
    size = min(max(int(limit), 1), _MOST) if limit.isdigit() and len(limit) < 10 else _PAGE
    places = {row["id"]: place for place, row in enumerate(rows)}
    after, before = asked.get("after_id", [""])[0], asked.get("before_id", [""])[0]
    if before in places:
        end = places[before]
        begin = max(end - size, 0)
        return _shown(rows[begin:end], has_more=begin > 0)
    begin = places[after] + 1 if after in places else 0
    return _shown(rows[begin : begin + size], has_more=begin + size < len(rows))


def _shown(rows: list[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    first, last = (rows[0]["id"], rows[-1]["id"]) if rows else (None, None)
    return {"data": rows, "has_more": has_more, "first_id": first, "last_id": last}
