"""An upstream that speaks Google's wire format: asks over a transport, reads by this folder's rules.

Knows no tenant, no price and no journal, and does not retry. The model stands in the address, and `alt=sse` asks for
events in place of a growing array.
"""

from __future__ import annotations

from zhongshu.core.answers import Answer, Embeddings, Passed
from zhongshu.core.ports import Call, EventStream
from zhongshu.upstreams.cannot import cannot
from zhongshu.upstreams.gemini.errors import explain
from zhongshu.upstreams.gemini.request import body_of, count_body, embedding_body, path_of
from zhongshu.upstreams.gemini.response import (
    PieceReader,
    read_answer,
    read_count,
    read_embeddings,
    read_models,
    read_pieces,
)
from zhongshu.upstreams.sse_stream import SseStream
from zhongshu.upstreams.transport import Headers, Request, Response, Transport
from zhongshu.upstreams.whole import WholeStream, good, refusal, rest

JSON: Headers = (("content-type", "application/json"),)
_MODELS = Request("GET", "/models?pageSize=1000")


class GeminiUpstream:
    """One account. `event_bytes` bounds one event of a stream."""

    def __init__(self, name: str, transport: Transport, event_bytes: int = 8 * 1024 * 1024) -> None:
        self.name = name
        self._transport = transport
        self._event_bytes = event_bytes

    async def complete(self, call: Call) -> Answer:
        """The whole answer. Raises Fault with an upstream_* problem, model_cannot or context_length_exceeded."""
        response = await self._asked(call, "generateContent", body_of(call))
        return read_answer(response.body, self.name)

    async def stream(self, call: Call) -> EventStream:
        """The answer as it is made. Raises as `complete` does until the upstream has said 200, and later from the
        stream itself."""
        path = path_of(call.offer.release.upstream_model, "streamGenerateContent?alt=sse")
        opened = await self._transport.open(Request("POST", path, body_of(call), JSON))
        if opened.status != 200:
            raise await refusal(opened, explain, self.name, call.turn.model)
        if "json" in (opened.header("content-type") or ""):
            return WholeStream(*read_pieces(await rest(opened, self._event_bytes, self.name), self.name))
        return SseStream(opened, PieceReader(self.name), self.name, self._event_bytes)

    async def count_tokens(self, call: Call) -> int | None:
        """The tokens of the turn's prompt; None where the server does not count."""
        path = path_of(call.offer.release.upstream_model, "countTokens")
        response = await self._transport.send(Request("POST", path, count_body(call), JSON))
        if response.status in (404, 405, 501):
            return None
        return read_count(good(response, explain, self.name, call.turn.model).body, self.name)

    async def embed(self, call: Call) -> Embeddings:
        """One vector for each text. Raises as `complete` does."""
        response = await self._asked(call, "batchEmbedContents", embedding_body(call))
        return read_embeddings(response.body, self.name)

    async def hand_on(self, call: Call) -> Passed:
        """Google's format has none of the other kinds."""
        raise cannot(call, call.turn.kind)

    async def check(self) -> None:
        """Ask for the list of models, which costs nothing."""
        await self.models()

    async def models(self) -> tuple[str, ...] | None:
        """The names it lists; None when it has no list."""
        response = await self._transport.send(_MODELS)
        if response.status in (404, 405):
            return None
        return read_models(good(response, explain, self.name).body, self.name)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def _asked(self, call: Call, method: str, body: bytes) -> Response:
        path = path_of(call.offer.release.upstream_model, method)
        request = Request("POST", path, body, JSON)
        return good(await self._transport.send(request), explain, self.name, call.turn.model)
