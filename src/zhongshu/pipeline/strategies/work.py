"""An assistant at work on one turn: carries out its strategy's plan, call by call, as one stream of events.

Every call goes through the dispatcher with an asking of its own; attempts, tokens and money of all of them come
together here. What a call writes goes out only where its step is shown: thoughts as thoughts, a stage as progress, and
no text that does not stand. An answer stands from its first word on: one that says nothing, only that it has ended, is
held until the plan has nothing better. Who may see thoughts is not decided here (pipeline/hiding.py).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

import msgspec

from zhongshu.core.answers import (
    Answer,
    Delta,
    Event,
    LogprobsDelta,
    ProgressDelta,
    StopDelta,
    TextDelta,
    ThoughtDelta,
    Usage,
    UsageDelta,
    unfold,
)
from zhongshu.core.models import Assistant
from zhongshu.core.ports import Asking
from zhongshu.core.problems import Fault
from zhongshu.pipeline.stages import Arrived, Plainly, Rooms, Routed
from zhongshu.pipeline.strategies.calls import (
    Inner,
    Spent,
    Tiers,
    asking_of,
    cost_in,
    judge_of,
    may_skip_thought,
    prompted,
    spent_by,
    summed,
)
from zhongshu.pipeline.strategies.cascade import cascade
from zhongshu.pipeline.strategies.dialled import by_general_alone
from zhongshu.pipeline.strategies.direct import direct
from zhongshu.pipeline.strategies.draft_check import draft_check
from zhongshu.pipeline.strategies.front_back import front_back
from zhongshu.pipeline.strategies.steps import By, Given, Plan, Stand, Step, Told
from zhongshu.pipeline.strategies.tiered import tiered

Batch = tuple[Event, ...]
PLANS = {
    "direct": direct,
    "tiered": tiered,
    "cascade": cascade,
    "front-back": front_back,
    "draft-check": draft_check,
}
ONE_CALL = ("direct", "tiered")


class AssistantWork:
    """pipeline.stages.Work, and the EventStream of its answer. `asking` is the turn's own: it holds the attempts of all
    calls, and the offer whose answer stands. alone: why the general model is to answer by itself."""

    def __init__(
        self,
        rooms: Rooms,
        arrived: Arrived,
        assistant: Assistant,
        asking: Asking,
        tiers: dict[By, Tiers],
        alone: Told | None = None,
    ) -> None:
        self._rooms = rooms
        self._arrived = arrived
        self._assistant = assistant
        self._asking = asking
        self._tiers = tiers
        self._turn = prompted(arrived, assistant)
        able: dict[By, frozenset[str]] = {by: frozenset(offers[0][0].card.abilities) for by, offers in tiers.items()}
        may_skip = "reasoning" in tiers and may_skip_thought(self._turn, assistant, tiers["reasoning"][0][0])
        given = Given(self._turn, assistant, judge_of(rooms, assistant), able, may_skip)
        self._plan: Plan = PLANS[assistant.strategy](given) if alone is None else by_general_alone(alone)
        self._one_call = alone is not None or assistant.strategy in ONE_CALL
        self._step: Step | Stand | None = None
        self._told: Told | None = None
        self._inner: Inner | None = None
        self._begun = False
        self._spent: list[Spent] = []
        self._thinker: Inner | None = None
        self._came: list[Inner] = []
        self._plain: dict[str, Plainly] = {}
        self._stood: str = ""
        self._committed = False
        self._held: list[Delta] = []
        self._thought_ended = ""
        self._events: AsyncGenerator[Batch, None] | None = None

    # What the pipeline asks of it ------------------------------------------------------------------------------

    async def begin(self) -> AssistantWork:
        """Plan, and in a stream wait for the first call's content, so that what fails before it has a status."""
        self._step = next(self._plan)
        while self._turn.stream and isinstance(self._step, Step):
            try:
                await self._open(self._step)
                self._begun = True
                break
            except Fault as fault:
                self._advance(fault)
        return self

    def batches(self) -> AsyncIterator[Batch]:
        """The answer's events: progress, thoughts, the text that stands, and last the tokens of all calls."""
        self._events = self._run()
        return self._events

    async def aclose(self) -> None:
        """Leave: cancels the call under way at once."""
        if self._events is not None:
            await self._events.aclose()
        await self._close()

    def spent(self) -> tuple[Usage, int]:
        """Tokens and money of every call so far."""
        currency = self._asking.offer.card.price.currency
        at_ns = self._arrived.turn.arrived_ns
        return summed(self._spent), cost_in(self._spent, currency, self._rooms, at_ns)

    def told(self, routed: Routed) -> Routed:
        """`routed` with what happened as its reason, and who answered."""
        told = self._told
        if told is None:
            stage = self._step.why if isinstance(self._step, Step) and self._step.why else self._assistant.strategy
            told = Told(f"It ended in the middle, at the stage {stage}.", f"在 {stage} 阶段中断。")
        route = msgspec.structs.replace(
            routed.route, offer=self._asking.offer, effort=self._asking.effort, reason=told.en, reason_zh=told.zh
        )
        return msgspec.structs.replace(routed, route=route)

    # What a sample asks of it ----------------------------------------------------------------------------------

    @property
    def plain(self) -> Mapping[str, Plainly]:
        """What its models answered by themselves."""
        return self._plain

    @property
    def stood(self) -> str:
        """Whose of these answers stands; "" for one that is made of several."""
        return self._stood

    def asking_alone(self, by: str) -> Asking | None:
        """How one of its models would be asked by itself; None where there are not both."""
        if len(self._tiers) < 2:
            return None
        step = Step("reasoning" if by == "reasoning" else "general", "")
        return asking_of(step, self._turn, self._arrived, self._assistant, self._tiers)

    # The plan, step by step ------------------------------------------------------------------------------------

    async def _run(self) -> AsyncGenerator[Batch, None]:
        try:
            while (step := self._step) is not None:
                if isinstance(step, Stand):
                    yield (self._standing(step),)
                    self._advance(step.answer)
                    continue
                try:
                    async with contextlib.aclosing(self._asked(step)) as batches:
                        async for batch in batches:
                            yield batch
                except Fault as fault:
                    if self._committed:
                        raise
                    self._advance(fault)
        finally:
            await self._close()
            if self._asking.call is not None and self._thought_ended:
                self._asking.call.thought_ended = self._thought_ended
        yield (Event((*self._held, UsageDelta(self.spent()[0]))),)

    def _advance(self, came: Answer | Fault) -> None:
        """Hand the plan an answer, or the Fault in its place, which it may raise again."""
        try:
            self._step = self._plan.throw(came) if isinstance(came, Fault) else self._plan.send(came)
        except StopIteration as done:
            self._step, self._told = None, done.value

    def _standing(self, step: Stand) -> Event:
        """A whole answer that was held back; its thoughts have gone out when it was made."""
        self._stands(next(inner for inner in self._came if inner.answer is step.answer))
        self._committed = True
        self._held.clear()
        event = unfold(step.answer)
        kept = (d for d in event.deltas if not isinstance(d, ThoughtDelta | UsageDelta) and not self._unasked(d))
        return Event(tuple(kept))

    # One call --------------------------------------------------------------------------------------------------

    async def _open(self, step: Step) -> Inner:
        """Begin a call; in a stream up to its first content."""
        asking = asking_of(step, self._turn, self._arrived, self._assistant, self._tiers)
        inner = self._inner = Inner(step, asking)
        try:
            if self._turn.stream:
                inner.events = await self._rooms.dispatcher.stream(asking)
            else:
                inner.answer = await self._rooms.dispatcher.complete(asking)
        except Fault as fault:
            inner.problem = fault.problem
            await self._close()
            raise
        except asyncio.CancelledError:
            await self._close()
            raise
        return inner

    async def _asked(self, step: Step) -> AsyncGenerator[Batch, None]:
        """A call's events, as far as they may be seen; then the plan goes on with its answer."""
        progress = self._progress(step)
        if not self._begun and progress:
            yield progress
        inner = self._inner if self._begun and self._inner else await self._open(step)
        if self._begun and progress:
            yield progress
        self._begun = False
        if step.shown:
            self._stands(inner)
        try:
            async for batch in _batches_of(inner):
                seen = batch if self._one_call else self._visible(inner, batch)
                if seen:
                    yield seen
            inner.problem = None
        except Fault as fault:
            inner.problem = fault.problem
            raise
        finally:
            await self._close()
        answer = inner.answer = inner.answer or inner.fold.answer()
        self._came.append(inner)
        if _by_itself(step):
            self._plain[step.by] = Plainly(answer, inner.asking.offer, inner.cost_nano)
        self._advance(answer)

    def _stands(self, inner: Inner) -> None:
        """This call's answer is the turn's."""
        outer, asking, step = self._asking, inner.asking, inner.step
        outer.offer, outer.effort, outer.call = asking.offer, asking.effort, asking.call
        self._stood = step.by if _by_itself(step) else ""

    async def _close(self) -> None:
        """The call under way is over: end its stream, and keep what it did and came to."""
        inner, self._inner = self._inner, None
        if inner is None:
            return
        outer, asking = self._asking, inner.asking
        if inner.events is not None:
            self._rooms.dispatcher.ended(asking, inner.problem)
            await inner.events.aclose()
        why = inner.step.why
        outer.attempts += [msgspec.structs.replace(a, why=a.why or why) if why else a for a in asking.attempts]
        outer.dropped = tuple(dict.fromkeys((*outer.dropped, *asking.dropped)))
        outer.queued_us += asking.queued_us
        self._thought_ended = self._thought_ended or asking.thought_ended
        spent = spent_by(inner, self._rooms)
        if spent is not None:
            inner.cost_nano = spent.cost_nano
            self._spent.append(spent)

    # What is seen ----------------------------------------------------------------------------------------------

    def _progress(self, step: Step) -> Batch:
        if self._one_call or not self._turn.stream:
            return ()
        return (Event((ProgressDelta(step.why, self._tiers[step.by][0][0].release.model),)),)

    def _visible(self, inner: Inner, batch: Batch) -> Batch:
        seen: list[Event] = []
        for event in batch:
            kept = tuple([shown for delta in event.deltas for shown in self._seen(inner, delta)])
            if kept:
                seen.append(Event(kept))
        return tuple(seen)

    def _seen(self, inner: Inner, delta: Delta) -> tuple[Delta, ...]:
        """What the caller sees now that this delta is here. Proofs of thoughts stay here: they hold for a conversation
        nobody else has."""
        if isinstance(delta, ThoughtDelta):
            return (self._thought(inner, delta),) if delta.text else ()
        if isinstance(delta, UsageDelta) or not inner.step.shown or self._unasked(delta):
            return ()
        if self._committed:
            return (delta,)
        held = self._held
        held.append(delta)
        if not _says(delta):
            return ()
        self._committed, self._held = True, []
        return tuple(held)

    def _thought(self, inner: Inner, delta: ThoughtDelta) -> ThoughtDelta:
        parted = self._thinker is not None and self._thinker is not inner
        self._thinker = inner
        return ThoughtDelta(delta.index, f"\n\n{delta.text}" if parted else delta.text)

    def _unasked(self, delta: Delta) -> bool:
        return isinstance(delta, LogprobsDelta) and not self._arrived.turn.sampling.logprobs


def _by_itself(step: Step) -> bool:
    """Whether a step asks a model for its own answer to the turn as it is, as deep as it would think."""
    return step.messages is None and not step.inner and not step.unthought


def _says(delta: Delta) -> bool:
    """Whether this is a part of an answer that says something."""
    if isinstance(delta, TextDelta):
        return bool(delta.text.strip())
    return not isinstance(delta, LogprobsDelta | StopDelta)


async def _batches_of(inner: Inner) -> AsyncGenerator[Batch, None]:
    """The events of a call, a whole answer as one; each is folded as it goes by."""
    if inner.events is None:
        assert inner.answer is not None, "a call that was not streamed is whole"
        yield (unfold(inner.answer),)
        return
    async for batch in inner.events.batches():
        for event in batch:
            inner.fold.add(event)
        yield batch
