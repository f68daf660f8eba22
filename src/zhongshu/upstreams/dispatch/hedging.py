"""Hedged asking: who is slow to begin gets a rival, and the first content wins (Dean and Barroso, "The Tail at Scale",
2013). The loser is cancelled at once; what it may have cost stands in the attempts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from zhongshu.core.answers import Answer, Embeddings, Passed
from zhongshu.core.ports import Asking
from zhongshu.core.problems import LEFT
from zhongshu.upstreams.dispatch.beginning import BegunStream
from zhongshu.upstreams.dispatch.choosing import Candidate
from zhongshu.upstreams.dispatch.replicas import Replica
from zhongshu.upstreams.dispatch.trying import OUTRUN, wasted_nano

T = TypeVar("T")
ENOUGH = 20
_KEPT = 100
_SLOW = 0.95


class Seat:
    """A place at a replica, for one try: taken here (`enter`), unless it was reserved before (`trial` says what it is
    then). used: whether the try has begun, which gives the place back."""

    __slots__ = ("candidate", "trial", "used")

    def __init__(self, candidate: Candidate, trial: bool | None = None) -> None:
        self.candidate = candidate
        self.trial = candidate.replica.enter() if trial is None else trial
        self.used = False


Run = Callable[[Seat, str], Awaitable[T]]


def after_s(replica: Replica, set_s: float) -> float | None:
    """How long to wait for this replica before a rival is asked; None while too few turns were seen to tell."""
    if set_s:
        return set_s
    seen = sorted(replica.latencies)
    return seen[int(len(seen) * _SLOW)] / 1e6 if len(seen) >= ENOUGH else None


def seen(replica: Replica, took_us: int) -> None:
    """A turn's content began there after so long."""
    replica.latencies.append(took_us)
    if len(replica.latencies) > _KEPT:
        del replica.latencies[0]


async def race(
    first: Seat, why: str, wait_s: float, rival: Callable[[], Seat | None], run: Run[T], asking: Asking
) -> T:
    """The first answer of `first` and, should it be slow, a rival. Raises what `first` raised when nobody answers."""
    seats = [first]
    tasks: list[asyncio.Future[T]] = [asyncio.ensure_future(_begun(first, why, run))]
    won: asyncio.Future[T] | None = None
    try:
        await asyncio.wait(tasks, timeout=wait_s)
        if not tasks[0].done() and (second := rival()) is not None:
            seats.append(second)
            tasks.append(asyncio.ensure_future(_begun(second, "hedge", run)))
        won = await _first_good(tasks)
        return (won or tasks[0]).result()
    finally:
        losers = [task for task in tasks if task is not won]
        for task in losers:
            task.cancel(OUTRUN if won is not None else None)
        await asyncio.gather(*losers, return_exceptions=True)
        for seat, task in zip(seats, tasks, strict=False):
            if task is not won:
                await _let_go(seat, task, asking)
        for seat in seats:
            if not seat.used:  # cancelled before its task had run at all
                seat.candidate.replica.leave(seat.trial)


async def _begun(seat: Seat, why: str, run: Run[T]) -> T:
    seat.used = True
    return await run(seat, why)


async def _first_good(tasks: list[asyncio.Future[T]]) -> asyncio.Future[T] | None:
    """The first that answers; None when all fail."""
    pending = set(tasks)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task in done and task.exception() is None:
                return task
    return None


async def _let_go(seat: Seat, loser: asyncio.Future[T], asking: Asking) -> None:
    """One that had answered, or begun a stream, in the very same moment: it is outrun, and has cost what it has."""
    if loser.cancelled() or loser.exception() is not None:
        return
    answer, offer = loser.result(), seat.candidate.offer
    if isinstance(answer, BegunStream):
        await answer.aclose()
        answer.over(LEFT, asking.attempts, 0)
    used = answer.usage if isinstance(answer, Answer | Embeddings | Passed) else None
    release = offer.release
    for number in reversed(range(len(asking.attempts))):
        mine = asking.attempts[number]
        if (mine.upstream, mine.model) == (release.upstream, release.upstream_model) and mine.error in ("", LEFT.code):
            cost_nano = wasted_nano(asking, offer, 0, used)
            asking.attempts[number] = msgspec.structs.replace(mine, error=OUTRUN, cost_nano=cost_nano)
            return
