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
from zhongshu.core.problems import Fault, Refusal, Said, fault, problem
from zhongshu.pipeline.stages import Rooms

_encode = msgspec.json.Encoder().encode
_MOST_LISTED = 1000
_NO_SIZE = Said("give a whole number of at least 0", "应为不小于 0 的整数")
_NO_TOKEN = Said("use `nextPageToken` of the page before, or leave it out", "请使用上一页的 `nextPageToken`，或省略")


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
            try:
                page = _page(rows, scope["query_string"])
            except Fault as fault:
                return await refuse(scope, send, fault.problem)
            return await send_reply(send, 200, [JSON_TYPE], _encode(page))
        if name not in cards:
            return await refuse(scope, send, problem("model_not_found", param="model", model=name[:256]))
        await send_reply(send, 200, [JSON_TYPE], _encode(_row(name, cards[name])))


def _page(rows: list[dict[str, Any]], query: bytes) -> dict[str, Any]:
    """A page of the list: `pageSize` of them from `pageToken` on, which is a place. Raises Fault("invalid_value")."""
    asked = parse_qs(query)
    begin, size = _number(asked, "pageToken", _NO_TOKEN), _number(asked, "pageSize", _NO_SIZE)
    size = min(size, _MOST_LISTED) or _MOST_LISTED
    page: dict[str, Any] = {"models": rows[begin : begin + size]}
    return page | {"nextPageToken": str(begin + size)} if begin + size < len(rows) else page


def _number(asked: dict[bytes, list[bytes]], name: str, why: Said) -> int:
    """The number given, 0 where none is; Google too reads a size of 0 as none."""
    given = asked.get(name.encode(), [b"0"])[0]
    if not given.isdigit() or len(given) > 9:
        raise fault("invalid_value", param=name, field=name, why=why)
    return int(given)


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
