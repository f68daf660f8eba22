"""The Dispatcher: asks the upstream of the first offer once, and says what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from zhongshu.core.answers import Answer, Embeddings, Passed
from zhongshu.core.clock import Clock
from zhongshu.core.ports import Asking, Call, EventStream, Upstream
from zhongshu.core.problems import Fault, Problem, fault
from zhongshu.core.records import Attempt

T = TypeVar("T")


class UpstreamDispatcher:
    """Asks the upstreams of this worker. `upstreams` by name."""

    def __init__(self, upstreams: Mapping[str, Upstream], clock: Clock) -> None:
        self._upstreams = upstreams
        self._clock = clock

    async def complete(self, asking: Asking) -> Answer:
        """The whole answer."""
        return await self._ask(asking, lambda upstream, call: upstream.complete(call))

    async def stream(self, asking: Asking) -> EventStream:
        """The answer as it is made. Its end must be told to `ended`."""
        return await self._ask(asking, lambda upstream, call: upstream.stream(call))

    async def embed(self, asking: Asking) -> Embeddings:
        """One vector for each text."""
        return await self._ask(asking, lambda upstream, call: upstream.embed(call))

    async def hand_on(self, asking: Asking) -> Passed:
        """A request of another kind."""
        return await self._ask(asking, lambda upstream, call: upstream.hand_on(call))

    def ended(self, asking: Asking, problem: Problem | None) -> None:
        """A stream is over. What broke it belongs to the attempt that began it."""
        if problem is None or not asking.attempts:
            return
        last = asking.attempts[-1]
        asking.attempts[-1] = Attempt(last.upstream, last.model, last.status, problem.code, last.took_us, last.why)

    async def _ask(self, asking: Asking, ask: Callable[[Upstream, Call], Awaitable[T]]) -> T:
        offer = asking.offer
        release = offer.release
        upstream = self._upstreams.get(release.upstream)
        if upstream is None:
            raise fault("upstream_unreachable", upstream=release.upstream)
        call = Call(asking.turn, offer, asking.effort)
        began = self._clock.steady_ns()
        error = "left"
        try:
            answer = await ask(upstream, call)
            error = ""
            return answer
        except Fault as broken:
            error = broken.problem.code
            raise
        finally:
            asking.dropped = call.dropped
            took_us = (self._clock.steady_ns() - began) // 1000
            asking.attempts.append(Attempt(release.upstream, release.upstream_model, 0, error, took_us))
