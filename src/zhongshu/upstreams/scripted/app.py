"""The scripted upstream as an ASGI application, and what it counts.

POST /v1/chat/completions, /v1/completions, /v1/embeddings     by the behaviour of the model asked for
POST /v1/responses                                              likewise (responses.py)
POST /v1/messages, /v1/messages/count_tokens                    likewise (anthropic.py)
POST /v1/rerank, /v1/moderations, /v1/audio/*, /v1/images/*     likewise (others.py)
POST /v1beta/models/NAME:generateContent and Google's others    likewise (gemini.py)
GET  /v1/models                                                 every behaviour there is
GET  /stats, DELETE /stats                                      what was asked, sent and left
GET  /last                                                      the last request's exact body
GET  /last/headers                                              its headers
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import msgspec

from zhongshu.upstreams.scripted import anthropic, gemini, others, responses
from zhongshu.upstreams.scripted.chunks import Asked, Scene, embeddings, events, whole
from zhongshu.upstreams.scripted.script import SHIPPED, Behaviour, Break, Script

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

TRANSPORT = "zhongshu.transport"
_JSON = "application/json"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Asked).decode
_RESPONSES = "/responses"
_TYPES = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error"}


class Stats(msgspec.Struct):
    """What was asked, sent and left. left: clients that went away before the end of their answer. tokens: events with
    content. connections: TCP connections that asked something."""

    requests: int = 0
    in_flight: int = 0
    left: int = 0
    connections: int = 0
    bytes_received: int = 0
    bytes_sent: int = 0
    tokens_sent: int = 0
    by_model: dict[str, int] = msgspec.field(default_factory=dict[str, int])


class _Gone(Exception):
    """The client left, or the script broke the connection."""


class ScriptedApp:
    """`script` adds models to the shipped ones."""

    def __init__(self, script: Script | None = None) -> None:
        script = script or Script()
        self.stats = Stats()
        self._key = script.key
        self._models: Mapping[str, Behaviour] = {**SHIPPED, **script.models}
        self._last = b""
        self.last_headers: list[tuple[str, str]] = []
        self._seen: set[int] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        path, method = str(scope["path"]).removeprefix("/v1"), scope["method"]
        exchange = _Exchange(self, scope, receive, send)
        body = await exchange.body()
        if path == "/stats":
            if method == "DELETE":
                self.stats, self._seen = Stats(), set()
            return await exchange.reply(200, _encode(self.stats))
        if path == "/last":
            return await exchange.reply(200, self._last)
        if path == "/last/headers":
            return await exchange.reply(200, _encode(self.last_headers))
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        if path.startswith(gemini.PREFIX):
            exchange.error = gemini.error
        elif path.startswith(anthropic.MESSAGES):
            exchange.error = anthropic.error
        if self._key and not {
            ("authorization", f"Bearer {self._key}"),
            ("x-goog-api-key", self._key),
            ("x-api-key", self._key),
        } & set(headers):
            return await exchange.reply(401, exchange.error(401))
        if path == "/models":
            return await exchange.reply(200, _encode(self._list()))
        if path.startswith(gemini.PREFIX):
            return await self._google(exchange, path, method, body, headers)
        if path in others.PATHS and method == "POST":
            self._last, self.last_headers = body, headers
            return await self._hand(exchange, path, body, dict(headers).get("content-type", ""))
        if path == anthropic.COUNT and method == "POST":
            return await exchange.reply(200, _encode(anthropic.count(body)))
        if (
            path not in ("/chat/completions", "/completions", "/embeddings", _RESPONSES, anthropic.MESSAGES)
            or method != "POST"
        ):
            return await exchange.reply(404, _error(404))
        self._last, self.last_headers = body, headers
        await self._answer(exchange, path, body)

    async def _google(
        self, exchange: _Exchange, path: str, method: str, body: bytes, headers: list[tuple[str, str]]
    ) -> None:
        """A method of one of Google's models, or the list of them."""
        if method == "GET":
            return await exchange.reply(200, _encode(gemini.listed(list(self._models))))
        self._last, self.last_headers = body, headers
        await self._answer(exchange, path, body)

    async def _hand(self, exchange: _Exchange, path: str, body: bytes, content_type: str) -> None:
        """One of the other endpoints, by the behaviour of the model asked for."""
        try:
            fields = others.fields_of(body, content_type)
            model = str(fields.get("model", "mock"))
            behaviour = self._behaviour(Asked(model=model))
            said = others.reply(path, fields, behaviour)
        except (msgspec.DecodeError, KeyError, UnicodeDecodeError) as error:
            return await exchange.reply(400, _error(400, f"the request cannot be read: {error}"))
        self._count(exchange, model, body)
        try:
            await self._pass(exchange, said, behaviour)
        except _Gone:
            self.stats.left += exchange.left
        finally:
            exchange.forget()
            self.stats.in_flight -= 1

    async def _pass(self, exchange: _Exchange, said: others.Said, behaviour: Behaviour) -> None:
        if behaviour.first_s:
            await exchange.wait(behaviour.first_s)
        if behaviour.broken is not None and behaviour.broken.after == 0:
            await exchange.break_off(behaviour.broken)
        if behaviour.status != 200:
            extra = {"retry-after": behaviour.retry_after} if behaviour.retry_after else {}
            return await exchange.reply(behaviour.status, _error(behaviour.status), extra=extra)
        if not said.pieces:
            return await exchange.reply(200, said.body, said.content_type)
        await exchange.start(200, said.content_type, {})
        for number, piece in enumerate(said.pieces):
            if behaviour.each_s:
                await exchange.wait(behaviour.each_s)
            if behaviour.broken is not None and number == behaviour.broken.after:
                return await exchange.break_off(behaviour.broken)
            exchange.still_there()
            await exchange.send_body(piece)
        await exchange.send_body(b"", more=False)

    async def _answer(self, exchange: _Exchange, path: str, body: bytes) -> None:
        try:
            asked = _asked(path, body)
            behaviour = self._behaviour(asked)
        except msgspec.DecodeError as error:
            return await exchange.reply(400, exchange.error(400, f"the request cannot be read: {error}"))
        self._count(exchange, asked.model, body)
        try:
            await self._play(exchange, path, body, asked, behaviour)
        except _Gone:
            self.stats.left += exchange.left
        finally:
            exchange.forget()
            self.stats.in_flight -= 1

    async def _play(self, exchange: _Exchange, path: str, body: bytes, asked: Asked, behaviour: Behaviour) -> None:
        if behaviour.first_s:
            await exchange.wait(behaviour.first_s)
        if behaviour.broken is not None and behaviour.broken.after == 0:
            await exchange.break_off(behaviour.broken)
        if behaviour.status != 200 or behaviour.body:
            extra = {"retry-after": behaviour.retry_after} if behaviour.retry_after else {}
            text = behaviour.body.encode() or exchange.error(behaviour.status)
            return await exchange.reply(behaviour.status, text, behaviour.content_type, extra)
        if path == "/embeddings":
            return await exchange.reply(200, _encode(embeddings(asked)))
        if path.startswith(gemini.PREFIX) and asked.input is not None:
            return await exchange.reply(200, _encode(gemini.vectors(asked, path, len(body))))
        scene = Scene(asked, behaviour, body, self.stats.requests, path == "/completions")
        if asked.stream:
            return await self._stream(exchange, scene, _streamed(path, scene, body))
        self.stats.tokens_sent += len(scene.pieces) + len(scene.thoughts)
        if behaviour.each_s:
            await exchange.wait(behaviour.each_s * len(scene.pieces))
        text = _encode(_whole(path, scene, body))
        if behaviour.broken is not None:
            return await exchange.break_body(text, behaviour.broken)
        await exchange.reply(200, text)

    async def _stream(self, exchange: _Exchange, scene: Scene, pieces: Iterator[bytes]) -> None:
        behaviour = scene.behaviour
        await exchange.start(200, "text/event-stream; charset=utf-8", {"cache-control": "no-cache"})
        if behaviour.each_s or behaviour.broken is not None:
            exchange.watch()
        for number, packed in enumerate(pieces):
            if behaviour.each_s:
                await exchange.wait(behaviour.each_s)
            if behaviour.broken is not None and number == behaviour.broken.after:
                await exchange.break_off(behaviour.broken)
                return
            exchange.still_there()
            self.stats.tokens_sent += packed.count(b'"delta"') + packed.count(b'"text"')
            await exchange.send_body(packed)
        await exchange.send_body(b"", more=False)

    def _behaviour(self, asked: Asked) -> Behaviour:
        """The behaviour of the model asked for ("mock" for unknown names), as changed by the request itself."""
        behaviour = self._models.get(asked.model, SHIPPED["mock"])
        if behaviour.sequence:
            turn = min(self.stats.by_model.get(asked.model, 0), len(behaviour.sequence) - 1)
            behaviour = self._models.get(behaviour.sequence[turn], SHIPPED["mock"])
        if not asked.mock:
            return behaviour
        fields = {field.name: msgspec.Raw(_encode(getattr(behaviour, field.name))) for field in _FIELDS}
        return msgspec.json.decode(_encode({**fields, **asked.mock}), type=Behaviour)

    def _count(self, exchange: _Exchange, model: str, body: bytes) -> None:
        stats = self.stats
        stats.requests += 1
        stats.in_flight += 1
        stats.bytes_received += len(body)
        stats.by_model[model] = stats.by_model.get(model, 0) + 1
        if exchange.connection not in self._seen:
            self._seen.add(exchange.connection)
            stats.connections += 1

    def _list(self) -> dict[str, Any]:
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "scripted"} for name in self._models]
        return {"object": "list", "data": data}


_FIELDS = msgspec.structs.fields(Behaviour)


class _Exchange:
    """One request and its reply, with the ways to break it."""

    def __init__(self, app: ScriptedApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._app = app
        self._transport = scope.get(TRANSPORT)
        self._receive = receive
        self._send = send
        self._left: asyncio.Task[None] | None = None
        self.error: Callable[..., bytes] = _error
        self.left = False
        self.connection = id(self._transport) if self._transport else hash(scope.get("client"))

    async def body(self) -> bytes:
        """The request's whole body."""
        message = await self._receive()
        if not message.get("more_body"):
            return message.get("body", b"")
        parts = [message.get("body", b"")]
        while message.get("more_body"):
            message = await self._receive()
            parts.append(message.get("body", b""))
        return b"".join(parts)

    async def reply(
        self, status: int, body: bytes, content_type: str = _JSON, extra: Mapping[str, str] | None = None
    ) -> None:
        """A whole reply."""
        await self.start(status, content_type, {**(extra or {}), "content-length": str(len(body))})
        await self.send_body(body, more=False)

    async def start(self, status: int, content_type: str, extra: Mapping[str, str]) -> None:
        """The head of a reply."""
        headers = [("content-type", content_type), *extra.items()]
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def send_body(self, body: bytes, more: bool = True) -> None:
        """Some of the body."""
        self._app.stats.bytes_sent += len(body)
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    def watch(self) -> None:
        """Notice from now on when the client leaves."""
        if self._left is None:
            self._left = asyncio.create_task(self._until_left())

    def still_there(self) -> None:
        """Stop when the client has left."""
        if self._left is not None and self._left.done():
            self.left = True
            raise _Gone

    async def wait(self, seconds: float | None) -> None:
        """Wait, but not for a client that leaves. None waits for that alone."""
        self.watch()
        assert self._left is not None
        await asyncio.wait((self._left,), timeout=seconds)
        self.still_there()

    def forget(self) -> None:
        """Nobody waits for the client to leave any more."""
        if self._left is not None:
            self._left.cancel()

    async def break_off(self, broken: Break) -> None:
        """Break as the script says, at this place."""
        match broken.how:
            case "hang":
                await self.wait(None)
            case "cut" | "reset":
                self._sever(reset=broken.how == "reset")
            case "error":
                await self.send_body(b"data: " + self.error(500, "the model stopped working") + b"\n\n", more=False)
            case "json":
                await self.send_body(b'data: {"choices": [{"index": 0, "delta": {\n\ndata: [DONE]\n\n', more=False)
            case "bytes":
                chunk = b'data: {"choices":[{"index":0,"delta":{"content":"\xff\xfe"}}]}\n\ndata: [DONE]\n\n'
                await self.send_body(chunk, more=False)
            case "junk":
                await self.send_body(b"this is not an event stream\n\nnor is this\n\n", more=False)

    async def break_body(self, body: bytes, broken: Break) -> None:
        """Break in the middle of a whole reply."""
        if broken.how in ("error", "json", "bytes", "junk"):
            return await self.reply(200, body[: len(body) // 2])
        await self.start(200, _JSON, {"content-length": str(len(body))})
        await self.send_body(body[: len(body) // 2])
        await self.break_off(broken)

    def _sever(self, *, reset: bool) -> None:
        if self._transport is not None:
            if reset:
                _linger_not(self._transport)
                self._transport.abort()
            else:
                self._transport.close()
        raise _Gone

    async def _until_left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


def _asked(path: str, body: bytes) -> Asked:
    if path.startswith(gemini.PREFIX):
        return gemini.asked_of(path, body)
    if path == anthropic.MESSAGES:
        return anthropic.asked_of(body)
    return responses.asked_of(body) if path == _RESPONSES else _decode(body)


def _whole(path: str, scene: Scene, body: bytes) -> dict[str, Any]:
    if path.startswith(gemini.PREFIX):
        return gemini.whole(scene, body)
    if path == anthropic.MESSAGES:
        return anthropic.whole(scene, body)
    return responses.whole(scene, body) if path == _RESPONSES else whole(scene)


def _streamed(path: str, scene: Scene, body: bytes) -> Iterator[bytes]:
    if path.startswith(gemini.PREFIX):
        return gemini.packed(scene, body)
    if path == anthropic.MESSAGES:
        return anthropic.packed(scene, body)
    return responses.packed(scene, body) if path == _RESPONSES else _packed(scene)


def _packed(scene: Scene) -> Iterator[bytes]:
    """The event stream's bytes, `pack` events at a time."""
    behaviour = scene.behaviour
    end = behaviour.line_end.encode()
    comment = b": scripted" + end + end if behaviour.comments else b""
    pending: list[bytes] = []
    for chunk in events(scene):
        pending.append(comment + b"data: " + _encode(chunk) + end + end)
        if len(pending) == behaviour.pack:
            yield b"".join(pending)
            pending.clear()
    if behaviour.done:
        pending.append(b"data: [DONE]" + end + end)
    if pending:
        yield b"".join(pending)


def _error(status: int, message: str = "") -> bytes:
    message = message or f"the scripted upstream answers {status}"
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return _encode({"error": {"message": message, "type": kind, "param": None, "code": f"mock_{status}"}})


def _linger_not(transport: Any) -> None:
    """Closing shall send RST: SO_LINGER with a time of zero."""
    own = transport.get_extra_info("socket")
    if own is None:
        return
    with socket.socket(fileno=os.dup(own.fileno())) as double:
        double.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
