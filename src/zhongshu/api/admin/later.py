"""Administration that is built when it is first asked for, off the event loop: loading its HTTP library takes most of
a second and tens of megabytes, which a worker should not pay before it answers its first turn.
"""

from __future__ import annotations

import asyncio

from zhongshu.api.admin.parts import AdminParts
from zhongshu.api.asgi import App, Receive, Scope, Send


class Later:
    """An ASGI callable that becomes `admin_application(parts)` with its first request."""

    def __init__(self, parts: AdminParts) -> None:
        self._parts = parts
        self._app: App | None = None
        self._building = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app
        if app is None:
            async with self._building:
                app = self._app = self._app or await asyncio.to_thread(_build, self._parts)
        await app(scope, receive, send)


def _build(parts: AdminParts) -> App:
    from zhongshu.api.admin.application import admin_application

    return admin_application(parts)
