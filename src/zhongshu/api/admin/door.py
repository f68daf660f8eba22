"""Who may enter administration, before a byte of the body is read; and its outer border, where what broke inside
becomes an error without a trace of it.

Every change that was made is journalled before the reply says so: who, from where, what was called; never a body. A
change is made even when the journal cannot take it - a leaked key must be revocable on a full disk - and the log says
so then. Making a text readable is different: its room journals that first, and refuses when it cannot (`note`).
"""

from __future__ import annotations

import contextlib
import logging

from starlette.exceptions import HTTPException

from zhongshu.api.admin.parts import AdminParts
from zhongshu.api.asgi import App, Message, Receive, Scope, Send, header
from zhongshu.api.openai.errors import send_problem
from zhongshu.core.access import Caller
from zhongshu.core.ids import trace_id
from zhongshu.core.problems import Fault, Problem, Refusal, Said, problem

PREFIX = "/admin"
CALLER = "zhongshu.caller"
TRACE = "zhongshu.trace"
_NOTED = "zhongshu.noted"
_READING = ("GET", "HEAD", "OPTIONS")

log = logging.getLogger("zhongshu.api.admin")


class Door:
    """ASGI middleware. Leaves the caller and a trace id in the scope for those inside."""

    def __init__(self, app: App, parts: AdminParts) -> None:
        self._app = app
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        reply = _Reply(scope, send, self._parts)
        try:
            refused = await self._enter(scope) or _too_large(scope, self._parts.max_body_bytes)
            if refused:
                return await send_problem(scope, send, refused, scope[TRACE])
            await self._app(scope, _bounded(receive, self._parts.max_body_bytes), reply.send)
        except Fault as fault:
            await self._broke(scope, send, reply, fault.problem)
        # The border: nothing of what broke may reach the client, and no text of a user the log.
        except Exception as error:  # noqa: BLE001
            log.error("internal_error trace=%s kind=%s at=%s", scope[TRACE], type(error).__name__, _place(error))
            await self._broke(scope, send, reply, problem("internal_error"))

    async def _enter(self, scope: Scope) -> Problem | None:
        scope[TRACE] = trace_id()
        path = scope["path"]
        if path != PREFIX and not path.startswith(PREFIX + "/"):
            return None
        credential = header(scope, b"authorization")
        if credential[:7].lower() != b"bearer ":
            return problem("missing_key")
        caller = await self._parts.gate.identify(credential[7:].strip())
        if isinstance(caller, Refusal):
            return caller.problem
        if caller.role != "admin":
            why = Said("administration needs a key with role admin", "管理接口需要 admin 角色的密钥")
            return problem("forbidden", why=why)
        scope[CALLER] = caller
        return None

    async def _broke(self, scope: Scope, send: Send, reply: _Reply, what: Problem) -> None:
        """Say so, if the reply has not begun. One that has is left cut off: the server closes the connection."""
        if not reply.started:
            with contextlib.suppress(OSError):
                await send_problem(scope, send, what, scope[TRACE])


class _Reply:
    """The reply on its way out: journals a change before it is acknowledged, and keeps replies out of caches."""

    def __init__(self, scope: Scope, send: Send, parts: AdminParts) -> None:
        self._scope = scope
        self._send = send
        self._parts = parts
        self.started = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if CALLER in self._scope:
                if message["status"] < 400 and self._scope["method"] not in _READING:
                    await self._note_change()
                message["headers"] = [*message["headers"], (b"cache-control", b"no-store")]
            message["headers"] = [*message["headers"], (b"x-request-id", self._scope[TRACE].encode())]
            self.started = True
        await self._send(message)

    async def _note_change(self) -> None:
        if _NOTED in self._scope:
            return
        try:
            await note(self._scope, self._parts, "managed", method=self._scope["method"])
        except Fault as fault:
            log.error("not journalled: %s trace=%s", fault.problem.code, self._scope[TRACE])


async def note(scope: Scope, parts: AdminParts, name: str, **facts: str) -> None:
    """Journal what this request's caller does. Raises Fault("journal_unavailable")."""
    caller: Caller = scope[CALLER]
    client = scope.get("client")
    about = {"by": caller.key_id, "from": client[0] if client else "", "path": scope["path"], "request": scope[TRACE]}
    await parts.note(name, about | facts)
    scope[_NOTED] = True


def _too_large(scope: Scope, limit_bytes: int) -> Problem | None:
    """A body that says it is too large. Starlette's own limit is not used: it answers in plain text."""
    declared = header(scope, b"content-length")
    return problem("body_too_large", limit=limit_bytes) if declared.isdigit() and int(declared) > limit_bytes else None


def _bounded(receive: Receive, limit_bytes: int) -> Receive:
    """`receive` for a body that does not say how large it is."""
    size = 0

    async def bounded() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit_bytes:
            raise HTTPException(413)  # refusals.py makes it ours; a Fault would count as a body that cannot be parsed
        return message

    return bounded


def _place(error: BaseException) -> str:
    """File and line where it broke; never the message, which may hold what was sent."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else "?"
