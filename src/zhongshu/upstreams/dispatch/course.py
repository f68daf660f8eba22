"""One turn's course when asking once is not all there is to it: choose a replica, wait for a place, try, try again,
and go on to the next model of the fallback chain. Ends with the answer, or with the last failure.

Nothing here runs once a stream has brought content.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar, cast

from zhongshu.core.access import priority_of
from zhongshu.core.models import Offer
from zhongshu.core.ports import Asking, Call, Upstream
from zhongshu.core.problems import Fault, fault
from zhongshu.core.records import Attempt
from zhongshu.upstreams.dispatch import hedging, line
from zhongshu.upstreams.dispatch.beginning import EmptyReply
from zhongshu.upstreams.dispatch.board import Board, ModelRules
from zhongshu.upstreams.dispatch.budget import pause_s
from zhongshu.upstreams.dispatch.choosing import Candidate, choose
from zhongshu.upstreams.dispatch.context import longer, overflows
from zhongshu.upstreams.dispatch.hedging import Seat
from zhongshu.upstreams.dispatch.moves import CONTEXT, EMPTY, MOVES, Move, move_of
from zhongshu.upstreams.dispatch.replicas import Replica
from zhongshu.upstreams.dispatch.trying import Ask, Trier

T = TypeVar("T")
Trouble = Fault | EmptyReply
_NO_RULES = ModelRules()
_LOOK_S = (0.02, 0.1)


class Onward(NamedTuple):
    """The next model to ask: its place in the chain, and what led there."""

    tier: int
    why: str


class Course(Generic[T]):
    """The course of one turn. `run` it once; or `after` a first try of the first model's only replica that failed.

    A failure that is raised leads to the frames that it went through. A frame that still had it in a variable would be
    kept by it, with all of the turn, until the garbage collector comes by: each lets go of it first.
    """

    def __init__(self, board: Board, trier: Trier, now_ns: Callable[[], int], asking: Asking, ask: Ask[T]) -> None:
        self._board = board
        self._rules = board.rules.dispatch
        self._trier = trier
        self._now_ns = now_ns
        self._asking = asking
        self._ask = ask
        self._rest_until_ns = 0
        spent_us = sum(attempt.took_us for attempt in asking.attempts)
        self._deadline_ns = now_ns() - spent_us * 1000 + int(self._rules.deadline_s * 1e9)

    async def run(self) -> T:
        """From the beginning."""
        first = self._asking.tiers[0][0]
        if len(self._asking.tiers) > 1 and overflows(self._asking.turn, first):
            onward = self._longer(0)
            if onward is not None:
                self._passed_over(first, CONTEXT, "")
                return await self._from(onward, None, [])
        return await self._from(Onward(0, ""), None, [])

    async def after(self, trouble: Trouble, tried: Replica) -> T:
        """From a first try that failed."""
        first = self._from(Onward(0, ""), trouble, [tried])
        del trouble
        return await first

    async def _from(self, onward: Onward, trouble: Trouble | None, tried: list[Replica]) -> T:
        while True:
            tier = _Tier(self._asking.tiers, onward.tier, self._board)
            asked = None if trouble else len(self._asking.attempts)
            going = self._through(tier, onward.why, trouble, tried)
            trouble = None
            try:
                return await going
            except (Fault, EmptyReply) as last:
                if len(self._asking.attempts) == asked and isinstance(last, Fault):
                    self._passed_over(tier.nearest(self._now_ns()).offer, last.problem.code, onward.why)
                following = self._onward(onward.tier, last)
                if following is None:
                    if isinstance(last, EmptyReply):  # an empty reply is better than none
                        return cast("T", last.reply)
                    raise
            onward, tried = following, []

    def _passed_over(self, offer: Offer, code: str, why: str) -> None:
        """This one was not asked, for this reason."""
        release = offer.release
        self._asking.offer = offer
        self._asking.attempts.append(Attempt(release.upstream, release.upstream_model, 0, code, 0, why))

    # Within one model ----------------------------------------------------------------------------------------

    async def _through(self, tier: _Tier, why: str, trouble: Trouble | None, tried: list[Replica]) -> T:
        """Ask this model's replicas until one answers or no more may be tried; raise what the last try came to then."""
        try:
            while True:
                if trouble is not None:
                    if not await self._may_retry(tier, trouble, tried):
                        raise trouble
                    why = "retry"
                seat = await self._seat(tier, tried)
                if seat is None:
                    raise trouble or self._resting(tier)
                try:
                    return await self._try(tier, seat, why)
                except (Fault, EmptyReply) as failed:
                    trouble = failed
                    tried.append(seat.candidate.replica)
        finally:
            trouble = None

    async def _may_retry(self, tier: _Tier, trouble: Trouble, tried: list[Replica]) -> bool:
        """Whether another try may be made: True after the pause it takes."""
        move, now_ns = _move(trouble), self._now_ns()
        if move.again == "no" or len(tried) > self._rules.retries:
            return False
        passing = [candidate.replica for candidate in tier.candidates if candidate.replica.passes(now_ns)]
        fresh = [replica for replica in passing if replica not in tried]
        pause = 0.0 if fresh else self._pause(tier, trouble, move, tried, passing)
        if pause is None or now_ns + pause * 1e9 >= self._deadline_ns:
            return False
        # A replica in order is no part of the storm: going over to it is free.
        if not any(replica.breaker.in_a_row == 0 for replica in fresh) and not tried[-1].host.budget.take(now_ns):
            return False
        tried[-1].retried += 1
        if pause:
            await asyncio.sleep(pause)
        return True

    def _pause(
        self, tier: _Tier, trouble: Trouble, move: Move, tried: list[Replica], passing: list[Replica]
    ) -> float | None:
        """Seconds until a replica that was tried is asked again; None when it is not to be."""
        asked_for_s = trouble.problem.retry_after_s if isinstance(trouble, Fault) else None
        if move.again == "other" or (not passing and not asked_for_s):
            return None
        if asked_for_s and self._onward(tier.number, trouble) is not None:
            return None  # another model answers sooner
        return pause_s(self._rules, len(tried) - 1, asked_for_s)

    async def _seat(self, tier: _Tier, tried: list[Replica]) -> Seat | None:
        """A place at the replica to be asked, waited for where all are taken; None when nobody may be asked."""
        while True:
            now_ns = self._now_ns()
            passing = [candidate for candidate in tier.candidates if candidate.replica.passes(now_ns)]
            pool = [candidate for candidate in passing if candidate.replica not in tried] or passing
            if not pool:
                if await self._sat_out(tier):
                    continue
                return None
            free = [candidate for candidate in pool if candidate.replica.free]
            if free:
                return Seat(choose(self._preferred(free, tried), self._rules.balance, self._asking))
            got, trial = await self._waited(pool)
            if trial or got.passes(self._now_ns()):
                return Seat(next(c for c in pool if c.replica is got), trial)
            got.leave(trial)

    async def _sat_out(self, tier: _Tier) -> bool:
        """Wait out some of a short rest that an upstream with a limit and room in its line has asked for, where nobody else
        answers meanwhile; whether that was done."""
        now_ns = self._now_ns()
        soonest = tier.nearest(now_ns).replica
        host, rest_ns = soonest.host, soonest.rested_at(now_ns) - now_ns
        if not self._rest_until_ns:
            self._rest_until_ns = min(now_ns + soonest.patience_ns(self._rules), self._deadline_ns)
        if not soonest.waits_out(now_ns, self._rest_until_ns):
            return False
        if self._onward(tier.number, self._resting(tier)) is not None:
            return False
        host.sitting_out += 1
        try:
            await asyncio.sleep(rest_ns / 1e9 + random.uniform(*_LOOK_S))  # the first to ask again is on trial
        finally:
            host.sitting_out -= 1
            self._asking.queued_us += (self._now_ns() - now_ns) // 1000
        return True

    def _preferred(self, free: list[Candidate], tried: list[Replica]) -> list[Candidate]:
        """One on trial gets the next turn that can go elsewhere should the trial fail: it would never be found well
        again otherwise. A retry goes to those in order. Without retries both count alike."""
        on_trial = [candidate for candidate in free if candidate.replica.on_trial]
        if not on_trial or len(on_trial) == len(free) or not self._rules.retries:
            return free
        return [candidate for candidate in free if not candidate.replica.on_trial] if tried else on_trial

    async def _waited(self, pool: list[Candidate]) -> tuple[Replica, bool]:
        turn, caller, began_ns = self._asking.turn, self._asking.caller, self._now_ns()
        within_s = max(0.0, (self._deadline_ns - began_ns) / 1e9)
        replicas = tuple([candidate.replica for candidate in pool])
        try:
            priority = priority_of(turn.wishes.priority, caller.priority)
            return await line.wait(line.Place(caller.tenant, priority, caller.first), replicas, within_s)
        finally:
            self._asking.queued_us += (self._now_ns() - began_ns) // 1000

    async def _try(self, tier: _Tier, seat: Seat, why: str) -> T:
        ask = _within(self._ask, limit_s) if (limit_s := self._limit_s(tier)) is not None else self._ask
        if seat.trial and not why:
            why = "probe"

        async def run(seat: Seat, why: str) -> T:
            chosen = seat.candidate
            return await self._trier.once(self._asking, ask, chosen.offer, chosen.replica, seat.trial, why)

        if tier.rules.hedge_s is None or len(tier.candidates) < 2:
            return await run(seat, why)
        return await self._hedged(tier, seat, why, tier.rules.hedge_s, run)

    async def _hedged(self, tier: _Tier, seat: Seat, why: str, hedge_s: float, run: hedging.Run[T]) -> T:
        replica = seat.candidate.replica
        wait_s = hedging.after_s(replica, hedge_s)
        began_ns = self._now_ns()
        if wait_s is None:
            answer = await run(seat, why)
        else:
            answer = await hedging.race(seat, why, wait_s, lambda: self._rival(tier, replica), run, self._asking)
        if self._asking.offer is seat.candidate.offer:
            hedging.seen(replica, (self._now_ns() - began_ns) // 1000)
        return answer

    def _rival(self, tier: _Tier, than: Replica) -> Seat | None:
        """A place at another replica that is in order and has one to give, if the budget allows it."""
        now_ns = self._now_ns()
        free = [
            c for c in tier.candidates
            if c.replica is not than and not c.replica.on_trial and c.replica.passes(now_ns) and c.replica.free
        ]  # fmt: skip
        if not free or not than.host.budget.take(now_ns):
            return None
        return Seat(choose(free, self._rules.balance, self._asking))

    def _limit_s(self, tier: _Tier) -> float | None:
        """How long the next try may take. The first has only its model's limit beside its upstream's own."""
        limit_s = tier.rules.try_s
        if not self._asking.attempts:
            return limit_s
        left_s = max(0.001, (self._deadline_ns - self._now_ns()) / 1e9)
        return left_s if limit_s is None else min(limit_s, left_s)

    def _resting(self, tier: _Tier) -> Fault:
        """Nobody may be asked: who may be soonest, and when."""
        now_ns = self._now_ns()
        soonest = tier.nearest(now_ns).replica
        wait_s = max(1.0, (soonest.rested_at(now_ns) - now_ns) / 1e9)
        why = soonest.why or "switched off"
        status = 429 if why == "upstream_rate_limited" else None
        return fault("upstream_resting", upstream=soonest.host.name, why=why, retry_after_s=wait_s, status=status)

    # From one model to the next ------------------------------------------------------------------------------

    def _onward(self, tier: int, trouble: Trouble) -> Onward | None:
        """Who is asked when this model cannot answer; None when nobody may be."""
        if self._now_ns() >= self._deadline_ns:
            return None
        if isinstance(trouble, Fault) and trouble.problem.code == CONTEXT:
            return self._longer(tier)
        if not _move(trouble).on:
            return None
        for number in range(tier + 1, len(self._asking.tiers)):
            if not overflows(self._asking.turn, self._asking.tiers[number][0]):
                return Onward(number, "fallback")
        return None

    def _longer(self, tier: int) -> Onward | None:
        """The first model after this one that is known to hold more, and not certain to hold too little."""
        tiers = self._asking.tiers
        for number in range(tier + 1, len(tiers)):
            offer = tiers[number][0]
            if longer(offer, tiers[tier][0]) and not overflows(self._asking.turn, offer):
                return Onward(number, "context")
        return None


class _Tier:
    """One model of the chain: its replicas as they are now, and its own rules."""

    __slots__ = ("candidates", "number", "rules")

    def __init__(self, tiers: tuple[tuple[Offer, ...], ...], number: int, board: Board) -> None:
        offers = tiers[number]
        self.number = number
        self.candidates = [
            Candidate(offer, board.replica(offer.release.upstream, offer.release.upstream_model)) for offer in offers
        ]
        self.rules = board.rules.models.get(offers[0].release.model, _NO_RULES)

    def nearest(self, now_ns: int) -> Candidate:
        """Who may be asked soonest."""
        return min(self.candidates, key=lambda candidate: candidate.replica.rested_at(now_ns))


def _move(trouble: Trouble) -> Move:
    return move_of(trouble.problem) if isinstance(trouble, Fault) else MOVES[EMPTY]


def _within(ask: Ask[T], limit_s: float) -> Ask[T]:
    """The same, but no longer than this until content begins."""

    async def limited(upstream: Upstream, call: Call) -> T:
        try:
            async with asyncio.timeout(limit_s):
                return await ask(upstream, call)
        except TimeoutError:
            raise fault(
                "upstream_timeout", upstream=upstream.name, phase="first content", limit_s=round(limit_s, 3)
            ) from None

    return limited
