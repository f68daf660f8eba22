"""An upstream that speaks OpenAI's wire format: asks over a transport, reads by this folder's rules.

Knows no tenant, no price and no journal, and does not retry: who else may answer is for its caller to decide.
"""

from __future__ import annotations

from zhongshu.core.answers import Answer, Embeddings, Passed, unfold
from zhongshu.core.ports import Call, EventStream
from zhongshu.upstreams.cosine import rerank
from zhongshu.upstreams.openai import errors
from zhongshu.upstreams.openai.hand_on import PassingStream, read_passed, request_of
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.request import DIALECTS, PATHS, body_of
from zhongshu.upstreams.openai.response import read_answer, read_embeddings, read_models
from zhongshu.upstreams.openai.stream import ChunkReader
from zhongshu.upstreams.sse_stream import SseStream
from zhongshu.upstreams.transport import Headers, Request, Transport
from zhongshu.upstreams.whole import WholeStream, good, refusal, rest

JSON: Headers = (("content-type", "application/json"),)
_MODELS = Request("GET", "/models")


class OpenAIUpstream:
    """One account or server. `event_bytes` bounds one event of a stream."""

    def __init__(self, name: str, manner: Manner, transport: Transport, event_bytes: int = 8 * 1024 * 1024) -> None:
        self.name = name
        self._manner = manner
        self._transport = transport
        self._event_bytes = event_bytes

    async def complete(self, call: Call) -> Answer:
        """The whole answer. Raises Fault with an upstream_* problem, or context_length_exceeded."""
        kind = call.turn.kind
        request = Request("POST", PATHS[kind], body_of(call, self._manner, stream=False), JSON)
        response = good(await self._transport.send(request), errors.explain, self.name, call.turn.model)
        return read_answer(response.body, self.name, DIALECTS[kind], self._manner.thoughts)

    async def stream(self, call: Call) -> EventStream:
        """The answer as it is made. Raises as `complete` does until the upstream has said 200, and later from the
        stream itself."""
        kind = call.turn.kind
        passing = kind not in PATHS
        body = b"" if passing else body_of(call, self._manner, stream=True)
        request = request_of(call) if passing else Request("POST", PATHS[kind], body, JSON)
        opened = await self._transport.open(request)
        if opened.status != 200:
            raise await refusal(opened, errors.explain, self.name, call.turn.model)
        if passing:
            return PassingStream(opened, self.name, self._event_bytes, kind)
        if "json" in (opened.header("content-type") or ""):
            body = await rest(opened, self._event_bytes, self.name)
            return WholeStream(unfold(read_answer(body, self.name, DIALECTS[kind], self._manner.thoughts)))
        choices = call.turn.sampling.n * max(len(call.turn.prompts), 1)
        reader = ChunkReader(self.name, DIALECTS[kind], choices, self._manner.thoughts)
        return SseStream(opened, reader, self.name, self._event_bytes)

    async def embed(self, call: Call) -> Embeddings:
        """One vector for each text. Raises as `complete` does."""
        request = Request("POST", PATHS["embedding"], body_of(call, self._manner, stream=False), JSON)
        response = good(await self._transport.send(request), errors.explain, self.name, call.turn.model)
        return read_embeddings(response.body, self.name)

    async def hand_on(self, call: Call) -> Passed:
        """Rerank, moderation, sound and pictures. Raises as `complete` does."""
        if call.turn.kind == "rerank" and call.offer.card.rerank == "cosine":
            return await rerank(self.embed, call)
        response = good(await self._transport.send(request_of(call)), errors.explain, self.name, call.turn.model)
        return read_passed(response.body, response.header("content-type") or "application/octet-stream", call.turn.kind)

    async def check(self) -> None:
        """Ask for the list of models, which costs nothing. A server that has no such list is there all the same."""
        response = await self._transport.send(_MODELS)
        if response.status not in (404, 405):
            good(response, errors.explain, self.name)

    async def models(self) -> tuple[str, ...] | None:
        """The names it lists; None when it has no list. Raises as `check` does."""
        response = await self._transport.send(_MODELS)
        if response.status in (404, 405):
            return None
        return read_models(good(response, errors.explain, self.name).body, self.name)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()
