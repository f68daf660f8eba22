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

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from zhongshu.upstreams.scripted import anthropic, gemini, others, responses
from zhongshu.upstreams.scripted.chunks import Asked, Scene, embeddings, events, whole
from zhongshu.upstreams.scripted.exchange import Exchange, Gone, Receive, Scope, Send, error_body
from zhongshu.upstreams.scripted.script import SHIPPED, Behaviour, Script

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Asked).decode
_RESPONSES = "/responses"


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
        exchange = Exchange(scope, receive, send, self._sent)
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
            return await exchange.reply(404, error_body(404))
        self._last, self.last_headers = body, headers
        await self._answer(exchange, path, body)

    async def _google(
        self, exchange: Exchange, path: str, method: str, body: bytes, headers: list[tuple[str, str]]
    ) -> None:
        """A method of one of Google's models, or the list of them."""
        if method == "GET":
            return await exchange.reply(200, _encode(gemini.listed(list(self._models))))
        self._last, self.last_headers = body, headers
        await self._answer(exchange, path, body)

    async def _hand(self, exchange: Exchange, path: str, body: bytes, content_type: str) -> None:
        """One of the other endpoints, by the behaviour of the model asked for."""
        try:
            fields = others.fields_of(body, content_type)
            model = str(fields.get("model", "mock"))
            behaviour = self._behaviour(Asked(model=model))
            said = others.reply(path, fields, behaviour)
        except (msgspec.DecodeError, KeyError, UnicodeDecodeError) as error:
            return await exchange.reply(400, error_body(400, f"the request cannot be read: {error}"))
        self._count(exchange, model, body)
        try:
            await self._pass(exchange, said, behaviour)
        except Gone:
            self.stats.left += exchange.left
        finally:
            exchange.forget()
            self.stats.in_flight -= 1

    async def _pass(self, exchange: Exchange, said: others.Said, behaviour: Behaviour) -> None:
        if behaviour.first_s:
            await exchange.wait(behaviour.first_s)
        if behaviour.broken is not None and behaviour.broken.after == 0:
            await exchange.break_off(behaviour.broken)
        if behaviour.status != 200:
            extra = {"retry-after": behaviour.retry_after} if behaviour.retry_after else {}
            return await exchange.reply(behaviour.status, error_body(behaviour.status), extra=extra)
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

    async def _answer(self, exchange: Exchange, path: str, body: bytes) -> None:
        try:
            asked = _asked(path, body)
            behaviour = self._behaviour(asked)
        except msgspec.DecodeError as error:
            return await exchange.reply(400, exchange.error(400, f"the request cannot be read: {error}"))
        self._count(exchange, asked.model, body)
        try:
            await self._play(exchange, path, body, asked, behaviour)
        except Gone:
            self.stats.left += exchange.left
        finally:
            exchange.forget()
            self.stats.in_flight -= 1

    async def _play(self, exchange: Exchange, path: str, body: bytes, asked: Asked, behaviour: Behaviour) -> None:
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

    async def _stream(self, exchange: Exchange, scene: Scene, pieces: Iterator[bytes]) -> None:
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

    def _count(self, exchange: Exchange, model: str, body: bytes) -> None:
        stats = self.stats
        stats.requests += 1
        stats.in_flight += 1
        stats.bytes_received += len(body)
        stats.by_model[model] = stats.by_model.get(model, 0) + 1
        if exchange.connection not in self._seen:
            self._seen.add(exchange.connection)
            stats.connections += 1

    def _sent(self, size: int) -> None:
        self.stats.bytes_sent += size

    def _list(self) -> dict[str, Any]:
        data = [{"id": name, "object": "model", "created": 0, "owned_by": "scripted"} for name in self._models]
        return {"object": "list", "data": data}


_FIELDS = msgspec.structs.fields(Behaviour)


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
