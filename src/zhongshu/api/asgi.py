"""The ASGI words the hot endpoints are written in: reading a bounded body, sending a reply, noticing who left."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from zhongshu.core.problems import fault

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

# A server that can tell when a client is gone puts a callable taking the callback to run into the scope
# (app/http/); it costs nothing until it happens. Without it (tests, other servers) a task waits on receive().
ON_LEAVE = "zhongshu.on_leave"
# Of a body that comes in pieces: a callable that gives the rest as long again to arrive. For uploads of any size.
MORE_TIME = "zhongshu.more_time"
# The headers by name, the last of a name counting, where the server has them at hand.
BY_NAME = "zhongshu.headers"
# The whole body, where it came with the head. It can be received as well.
BODY = "zhongshu.body"

JSON_TYPE: tuple[bytes, bytes] = (b"content-type", b"application/json")


class ClientLeft(Exception):
    """The client closed the connection before its body was complete."""


def headers_by_name(scope: Scope) -> Mapping[bytes, bytes]:
    """The headers by lower-case name, for reading. Of several of a name the last counts."""
    return scope.get(BY_NAME) or dict(scope["headers"])


def header(scope: Scope, name: bytes) -> bytes:
    """The header of this (lower-case) name, or empty. Of several the last counts."""
    return headers_by_name(scope).get(name, b"")


async def read_body(receive: Receive, headers: Mapping[bytes, bytes], limit_bytes: int) -> bytes:
    """The whole body, within a size. Fault body_too_large; ClientLeft when cut off. How long it may take is the
    server's to bound (app/http/), where a timer is needed only for bodies that come in pieces."""
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit_bytes:
        raise fault("body_too_large", limit=limit_bytes)
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit_bytes:
            raise fault("body_too_large", limit=limit_bytes)
        if not message.get("more_body"):
            return b"".join((*pieces, piece)) if pieces else piece
        pieces.append(piece)


async def send_reply(send: Send, status: int, headers: Headers, body: bytes) -> None:
    """A whole reply."""
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class leaving:  # noqa: N801 - reads as `with leaving(...)`
    """While inside, the client's going away cancels the task it is entered in. Leaves no CancelledError behind when
    the client is what caused it: the body sees it (to clean up), the caller does not."""

    __slots__ = ("_left", "_receive", "_registered", "_scope", "_task", "_watch")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._left = False
        self._watch: asyncio.Task[None] | None = None

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        register = self._scope.get(ON_LEAVE)
        self._registered = register is not None
        if register is not None:
            register(self._gone)
        else:
            self._watch = asyncio.get_running_loop().create_task(self._wait())

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if self._registered:
            self._scope[ON_LEAVE](None)
        elif self._watch is not None:
            self._watch.cancel()
        if self._left and kind is asyncio.CancelledError:
            self._task.uncancel()
            return True
        return False

    def _gone(self) -> None:
        if not self._left:
            self._left = True
            self._task.cancel()

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone()
