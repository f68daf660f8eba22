"""What is kept here and read again - files, batches - as HTTP resources: who asks, the border, lists in pages."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qs

import msgspec

from zhongshu.api.asgi import JSON_TYPE, ClientLeft, Headers, Message, Receive, Scope, Send, send_reply
from zhongshu.api.endpoint import bearer
from zhongshu.api.openai.errors import send_problem
from zhongshu.core.access import Caller
from zhongshu.core.ids import trace_id
from zhongshu.core.problems import Fault, Problem, Refusal, Said, fault, problem
from zhongshu.pipeline.stages import Rooms

log = logging.getLogger("zhongshu.api")

_encode = msgspec.json.Encoder().encode


class Visit(NamedTuple):
    """One request to a resource. rest: the path behind the resource's own, split at slashes."""

    caller: Caller
    rest: tuple[str, ...]
    scope: Scope
    receive: Receive
    send: Send
    headers: Mapping[bytes, bytes]

    async def reply(self, value: object, status: int = 200) -> None:
        """A JSON reply."""
        await send_reply(self.send, status, [JSON_TYPE], _encode(value))

    def query(self) -> dict[str, str]:
        """The query's fields; of several the last counts."""
        given = parse_qs(self.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return {name: values[-1] for name, values in given.items()}


Handler = Callable[[Visit], Awaitable[None]]


class Say(Protocol):
    """Answers with an error, in a protocol's own form."""

    async def __call__(
        self, scope: Scope, send: Send, problem: Problem, trace: str = "", more: Headers | None = None
    ) -> None: ...


class Resource:
    """An ASGI callable for one resource. handlers: (method, parts behind the prefix) -> what answers; "*" stands for
    any one part. credential, say: how the protocol spells its key and writes its errors; OpenAI's unless given."""

    def __init__(
        self, prefix: str, rooms: Callable[[], Rooms], handlers: Mapping[tuple[str, str], Handler],
        credential: Callable[[Mapping[bytes, bytes]], bytes] = bearer, say: Say = send_problem,
    ) -> None:  # fmt: skip
        self._prefix = prefix
        self._credential = credential
        self._say = say
        self._rooms = rooms
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        trace, begun = trace_id(), False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        async def fail(problem: Problem) -> None:
            """A reply that has begun is left unended: the server cuts the connection, so that it is not taken whole."""
            if not begun:
                await self._say(scope, send, problem, trace)

        try:
            await self._serve(scope, receive, noted, trace)
        except Fault as broken:
            if begun:
                log.error("reply cut off trace=%s code=%s", trace, broken.problem.code)
            await fail(broken.problem)
        except (ClientLeft, asyncio.CancelledError):
            raise
        # The border: nothing of what broke, nor the user's text, may reach the client or the log.
        except Exception as error:  # noqa: BLE001
            log.error("internal_error trace=%s kind=%s", trace, type(error).__name__)
            with contextlib.suppress(Exception):
                await fail(problem("internal_error"))

    async def _serve(self, scope: Scope, receive: Receive, send: Send, trace: str) -> None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        rest = tuple(part for part in scope["path"][len(self._prefix) :].split("/") if part)
        shape = _shape(rest)
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        allowed = sorted(taken for taken, path in self._handlers if path == shape)
        if not allowed:
            raise fault("not_found")
        if method not in allowed:
            words = ", ".join(allowed)
            wrong = problem("method_not_allowed", method=scope["method"], allowed=words)
            return await self._say(scope, send, wrong, trace, more=[(b"allow", words.encode())])
        credential = self._credential(headers)
        if not credential:
            raise fault("missing_key")
        caller = await self._rooms().gate.identify(credential)
        if isinstance(caller, Refusal):
            return await self._say(scope, send, caller.problem, trace)
        with contextlib.suppress(ClientLeft):
            await self._handlers[method, shape](Visit(caller, rest, scope, receive, send, headers))


def _shape(rest: tuple[str, ...]) -> str:
    """("file-1", "content") -> "*/content": the first part is a name, what follows says what of it."""
    return "/".join(("*", *rest[1:])) if rest else ""


def limit_of(query: Mapping[str, str], usual: int, most: int) -> int:
    """The field `limit`."""
    given = query.get("limit")
    if given is None:
        return usual
    if not (given.isascii() and given.isdecimal()) or not 1 <= int(given) <= most:
        raise fault("invalid_value", param="limit", field="limit", why=Said(f"give 1 to {most}", f"应为 1 到 {most}"))
    return int(given)


def listed(rows: Sequence[dict[str, Any]], limit: int) -> dict[str, Any]:
    """A page in OpenAI's form, of which one row more than `limit` was read."""
    shown = list(rows[:limit])
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(rows) > limit,
    }


def seconds(at_ns: int | None) -> int | None:
    """A time as OpenAI writes it."""
    return None if at_ns is None else at_ns // 1_000_000_000
