"""GET /v1beta/models and /v1/models: what this key may ask for, in Google's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec

from zhongshu.api.asgi import JSON_TYPE, Receive, Scope, Send, send_reply
from zhongshu.api.gemini.asking import caller_of, refuse
from zhongshu.api.listing import listed
from zhongshu.core.models import ModelCard
from zhongshu.core.problems import Refusal, problem
from zhongshu.pipeline.stages import Rooms

_encode = msgspec.json.Encoder().encode
_MOST_LISTED = 1000


class Models:
    """An ASGI callable for the list of models, and for one of them."""

    def __init__(self, rooms: Callable[[], Rooms]) -> None:
        self._rooms = rooms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rooms = self._rooms()
        caller = await caller_of(rooms, scope)
        if isinstance(caller, Refusal):
            return await refuse(scope, send, caller.problem)
        name = scope["path"].partition("/models")[2].strip("/")
        cards = listed(rooms, caller)
        if not name:
            rows = [_row(name, card) for name, card in cards.items()]
            return await send_reply(send, 200, [JSON_TYPE], _encode(_page(rows, scope["query_string"])))
        if name not in cards:
            return await refuse(scope, send, problem("model_not_found", param="model", model=name[:256]))
        await send_reply(send, 200, [JSON_TYPE], _encode(_row(name, cards[name])))


def _page(rows: list[dict[str, Any]], query: bytes) -> dict[str, Any]:
    """A page of the list: `pageSize` of them from `pageToken` on, which is a place."""
    asked = parse_qs(query)
    begin, size = _number(asked, b"pageToken", 0), _number(asked, b"pageSize", _MOST_LISTED) or _MOST_LISTED
    page: dict[str, Any] = {"models": rows[begin : begin + size]}
    return page | {"nextPageToken": str(begin + size)} if begin + size < len(rows) else page


def _number(asked: dict[bytes, list[bytes]], name: bytes, default: int) -> int:
    given = asked.get(name, [b""])[0]
    return int(given) if given.isdigit() and len(given) < 10 else default


def _row(name: str, card: ModelCard | None) -> dict[str, Any]:
    embeds = card is not None and "embedding" in card.abilities
    speaks = card is None or "chat" in card.abilities
    methods = ["generateContent", "streamGenerateContent", "countTokens"] if speaks else []
    row: dict[str, Any] = {
        "name": f"models/{name}",
        "version": "1",
        "displayName": name,
        "description": (card.note or "") if card else "",
        "supportedGenerationMethods": methods + (["embedContent", "batchEmbedContents"] if embeds else []),
        "thinking": card is not None and card.thinking != "never",
    }
    if card is not None and card.context:
        row["inputTokenLimit"] = row["outputTokenLimit"] = card.context
    return row
