"""GET /v1/models: what this key may ask for, each with its card in the `zhongshu` object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from zhongshu.api.asgi import JSON_TYPE, Receive, Scope, Send, header, send_reply
from zhongshu.api.listing import listed
from zhongshu.api.openai.errors import send_problem
from zhongshu.core.models import ModelCard
from zhongshu.core.problems import Refusal, problem
from zhongshu.pipeline.stages import Rooms

_encode = msgspec.json.Encoder(order="deterministic").encode


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
        cards = listed(rooms, caller)
        if not name:
            rows = [_row(name, card) for name, card in cards.items()]
            return await send_reply(send, 200, [JSON_TYPE], _encode({"object": "list", "data": rows}))
        if name not in cards:
            return await send_problem(scope, send, problem("model_not_found", param="model", model=name))
        await send_reply(send, 200, [JSON_TYPE], _encode(_row(name, cards[name])))


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
