"""Which callable answers which address. Model endpoints are plain ASGI callables; the rest is a FastAPI application."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import NamedTuple

from zhongshu.api.asgi import App, Receive, Scope, Send
from zhongshu.api.openai.errors import send_problem
from zhongshu.core.problems import problem

ANY = "*"


class At(NamedTuple):
    """A callable and the method it takes; ANY for one that says itself what it takes."""

    method: str
    app: App


class Router:
    """The whole HTTP surface. exact: by path; prefixed: by the beginning of the path; rest: everything else; sockets: WebSockets by path."""

    def __init__(
        self, exact: Mapping[str, At], prefixed: Mapping[str, At], rest: App, sockets: Mapping[str, App]
    ) -> None:
        self._exact = exact
        self._prefixed = prefixed
        self._rest = rest
        self._sockets = sockets

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """ASGI. An address of the table answers by itself, with nothing of ours around it."""
        if scope["type"] == "http":
            at = self._exact.get(scope["path"])
            if at is not None and at.method == scope["method"]:
                return at.app(scope, receive, send)
        return self._otherwise(scope, receive, send)

    async def _otherwise(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._socket(scope, receive, send)
        at = self._exact.get(scope["path"]) or self._by_prefix(scope["path"])
        if at is None:
            return await self._rest(scope, receive, send)
        if at.method not in (scope["method"], ANY) and not (scope["method"] == "HEAD" and at.method == "GET"):
            wrong = problem("method_not_allowed", method=scope["method"], allowed=at.method)
            return await send_problem(scope, send, wrong, more=[(b"allow", at.method.encode())])
        await at.app(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            return
        app = self._sockets.get(scope["path"])
        if app is not None:
            return await app(scope, receive, send)
        await receive()
        await send({"type": "websocket.close"})  # before it is accepted: the handshake is refused

    def _by_prefix(self, path: str) -> At | None:
        return next((at for prefix, at in self._prefixed.items() if path.startswith(prefix)), None)
