"""The WebSocket at /v1/ws: who it is, what it asks, and the pieces of its turns on their way, interleaved.

The key comes in the handshake's Authorization header or in the first message, never in the address, where logs keep
it. A page of another origin gains nothing by opening one: no cookie lets it in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from zhongshu.api.asgi import Receive, Scope, Send
from zhongshu.api.endpoint import Files, Incoming, Load, bearer
from zhongshu.api.errors import prefers_chinese
from zhongshu.api.openai.dialect import Chat
from zhongshu.api.openai.filing import NAMED
from zhongshu.api.ws import messages
from zhongshu.api.ws.messages import Ask, Auth, Cancel, Ping, Resume
from zhongshu.api.ws.relay import FarTurn, Relay
from zhongshu.api.ws.tape import Lost
from zhongshu.api.ws.turns import LiveTurn, LiveTurns
from zhongshu.core.access import Caller
from zhongshu.core.ids import trace_id
from zhongshu.core.problems import Fault, Problem, Refusal, Said, fault, problem
from zhongshu.pipeline.stages import Arrived, Rooms

_AUTH_S = 10.0
_POLICY = 1008
_LONGEST_AGENT = 200
_CHAT = Chat()
_KNOWN = Said("this connection has its key already", "此连接已提供密钥")
_NO_TURN = Said("no turn of that id is open on this connection", "此连接上没有该编号的请求")


class WebSocket:
    """An ASGI callable for /v1/ws."""

    def __init__(
        self,
        turns: LiveTurns,
        rooms: Callable[[], Rooms],
        load: Load,
        max_in_flight: int,
        files: Files | None = None,
        relay: Relay | None = None,
    ) -> None:
        self._files = files
        self._relay = relay
        self._turns = turns
        self._rooms = rooms
        self._load = load
        self._max_in_flight = max_in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        await send({"type": "websocket.accept"})
        connection = _Connection(self._turns, self._rooms, self._files, self._relay, scope, receive, send)
        try:
            await connection.serve(self._full)
        except _Closed:
            pass
        finally:
            connection.leave()

    def _full(self) -> Problem | None:
        """Why no turn may begin now."""
        if self._load.closed:
            return problem("draining", retry_after_s=1.0)
        if self._load.in_flight >= self._max_in_flight:
            return problem("overloaded", retry_after_s=1.0)
        return None


class _Closed(Exception):
    """The connection is over."""


class _Connection:
    """One connection: its key and the turns that it reads, by the client's own names for them."""

    def __init__(
        self,
        turns: LiveTurns,
        rooms: Callable[[], Rooms],
        files: Files | None,
        relay: Relay | None,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self._files = files
        self._relay = relay
        self._turns = turns
        self._rooms = rooms
        self._scope = scope
        self._receive = receive
        self._send = send
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self._chinese = prefers_chinese(scope)
        self._open: dict[str, tuple[LiveTurn | FarTurn, asyncio.Task[None]]] = {}
        self._credential = b""

    async def serve(self, full: Callable[[], Problem | None]) -> None:
        """Until the client goes."""
        await self._enter()
        settings = self._turns.settings
        await self._say(messages.say("ready", max_turns=settings.max_turns, resume_s=settings.resume_s))
        while True:
            named: str | None = None
            try:
                heard = messages.hear(await self._hear())
                named = getattr(heard, "id", None)
                match heard:
                    case Ping():
                        await self._say(messages.say("pong"))
                    case Cancel():
                        self._cancel(heard.id)
                    case Ask():
                        await self._ask(heard, full())
                    case Resume():
                        await self._resume(heard)
                    case Auth():
                        raise fault("invalid_value", param="type", field="type", why=_KNOWN)
            except Fault as refused:
                await self._say(messages.error(refused.problem, chinese=self._chinese, id=named))

    def leave(self) -> None:
        """The client is gone: its turns are kept for a while."""
        for turn, reader in list(self._open.values()):
            reader.cancel()
            self._let_go(turn, reader)
        self._open.clear()

    async def _enter(self) -> None:
        """Whose connection this is, by its header or its first message."""
        self._credential = bearer(self._headers)
        if not self._credential:
            try:
                async with asyncio.timeout(_AUTH_S):
                    heard = messages.hear(await self._hear())
            except TimeoutError:
                await self._refuse(problem("missing_key"))
            except Fault as refused:
                await self._refuse(refused.problem)
            else:
                if not isinstance(heard, Auth):
                    await self._refuse(problem("missing_key"))
                    raise _Closed
                self._credential = heard.key.encode()
        caller = await self._rooms().gate.identify(self._credential)
        if isinstance(caller, Refusal):
            await self._refuse(caller.problem)

    async def _refuse(self, why: Problem) -> None:
        """Say why, and hang up."""
        await self._say(messages.error(why, chinese=self._chinese))
        await self._send({"type": "websocket.close", "code": _POLICY, "reason": why.code})
        raise _Closed

    async def _caller(self) -> Caller:
        """Who asks, looked up anew for each turn: a key may be revoked while its connection is open."""
        caller = await self._rooms().gate.identify(self._credential)
        if isinstance(caller, Refusal):
            raise Fault(caller.problem)
        return caller

    async def _ask(self, ask: Ask, full: Problem | None) -> None:
        if full is not None:
            raise Fault(full)
        self._check_free(ask.id)
        rooms, trace, body = self._rooms(), trace_id(), bytes(ask.body)
        started_ns = rooms.clock.steady_ns()
        caller = await self._caller()
        asked = _CHAT.read(Incoming(body, trace, rooms.clock.now_ns(), self._scope["path"], b"", self._headers))
        if self._files is not None and NAMED in body:
            asked = await self._files.filled(asked, caller)
        turn = msgspec.structs.replace(asked.turn, stream=True)
        agent = self._headers.get(b"user-agent", b"")[:_LONGEST_AGENT].decode("latin-1")
        client = self._scope.get("client")
        arrived = Arrived(turn, caller, started_ns, body, client[0] if client else "", agent, self._headers)
        self._read(ask.id, self._turns.begin(arrived, chinese=self._chinese), 0)

    async def _resume(self, resume: Resume) -> None:
        self._check_free(resume.id)
        caller = await self._caller()
        turn: LiveTurn | FarTurn | None = self._turns.find(caller, resume.turn)
        if turn is None and self._relay is not None:
            turn = await self._relay.find(caller, resume.turn, resume.after)
        if turn is None:
            raise fault("turn_not_kept", param="turn", turn=resume.turn)
        self._read(resume.id, turn, resume.after)

    def _check_free(self, id: str) -> None:
        if id in self._open:
            raise fault("conflict", param="id", what="id")
        limit = self._turns.settings.max_turns
        if len(self._open) >= limit:
            raise fault("too_many_turns", limit=limit)

    def _cancel(self, id: str) -> None:
        found = self._open.get(id)
        if found is None:
            raise fault("invalid_value", param="id", field="id", why=_NO_TURN)
        found[0].cancel()

    def _read(self, id: str, turn: LiveTurn | FarTurn, after: int) -> None:
        """Send a turn's pieces from now on."""
        reader = asyncio.create_task(self._pieces(id, turn, after))
        self._open[id] = turn, reader
        if isinstance(turn, LiveTurn):
            self._turns.attach(turn, reader)

    def _let_go(self, turn: LiveTurn | FarTurn, reader: asyncio.Task[None]) -> None:
        if isinstance(turn, LiveTurn):
            self._turns.detach(turn, reader)
        else:
            turn.close()

    async def _pieces(self, id: str, turn: LiveTurn | FarTurn, after: int) -> None:
        me = asyncio.current_task()
        assert me is not None
        try:
            while pieces := await turn.tape.after(after):
                for piece in pieces:
                    await self._say(messages.piece(piece.kind, id, piece.seq, piece.payload))
                    after = piece.seq
        except Lost:
            lost = problem("turn_not_kept", param="after", turn=turn.trace)
            await self._say(messages.error(lost, chinese=self._chinese, id=id, trace=turn.trace))
        except OSError:
            pass  # the connection is gone; whoever reads it will notice
        finally:
            self._let_go(turn, me)
            if self._open.get(id, (None, None))[1] is me:
                del self._open[id]

    async def _hear(self) -> bytes:
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            raise _Closed
        text = message.get("text")
        return text.encode() if text is not None else message["bytes"]

    async def _say(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})
