"""Whether this worker lives (/healthz), can answer (/readyz), and what it has counted (/metrics).

Readiness tests the path a turn takes - key store, journal, an upstream - not the process. It is asked often, so what
it learnt is kept for two seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from zhongshu.api.asgi import JSON_TYPE, Receive, Scope, Send, header, send_reply
from zhongshu.api.endpoint import Load
from zhongshu.api.openai.errors import send_problem
from zhongshu.core.access import Caller
from zhongshu.core.problems import Fault, problem
from zhongshu.pipeline.stages import Rooms

Probe = Callable[[], Awaitable[None]]
_KEPT_S = 2.0
_PROBE_S = 5.0
_LOOPBACK = ("127.0.0.1", "::1")


class Health:
    """An ASGI callable for /healthz and /readyz. probes: each raises a Fault when its part of the path is broken."""

    def __init__(self, probes: Callable[[], Mapping[str, Probe]], load: Load) -> None:
        self._probes = probes
        self._load = load
        self._known: dict[str, str] = {}
        self._known_until = 0.0
        self._asking = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/healthz":
            return await send_reply(send, 200, [JSON_TYPE], b'{"status":"ok"}')
        if self._load.draining:
            return await _send(send, {"server": "draining"})
        await _send(send, await self._parts())

    async def _parts(self) -> dict[str, str]:
        async with self._asking:
            now = asyncio.get_running_loop().time()
            if now >= self._known_until:
                probes = self._probes()
                states = await asyncio.gather(*map(_state, probes.values()))
                self._known = dict(zip(probes, states, strict=True))
                self._known_until = asyncio.get_running_loop().time() + _KEPT_S
            return self._known


async def _state(probe: Probe) -> str:
    try:
        await asyncio.wait_for(probe(), _PROBE_S)
    except Fault as fault:
        return fault.problem.code
    except TimeoutError:
        return "slow"
    return "ok"


async def _send(send: Send, parts: Mapping[str, str]) -> None:
    """Ready when every part is; of the upstreams one is enough, as the others' turns fail by themselves."""
    upstreams = [state for name, state in parts.items() if name.startswith("upstream:")]
    others = [state for name, state in parts.items() if not name.startswith("upstream:")]
    ready = all(state == "ok" for state in others) and (not upstreams or "ok" in upstreams)
    body = msgspec.json.encode({"status": "ready" if ready else "not ready", "parts": parts})
    headers = [JSON_TYPE] if ready else [JSON_TYPE, (b"retry-after", b"2")]
    await send_reply(send, 200 if ready else 503, headers, body)


class Metrics:
    """An ASGI callable for /metrics: open to this machine, to others with an admin key."""

    def __init__(self, render: Callable[[], bytes], rooms: Callable[[], Rooms]) -> None:
        self._render = render
        self._rooms = rooms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if not (client and client[0] in _LOOPBACK) and not await self._is_admin(scope):
            return await send_problem(
                scope, send, problem("forbidden", why="metrics are for this machine or an admin key")
            )
        body = await asyncio.to_thread(self._render)
        await send_reply(send, 200, [(b"content-type", b"text/plain; version=0.0.4; charset=utf-8")], body)

    async def _is_admin(self, scope: Scope) -> bool:
        caller = await self._rooms().gate.identify(header(scope, b"authorization").removeprefix(b"Bearer ").strip())
        return isinstance(caller, Caller) and caller.role == "admin"
