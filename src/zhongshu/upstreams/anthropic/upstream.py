"""An upstream that speaks Anthropic's Messages API: asks over a transport, reads by this folder's rules.

Knows no tenant, no price and no journal, and does not retry: who else may answer is for its caller to decide.
"""

from __future__ import annotations

from zhongshu.core.answers import Answer, Embeddings, Passed, unfold
from zhongshu.core.ports import Call, EventStream
from zhongshu.upstreams.anthropic import errors
from zhongshu.upstreams.anthropic.request import body_of, count_body
from zhongshu.upstreams.anthropic.response import DIALECT, read_answer, read_count, read_models
from zhongshu.upstreams.anthropic.stream import EventReader
from zhongshu.upstreams.cannot import cannot
from zhongshu.upstreams.sse_stream import SseStream
from zhongshu.upstreams.transport import Headers, Request, Transport
from zhongshu.upstreams.whole import WholeStream, good, refusal, rest

VERSION: Headers = (("anthropic-version", "2023-06-01"),)
JSON: Headers = (("content-type", "application/json"), *VERSION)
_MOST_PAGES = 20


class AnthropicUpstream:
    """One account or server. prefix: what stands between its address and the endpoints ("/v1", or nothing where the
    address ends with it). event_bytes bounds one event of a stream."""

    def __init__(
        self, name: str, transport: Transport, prefix: str = "/v1", event_bytes: int = 8 * 1024 * 1024
    ) -> None:
        self.name = name
        self._transport = transport
        self._prefix = prefix
        self._path = f"{prefix}/messages"
        self._event_bytes = event_bytes

    async def complete(self, call: Call) -> Answer:
        """The whole answer. Raises Fault with an upstream_* problem, context_length_exceeded or model_cannot."""
        written = body_of(call, stream=False)
        request = Request("POST", self._path, written.body, _headers(call))
        response = good(await self._transport.send(request), errors.explain, self.name, call.turn.model)
        return read_answer(response.body, self.name, written.answer_tool)

    async def stream(self, call: Call) -> EventStream:
        """The answer as it is made. Raises as `complete` does until the upstream has said 200, and later from the
        stream itself."""
        written = body_of(call, stream=True)
        opened = await self._transport.open(Request("POST", self._path, written.body, _headers(call)))
        if opened.status != 200:
            raise await refusal(opened, errors.explain, self.name, call.turn.model)
        if "json" in (opened.header("content-type") or ""):
            body = await rest(opened, self._event_bytes, self.name)
            return WholeStream(unfold(read_answer(body, self.name, written.answer_tool)))
        return SseStream(opened, EventReader(self.name, written.answer_tool), self.name, self._event_bytes)

    async def count_tokens(self, call: Call) -> int | None:
        """The tokens of the turn's prompt; None where the server does not count."""
        path = f"{self._path}/count_tokens"
        response = await self._transport.send(Request("POST", path, count_body(call), _headers(call)))
        if response.status in (404, 405, 501):
            return None
        return read_count(good(response, errors.explain, self.name, call.turn.model).body, self.name)

    async def embed(self, call: Call) -> Embeddings:
        """This format knows no vectors."""
        raise cannot(call, "embedding")

    async def hand_on(self, call: Call) -> Passed:
        """Nor requests of another kind."""
        raise cannot(call, call.turn.kind)

    async def check(self) -> None:
        """Ask for a page of its models, which costs nothing. A server that has no such list is there all the same."""
        await self._page("")

    async def models(self) -> tuple[str, ...] | None:
        """The names it lists; None when it has no list. Raises as `check` does."""
        names: tuple[str, ...] = ()
        after = ""
        for _ in range(_MOST_PAGES):
            page = await self._page(after)
            if page is None:
                return names or None
            names += page[0]
            if page[1] is None:
                return names
            after = f"&after_id={page[1]}"
        return names

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def _page(self, after: str) -> tuple[tuple[str, ...], str | None] | None:
        request = Request("GET", f"{self._prefix}/models?limit=1000{after}", headers=VERSION)
        response = await self._transport.send(request)
        if response.status in (404, 405):
            return None
        return read_models(good(response, errors.explain, self.name).body, self.name)


def _headers(call: Call) -> Headers:
    """Ours, and the beta flags of a client of this dialect."""
    wire = call.turn.wire
    return (*JSON, *wire.headers) if wire is not None and wire.headers and wire.dialect == DIALECT else JSON
