"""An upstream that speaks the Responses format: asks over a transport, reads by this folder's rules.

Knows no tenant and no conversation: each turn brings all that came before it, and nothing is kept at the provider.
"""

from __future__ import annotations

from zhongshu.core.answers import Answer, Embeddings, Passed, unfold
from zhongshu.core.ports import Call, EventStream
from zhongshu.upstreams.cannot import cannot
from zhongshu.upstreams.openai import errors
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.response import read_models
from zhongshu.upstreams.responses.reply import read_answer
from zhongshu.upstreams.responses.request import body_of
from zhongshu.upstreams.responses.stream import EventReader
from zhongshu.upstreams.sse_stream import SseStream
from zhongshu.upstreams.transport import Headers, Request, Transport
from zhongshu.upstreams.whole import WholeStream, good, refusal, rest

JSON: Headers = (("content-type", "application/json"),)
_PATH = "/responses"
_MODELS = Request("GET", "/models")


class ResponsesUpstream:
    """One account or server. `event_bytes` bounds one event of a stream, of which the last holds the whole answer."""

    def __init__(self, name: str, manner: Manner, transport: Transport, event_bytes: int = 8 * 1024 * 1024) -> None:
        self.name = name
        self._manner = manner
        self._transport = transport
        self._event_bytes = event_bytes

    async def complete(self, call: Call) -> Answer:
        """The whole answer. Raises Fault with an upstream_* problem, context_length_exceeded or model_cannot."""
        request = Request("POST", _PATH, body_of(call, self._manner, stream=False), JSON)
        response = good(await self._transport.send(request), errors.explain, self.name, call.turn.model)
        return read_answer(response.body, self.name)

    async def stream(self, call: Call) -> EventStream:
        """The answer as it is made. Raises as `complete` does until the upstream has said 200, and later from the
        stream itself."""
        opened = await self._transport.open(
            Request("POST", _PATH, body_of(call, self._manner, stream=True), JSON),
        )
        if opened.status != 200:
            raise await refusal(opened, errors.explain, self.name, call.turn.model)
        if "json" in (opened.header("content-type") or ""):
            return WholeStream(unfold(read_answer(await rest(opened, self._event_bytes, self.name), self.name)))
        return SseStream(opened, EventReader(self.name), self.name, self._event_bytes)

    async def embed(self, call: Call) -> Embeddings:
        """This format knows no vectors."""
        raise cannot(call, "embedding")

    async def hand_on(self, call: Call) -> Passed:
        """Nor requests of another kind."""
        raise cannot(call, call.turn.kind)

    async def check(self) -> None:
        """Ask for the list of models, which costs nothing. A server that has no such list is there all the same."""
        await self.models()

    async def models(self) -> tuple[str, ...] | None:
        """The names it lists; None when it has no list."""
        response = await self._transport.send(_MODELS)
        if response.status in (404, 405):
            return None
        return read_models(good(response, errors.explain, self.name).body, self.name)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()
