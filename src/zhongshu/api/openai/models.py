"""GET /v1/models: what this key may ask for, each with its card in the `zhongshu` object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from zhongshu.api.asgi import JSON_TYPE, Receive, Scope, Send, header, send_reply
from zhongshu.api.openai.errors import send_problem
from zhongshu.core.access import Caller
from zhongshu.core.models import ModelCard
from zhongshu.core.problems import Refusal, problem
from zhongshu.pipeline.stages import Rooms

_encode = msgspec.json.Encoder(order="deterministic").encode
AUTO = "auto"


class Models:
    """An ASGI callable for /v1/models and /v1/models/{name}."""

    def __init__(self, rooms: Callable[[], Rooms], prefix: str = "/v1/models") -> None:
        self._rooms = rooms
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rooms = self._rooms()
        credential = header(scope, b"authorization")
        if credential[:7].lower() != b"bearer ":
            return await send_problem(scope, send, problem("missing_key"))
        caller = await rooms.gate.identify(credential[7:].strip())
        if isinstance(caller, Refusal):
            return await send_problem(scope, send, caller.problem)
        name = scope["path"][len(self._prefix) :].strip("/")
        listed = _listed(rooms, caller)
        if not name:
            return await send_reply(send, 200, [JSON_TYPE], _encode({"object": "list", "data": list(listed.values())}))
        if name not in listed:
            return await send_problem(scope, send, problem("model_not_found", param="model", model=name))
        await send_reply(send, 200, [JSON_TYPE], _encode(listed[name]))


def _listed(rooms: Rooms, caller: Caller) -> dict[str, Any]:
    rows = {card.name: _row(card.name, card) for card in rooms.catalog.cards()}
    if rooms.catalog.find(AUTO):
        rows = {AUTO: _row(AUTO, None), **rows}
    return {name: row for name, row in rows.items() if not caller.models or name in caller.models}


def _row(name: str, card: ModelCard | None) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "zhongshu",
        "zhongshu": {
            "card": msgspec.to_builtins(card, order="deterministic") if card else None,
            "routed": card is None,
        },
    }
