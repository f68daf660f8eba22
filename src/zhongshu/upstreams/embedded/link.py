"""The wire to one model's process: llama.cpp's own HTTP endpoints, read into small values, its errors made ours.

`/apply-template` renders messages with the model's own chat template, `/completion` continues a prompt, `/embeddings`
embeds. Everything is streamed: a long answer would outlast the wait for a first byte, and leaving stops it at once.
Knows llama.cpp's spelling, no turns. Field names: llama.cpp, tools/server/README.md.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Any, NoReturn

import msgspec

from zhongshu.core.problems import Fault, fault
from zhongshu.engine.messages import Address
from zhongshu.upstreams.sse import SseParser
from zhongshu.upstreams.transport import HttpTransport, Limits, Opened, Request

# A request may wait for a slot, then for its prompt to be read: minutes on a small machine.
_LIMITS = Limits(connect_s=5.0, first_byte_s=900.0, idle_s=300.0)
# Written first where a grammar is tried out: no model would begin with it by itself.
_SIGN = "§"
_KNOWN_SCHEMAS = 256
# What an embedding engine says of a text over its window (as a 500).
_TOO_LONG = re.compile(r"input \((\d+) tokens\) is too large")
# Of the last event; the rest would repeat the prompt.
_FIELDS = ("content", "stop", "stop_type", "tokens_predicted", "timings", "completion_probabilities")


class Timings(msgspec.Struct, frozen=True):
    """Tokens of the prompt: read now, and found in the cache."""

    prompt_n: int = 0
    cache_n: int = 0


class Token(msgspec.Struct, frozen=True):
    """A token with its log-probability, in the shape of OpenAI's entries."""

    token: str = ""
    logprob: float = 0.0
    bytes: list[int] = []
    top_logprobs: list[Token] = []


class Piece(msgspec.Struct, frozen=True):
    """Some more of a completion; the last one has `stop` set and counts the tokens."""

    content: str = ""
    stop: bool = False
    stop_type: str = ""
    tokens_predicted: int = 0
    timings: Timings = Timings()
    completion_probabilities: list[Token] = []


class Tried(msgspec.Struct, frozen=True):
    """Whether schemas can be followed, and what reading the prompt took if it was read to find out."""

    follows: bool
    timings: Timings | None = None


class Vectors(msgspec.Struct, frozen=True):
    """Embeddings in the order asked for, and the tokens they took."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: int


class _Error(msgspec.Struct, frozen=True):
    message: str = ""
    type: str = ""
    n_prompt_tokens: int = 0
    n_ctx: int = 0


class _Failed(msgspec.Struct, frozen=True):
    error: _Error = _Error()


class _Rendered(msgspec.Struct, frozen=True):
    prompt: str


class _Tokens(msgspec.Struct, frozen=True):
    tokens: list[Any]


class _Vector(msgspec.Struct, frozen=True):
    index: int
    embedding: tuple[float, ...]


class _EmbeddingUsage(msgspec.Struct, frozen=True):
    prompt_tokens: int = 0


class _Embedded(msgspec.Struct, frozen=True):
    data: list[_Vector]
    usage: _EmbeddingUsage = _EmbeddingUsage()


_PIECE = msgspec.json.Decoder(Piece)


class Link:
    """One model's process, as `upstream` of the turn sees it. `model` is the name a caller knows."""

    def __init__(self, upstream: str, model: str, address: Address) -> None:
        self.model = model
        self.address = address
        self._transport = HttpTransport(
            upstream,
            address.url,
            headers=(("Authorization", f"Bearer {address.key}"), ("Content-Type", "application/json")),
            limits=_LIMITS,
        )
        self._followed: dict[bytes, None] = {}

    async def render(self, messages: list[dict[str, str]]) -> str:
        """The prompt that the model's own chat template makes of the messages, up to where the answer begins."""
        body = await self._whole("/apply-template", {"messages": messages})
        return msgspec.json.decode(body, type=_Rendered).prompt

    async def count(self, prompt: str) -> int:
        """The tokens that `generate` would read of a prompt."""
        body = await self._whole("/tokenize", {"content": prompt, "add_special": True, "parse_special": True})
        return len(msgspec.json.decode(body, type=_Tokens).tokens)

    async def generate(self, body: dict[str, Any]) -> AsyncGenerator[Piece, None]:
        """Continue `body["prompt"]`. Closing the iterator stops the work at once."""
        request = Request(
            "POST", "/completion", msgspec.json.encode({**body, "stream": True, "response_fields": _FIELDS})
        )
        opened = await self._transport.open(request)
        try:
            if opened.status != 200:
                self._explain(opened.status, await _rest(opened))
            parser = SseParser()
            async for chunk in opened:
                for data in parser.feed(chunk):
                    piece = _PIECE.decode(data)
                    yield piece
                    if piece.stop:
                        await opened.read()
                        return
            raise fault("upstream_cut", upstream=self.model)
        finally:
            await opened.aclose()

    async def try_schemas(self, prompt: str, schemas: list[dict[str, Any]]) -> Tried:
        """Whether llama.cpp can keep to all of these JSON Schemas.

        It does not say: with a schema it cannot compile it writes freely (seen 2026-11, xllamacpp 2026.10). So a
        grammar of a sign and then the schemas is tried for one token; without the sign, there is no grammar. The
        prompt is the one to be answered next, so that reading it is not lost. What was followed once is remembered.
        """
        if not schemas:
            return Tried(True)
        names = [f"schema_{n}" for n in range(len(schemas))]
        rules = [f"{name}: %json {msgspec.json.encode(s).decode()}" for name, s in zip(names, schemas, strict=True)]
        grammar = "\n".join(["%llguidance {}", f'start: "{_SIGN}" ({" | ".join(names)})', *rules])
        known = grammar.encode()
        if known in self._followed:
            return Tried(True)
        body = {"prompt": prompt, "grammar": grammar, "n_predict": 2, "temperature": 0}
        pieces = [piece async for piece in self.generate(body)]
        if not "".join(piece.content for piece in pieces).startswith(_SIGN):
            return Tried(False)
        if len(self._followed) >= _KNOWN_SCHEMAS:
            del self._followed[next(iter(self._followed))]
        self._followed[known] = None
        return Tried(True, pieces[-1].timings)

    async def embed(self, texts: tuple[str, ...]) -> Vectors:
        """One vector for each text."""
        body = await self._whole("/v1/embeddings", {"input": texts, "encoding_format": "float"})
        found = msgspec.json.decode(body, type=_Embedded)
        ordered = sorted(found.data, key=lambda vector: vector.index)
        return Vectors(tuple(vector.embedding for vector in ordered), found.usage.prompt_tokens)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def _whole(self, path: str, body: dict[str, Any]) -> bytes:
        response = await self._transport.send(Request("POST", path, msgspec.json.encode(body)))
        if response.status != 200:
            self._explain(response.status, response.body)
        return response.body

    def _explain(self, status: int, body: bytes) -> NoReturn:
        """llama.cpp's refusal as ours. Its message may quote the request, so it is not passed on."""
        try:
            error = msgspec.json.decode(body, type=_Failed).error
        except msgspec.DecodeError:
            error = _Error()
        if error.type == "exceed_context_size_error":
            raise fault("context_length_exceeded", needed=error.n_prompt_tokens, model=self.model, limit=error.n_ctx)
        if long := _TOO_LONG.match(error.message):
            limit = self.address.context_tokens
            raise fault("context_length_exceeded", needed=int(long[1]), model=self.model, limit=limit)
        raise EngineRefusal(status, error.message)


class EngineRefusal(Exception):
    """llama.cpp would not take the request. `detail` is its own message and may quote the request: never show it."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.detail = detail


async def _rest(opened: Opened) -> bytes:
    return b"".join([chunk async for chunk in opened])


def is_lost(error: Fault) -> bool:
    """Whether the process went away or was not there."""
    return error.problem.code in ("upstream_unreachable", "upstream_cut", "upstream_malformed")
