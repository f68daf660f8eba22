"""Everything below /v1beta/models: which method of which model is asked for, as the end of the path says.

GET  /v1beta/models, /v1beta/models/NAME
POST /v1beta/models/NAME:generateContent, :streamGenerateContent, :countTokens, :embedContent, :batchEmbedContents
"""

from __future__ import annotations

from collections.abc import Callable

from zhongshu.api.asgi import App, Receive, Scope, Send, header
from zhongshu.api.counting import Count
from zhongshu.api.endpoint import Bounds, Endpoint, Load
from zhongshu.api.gemini.asking import refuse
from zhongshu.api.gemini.counting import CountTokens
from zhongshu.api.gemini.dialect import Embed, Generate
from zhongshu.api.gemini.models import Models
from zhongshu.api.not_served import INSTEAD, not_served
from zhongshu.api.openai.errors import send_problem
from zhongshu.core.problems import problem
from zhongshu.pipeline.stages import Rooms


class GeminiDoor:
    """An ASGI callable for the whole protocol. count: counts a prompt's tokens where its model lives."""

    def __init__(self, rooms: Callable[[], Rooms], bounds: Bounds, load: Load, count: Count | None = None) -> None:
        generate = Endpoint(Generate(), rooms, bounds, load)
        embed = Endpoint(Embed(), rooms, bounds, load)
        self._models = Models(rooms)
        self._methods: dict[str, App] = {
            "generateContent": generate,
            "streamGenerateContent": generate,
            "countTokens": CountTokens(rooms, count, bounds.max_body_bytes),
            "embedContent": embed,
            "batchEmbedContents": embed,
        }

    def is_asked(self, scope: Scope) -> bool:
        """Whether a request below /v1/models is Google's."""
        if scope["method"] in ("GET", "HEAD"):
            return header(scope, b"x-goog-api-key") != b""
        return _method(scope) in self._methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, app = scope["method"], self._methods.get(_method(scope))
        if app is not None:
            allowed = "POST"
        elif method == "POST" and ":" in scope["path"]:
            place = f":{_method(scope)}"
            told = not_served(scope["path"], place) if place in INSTEAD else problem("not_found")
            return await refuse(scope, send, told)
        else:
            app, allowed = self._models, "GET"
        if method != allowed and (method, allowed) != ("HEAD", "GET"):
            wrong = problem("method_not_allowed", method=method[:16], allowed=allowed)
            return await refuse(scope, send, wrong, more=[(b"allow", allowed.encode())])
        await app(scope, receive, send)


class SharedModels:
    """An ASGI callable for /v1/models and below, which two protocols share."""

    def __init__(self, gemini: GeminiDoor, others: App) -> None:
        self._gemini = gemini
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._gemini.is_asked(scope):
            return await self._gemini(scope, receive, send)
        if scope["method"] not in ("GET", "HEAD"):
            wrong = problem("method_not_allowed", method=scope["method"][:16], allowed="GET")
            return await send_problem(scope, send, wrong, more=[(b"allow", b"GET")])
        await self._others(scope, receive, send)


def _method(scope: Scope) -> str:
    return scope["path"].rpartition(":")[2]
