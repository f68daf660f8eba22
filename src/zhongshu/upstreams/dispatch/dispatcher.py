"""The Dispatcher: asks until one answers. A model with one upstream that is in order is asked straight away; everything
else (replicas, limits, failures) takes its course in `course.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import CoroutineType
from typing import Any, TypeVar

from zhongshu.core.answers import Answer, Embeddings, Passed
from zhongshu.core.clock import Clock
from zhongshu.core.ports import Asking, Call, EventStream, Upstream
from zhongshu.core.problems import Fault, Problem
from zhongshu.upstreams.dispatch.beginning import BegunStream, EmptyReply, begin, is_empty
from zhongshu.upstreams.dispatch.board import Board
from zhongshu.upstreams.dispatch.context import overflows
from zhongshu.upstreams.dispatch.course import Course
from zhongshu.upstreams.dispatch.trying import Ask, Trier

T = TypeVar("T")


class UpstreamDispatcher:
    """Asks the upstreams of this worker. `upstreams` by name; without a board it asks once and no more."""

    def __init__(self, upstreams: Mapping[str, Upstream], clock: Clock, board: Board | None = None) -> None:
        self._board = board or Board(clock)
        self._replicas = self._board.replicas
        self._trier = Trier(upstreams, clock)
        self._now_ns = clock.steady_ns

    def complete(self, asking: Asking) -> CoroutineType[Any, Any, Answer]:
        """The whole answer."""
        return self._asked(asking, _complete)

    async def stream(self, asking: Asking) -> EventStream:
        """The answer as it is made, from its first content on. Its end must be told to `ended`."""
        begun = await self._asked(asking, _stream)
        asking.held = begun
        return begun

    def embed(self, asking: Asking) -> CoroutineType[Any, Any, Embeddings]:
        """One vector for each text."""
        return self._asked(asking, _embed)

    def hand_on(self, asking: Asking) -> CoroutineType[Any, Any, Passed]:
        """A request of another kind."""
        return self._asked(asking, _hand_on)

    def ended(self, asking: Asking, problem: Problem | None) -> None:
        """A stream is over: well, with this problem, or (code "left") left by its reader."""
        begun, asking.held = asking.held, None
        if isinstance(begun, BegunStream):
            begun.over(problem, asking.attempts, self._now_ns())

    async def _asked(self, asking: Asking, ask: Ask[T]) -> T:
        tier = asking.tiers[0]
        offer = tier[0]
        release = offer.release
        replica = self._replicas.get((release.upstream, release.upstream_model))
        if replica is None or not replica.calm or len(tier) > 1 or release.model in self._board.rules.models:
            return await Course(self._board, self._trier, self._now_ns, asking, ask).run()
        if len(asking.tiers) > 1 and overflows(asking.turn, offer):
            return await Course(self._board, self._trier, self._now_ns, asking, ask).run()
        try:
            return await self._trier.once(asking, ask, offer, replica, replica.enter(), "")
        except (Fault, EmptyReply) as trouble:
            return await Course(self._board, self._trier, self._now_ns, asking, ask).after(trouble, replica)


async def _complete(upstream: Upstream, call: Call) -> Answer:
    answer = await upstream.complete(call)
    if is_empty(answer, call.turn):
        raise EmptyReply(answer)
    return answer


async def _stream(upstream: Upstream, call: Call) -> BegunStream:
    return await begin(await upstream.stream(call), call.turn)


async def _embed(upstream: Upstream, call: Call) -> Embeddings:
    return await upstream.embed(call)


async def _hand_on(upstream: Upstream, call: Call) -> Passed:
    return await upstream.hand_on(call)
