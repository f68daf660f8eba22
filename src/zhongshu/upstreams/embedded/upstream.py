"""The embedded engine as an Upstream: leases a model, lets it answer, and makes its failures ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from zhongshu.core.answers import Answer, Embeddings, Event, Fold, Passed, Usage, UsageDelta
from zhongshu.core.ports import Call, EventStream
from zhongshu.core.problems import Fault, fault
from zhongshu.engine.client import EngineClient
from zhongshu.engine.messages import Address
from zhongshu.upstreams.cannot import cannot, state_unread
from zhongshu.upstreams.cosine import rerank
from zhongshu.upstreams.embedded.answering import choices, counted
from zhongshu.upstreams.embedded.link import EngineRefusal, Link, is_lost
from zhongshu.upstreams.embedded.walk import Tally

_ATTEMPTS = 2


class EmbeddedUpstream:
    """Answers with local models. `upstream_model` of a release is the engine's name of the model. guard: a thought that
    gets nowhere is closed, and `call.thought_ended` says why; an answer that goes round in a loop is ended, and
    `call.answer_ended` says so."""

    def __init__(self, name: str, engine: EngineClient, *, guard: bool = True) -> None:
        self.name = name
        self._guard = guard
        self._engine = engine
        self._links: dict[str, Link] = {}

    async def complete(self, call: Call) -> Answer:
        """The whole answer: the stream, joined."""
        fold = Fold()
        async with aclosing(self._events(call)) as events:
            async for event in events:
                fold.add(event)
        return fold.answer(call.offer.release.upstream_model)

    async def stream(self, call: Call) -> EventStream:
        """The answer as it is made; begun when this returns, so that what is wrong with the turn is known by then."""
        if call.turn.kind not in ("chat", "completion"):
            raise cannot(call, call.turn.kind)
        events = self._events(call)
        try:
            first = await anext(events)
        except BaseException:
            await events.aclose()
            raise
        return _Begun(first, events)

    async def embed(self, call: Call) -> Embeddings:
        """One vector for each text, as the caller wrote it: e5 models want "query: " or "passage: " before each
        text, and putting it there is the caller's."""
        model = call.offer.release.upstream_model
        card = call.offer.card
        if call.turn.dimensions not in (None, card.dimensions):
            raise fault(
                "unsupported",
                param="dimensions",
                field="dimensions",
                what=call.turn.model,
                remedy=f"Leave it out: its vectors have {card.dimensions} numbers.",
            )
        for attempt in range(_ATTEMPTS):
            async with self._engine.use(model) as address:
                try:
                    found = await self._link(call, address).embed(call.turn.prompts)
                    return Embeddings(found.vectors, Usage(prompt=found.tokens), model)
                except (Fault, EngineRefusal) as error:
                    self._raise(call, error, final=attempt == _ATTEMPTS - 1)
        raise AssertionError("unreachable")

    async def count_tokens(self, call: Call) -> int | None:
        """The tokens of the prompt as the model reads it, tools and our own instructions included; None while it is
        not loaded: counting is not worth loading it for."""
        model = call.offer.release.upstream_model
        loaded = {status.model for status in (await self._engine.status()).models if status.state == "ready"}
        if model not in loaded:
            return None
        async with self._engine.use(model) as address:
            try:
                return await counted(self._link(call, address), call)
            except EngineRefusal as refusal:
                raise _refused(self.name, refusal) from None

    async def hand_on(self, call: Call) -> Passed:
        """The engine runs language and embedding models only; the latter can rank documents by their vectors."""
        if call.turn.kind == "rerank" and call.offer.card.rerank == "cosine":
            return await rerank(self.embed, call)
        raise cannot(call, call.turn.kind)

    async def check(self) -> None:
        """The engine manager answers. Models are loaded on demand, so none need be loaded now."""
        await self._engine.status()

    async def aclose(self) -> None:
        """Close every connection."""
        await asyncio.gather(*(link.aclose() for link in self._links.values()))
        self._links.clear()
        await self._engine.aclose()

    async def _events(self, call: Call) -> AsyncGenerator[Event, None]:
        """Every event of the answer, the tokens used last. A process found dead before the first event is asked for
        again: the manager has started another by then."""
        state_unread(call)
        tally = Tally()
        for attempt in range(_ATTEMPTS):
            begun = False
            async with self._engine.use(call.offer.release.upstream_model) as address:
                try:
                    async with aclosing(choices(self._link(call, address), call, tally, guarded=self._guard)) as events:
                        async for event in events:
                            begun = True
                            yield event
                except (Fault, EngineRefusal) as error:
                    self._raise(call, error, final=begun or attempt == _ATTEMPTS - 1)
                    continue
            call.thought_ended, call.answer_ended = tally.thought_ended, tally.answer_ended
            yield Event((UsageDelta(tally.usage()),))
            return

    def _raise(self, call: Call, error: Fault | EngineRefusal, *, final: bool) -> None:
        """Raise what the caller is to see; return when the process was lost and another try is worth it."""
        model = call.offer.release.upstream_model
        if isinstance(error, EngineRefusal):
            raise _refused(self.name, error) from None
        if not is_lost(error):
            raise error
        self._engine.report_failure(model)
        if final:
            raise fault("engine_crashed", model=call.turn.model, retry_after_s=1.0) from None

    def _link(self, call: Call, address: Address) -> Link:
        model = call.offer.release.upstream_model
        link = self._links.get(model)
        if link is None or link.address != address:
            link = self._links[model] = Link(self.name, call.turn.model, address)
        return link


class _Begun:
    """A stream whose first event is here."""

    def __init__(self, first: Event, rest: AsyncGenerator[Event, None]) -> None:
        self._first = first
        self._rest = rest

    async def batches(self) -> AsyncIterator[tuple[Event, ...]]:
        """Each event by itself: a model makes them one at a time."""
        yield (self._first,)
        async for event in self._rest:
            yield (event,)

    async def aclose(self) -> None:
        """Stop the model's work at once."""
        await self._rest.aclose()


def _refused(upstream: str, error: EngineRefusal) -> Fault:
    """What llama.cpp would not take. Its own words may quote the request and stay here."""
    if error.status < 500:
        return fault("upstream_refused", upstream=upstream, why=f"the engine answered with status {error.status}")
    return fault("upstream_error", upstream=upstream, upstream_status=error.status)
