"""One try: asks one replica once, counts it there, and leaves an Attempt that says what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from zhongshu.core.answers import Answer, Usage
from zhongshu.core.clock import Clock
from zhongshu.core.models import Offer
from zhongshu.core.ports import Asking, Call, Upstream
from zhongshu.core.problems import Fault, fault
from zhongshu.core.records import Attempt
from zhongshu.upstreams.dispatch.beginning import BegunStream, EmptyReply
from zhongshu.upstreams.dispatch.context import tokens_of
from zhongshu.upstreams.dispatch.moves import EMPTY, status_of
from zhongshu.upstreams.dispatch.replicas import Replica

T = TypeVar("T")
Ask = Callable[[Upstream, Call], Awaitable[T]]
OUTRUN = "outrun"


class Trier:
    """Asks the upstreams of this worker, by name."""

    __slots__ = ("_now_ns", "_upstreams")

    def __init__(self, upstreams: Mapping[str, Upstream], clock: Clock) -> None:
        self._upstreams = upstreams
        self._now_ns = clock.steady_ns

    async def once(self, asking: Asking, ask: Ask[T], offer: Offer, replica: Replica, trial: bool, why: str) -> T:
        """The answer, or the Fault or EmptyReply in its place. The replica's place has been taken (`enter`); it is given
        back here, but for a stream that has begun, which keeps it until it is over."""
        if why != "hedge":
            asking.offer = offer
        if why != "retry":
            replica.host.budget.asked += 1
        call = Call(asking.turn, offer, asking.effort)
        began_ns = self._now_ns()
        error, status = "left", 0
        answer: T | None = None
        try:
            upstream = self._upstreams.get(replica.host.name)
            if upstream is None:
                raise fault("upstream_unreachable", upstream=replica.host.name)
            answer = await ask(upstream, call)
            error, status = "", 200
            asking.offer, asking.dropped, asking.call = offer, call.dropped, call
            return answer
        except Fault as broken:
            error, status = broken.problem.code, status_of(broken.problem)
            asking.dropped = call.dropped
            replica.failed_with(broken.problem, trial=trial)
            raise
        except EmptyReply:
            error, status = EMPTY, 200
            asking.dropped = call.dropped
            raise
        except asyncio.CancelledError as gone:
            error = OUTRUN if OUTRUN in gone.args else error
            raise
        finally:
            now_ns = self._now_ns()
            took_us = (now_ns - began_ns) // 1000
            release = offer.release
            cost_nano = 0 if error != OUTRUN else wasted_nano(asking, offer, _begun_tokens(asking, replica, took_us))
            attempt = Attempt(release.upstream, release.upstream_model, status, error, took_us, why, cost_nano)
            asking.attempts.append(attempt)
            if type(answer) is BegunStream:
                answer.counts_at(replica, trial, attempt, began_ns, now_ns)
            else:
                if answer is not None:
                    replica.answered_in(0, _each_us(answer, took_us), trial)
                replica.leave(trial)


def _each_us(answer: object, took_us: int) -> int:
    """How long each token of a whole answer took; 0 when nobody counted."""
    if type(answer) is not Answer or answer.usage is None:
        return 0
    return took_us // answer.usage.completion if answer.usage.completion else 0


def wasted_nano(asking: Asking, offer: Offer, completion: int, used: Usage | None = None) -> int:
    """What a try may cost whose answer was not waited for: its prompt, and the tokens it had made by then; or, where
    that is known, what was `used`."""
    return offer.card.price.cost_nano(used or Usage(tokens_of(asking.turn), completion, estimated=True))


def _begun_tokens(asking: Asking, replica: Replica, took_us: int) -> int:
    """The tokens made in that time by a replica of this pace. A stream that was outrun had brought none; of a whole
    answer nobody sees how far it had come."""
    if asking.turn.stream or not replica.token_us:
        return 0
    made = took_us // replica.token_us
    most = asking.turn.sampling.max_tokens
    return made if most is None else min(made, most)
