"""Samples: a share of the turns of `auto` and of assistants is answered in the other way too, unseen, and the answers are
judged.

It begins when the turn's own record is on disk, so it neither delays nor changes the answer. It is charged to no tenant,
key or user: what it costs stands on the sample, and a ceiling of the operator's holds for all of a day's, in all workers:
what a sample may come to is set aside before it begins. Each call is a record of its own that names the turn
(`shadow_of`). There are only so many at once, and none while the worker is busy.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

import msgspec

from zhongshu.catalog.samples import Sample
from zhongshu.core.answers import Answer
from zhongshu.core.money import ceiling_nano
from zhongshu.pipeline.comparing import Judging
from zhongshu.pipeline.shadow import behind, unseen
from zhongshu.pipeline.stages import Ended, Rooms, Routed
from zhongshu.pipeline.ways import Known, Ways, at_home, said, ways_of
from zhongshu.router.settings import SampleSettings

log = logging.getLogger("zhongshu.samples")

_KINDS = ("chat", "completion")


class Book(Protocol):
    """Where samples are kept."""

    async def keep(self, sample: Sample) -> None: ...
    async def reserve(self, trace: str, at_ns: int, most_nano: int, ceiling_nano: int) -> bool:
        """Whether that much is still free in the day of `at_ns`; then it is set aside."""
        ...


class Samples:
    """The samples of one worker. book: where they are kept. most: at once. busy: whether there is better to do now."""

    def __init__(self, book: Book, most: Callable[[], int], busy: Callable[[], bool]) -> None:
        self.book = book
        self.most = most
        self.busy = busy
        self.under_way: set[asyncio.Task[None]] = set()
        self.dropped = 0

    def by(self, settings: SampleSettings) -> Sampler | None:
        """The sampler of these settings; None where nothing is sampled."""
        return Sampler(self, settings) if settings.share > 0 else None

    async def aclose(self) -> None:
        """End those under way; each is still recorded. The journal must be open."""
        under_way = [*self.under_way]
        for task in under_way:
            task.cancel("draining")
        if under_way:
            await asyncio.wait(under_way)


class Sampler:
    """pipeline.stages.Sampling."""

    def __init__(self, samples: Samples, settings: SampleSettings) -> None:
        self._samples = samples
        self._settings = settings

    def take(self, rooms: Rooms, routed: Routed, ended: Ended) -> None:
        """Have this turn sampled, if it is its lot. Returns at once. The lot is the trace's own, which is random."""
        answer = ended.answer
        turn = routed.admitted.arrived.turn
        if ended.outcome != "answered" or ended.hit is not None or not isinstance(answer, Answer):
            return
        if turn.kind not in _KINDS or turn.sampling.n > 1 or not answer.choices:
            return
        if int(turn.trace[-8:], 16) >= self._settings.share * 2**32:
            return
        ways = ways_of(rooms, routed, answer, ended)
        if ways is None:
            return
        samples = self._samples
        if len(samples.under_way) >= samples.most() or samples.busy():
            samples.dropped += 1
            return
        task = asyncio.create_task(self._sample(rooms, routed, ways, ended.cost_nano), name="sample")
        samples.under_way.add(task)
        task.add_done_callback(samples.under_way.discard)

    async def _sample(self, rooms: Rooms, routed: Routed, ways: Ways, cost_nano: int) -> None:
        try:
            judging = Judging(rooms, routed, self._settings.judge, ways.question)
            ceiling = self._settings.max_cost_per_day
            if ceiling:
                most = ways.most_nano(rooms) + judging.most_nano(1 if ways.stood else 2)
                turn = routed.admitted.arrived.turn
                if not await self._samples.book.reserve(turn.trace, turn.arrived_ns, most, ceiling_nano(ceiling)):
                    return
            made = await self._taken(rooms, routed, ways, cost_nano, judging)
            await self._samples.book.keep(made)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - a border: nobody awaits this task, and its text may be a user's
            log.error("a sample broke: %s", type(error).__name__)

    async def _taken(self, rooms: Rooms, routed: Routed, ways: Ways, cost_nano: int, judging: Judging) -> Sample:
        turn = routed.admitted.arrived.turn
        known, trace, other_nano = dict(ways.known), "", 0
        failed = False
        for one in ways.missing:
            beside = behind(rooms, routed, one.turn, one.route, (one.route.offer,), "sample")
            entry = await unseen(rooms, beside, turn.trace)
            nano = at_home(rooms, one.route.offer, entry.cost_nano, turn)
            trace, other_nano = entry.record().trace, other_nano + nano
            if entry.outcome != "answered" or not isinstance(entry.answer, Answer) or not entry.answer.choices:
                failed = True
                break
            known[one.by] = Known(said(entry.answer, None), nano)
        general, reasoning = known.get("general"), known.get("reasoning")
        sample = Sample(
            trace=turn.trace,
            sample=trace,
            tenant=routed.admitted.arrived.caller.tenant,
            at_ns=turn.arrived_ns,
            went=ways.went,
            release=routed.asking.offer.release.name,
            other=", ".join(one.route.offer.release.name for one in ways.missing),
            task=ways.task,
            gain=ways.gain,
            cost_nano=at_home(rooms, routed.asking.offer, cost_nano, turn),
            other_nano=other_nano,
            judge_nano=0,
            state="failed",
            asked=ways.asked,
            general_nano=general.nano if general else None,
            reasoning_nano=reasoning.nano if reasoning else None,
        )
        if failed or general is None or reasoning is None:
            return sample
        return await _judged(judging, sample, general.text, reasoning.text, None if ways.stood else ways.own)


async def _judged(judging: Judging, sample: Sample, general: str, reasoning: str, own: str | None) -> Sample:
    """How right both models' answers are, and the answer given, where it is neither's."""
    pair = await judging.compare(general, reasoning)
    mine = await judging.compare(own, reasoning) if own is not None and pair is not None else None
    sample = msgspec.structs.replace(sample, judge_nano=judging.nano)
    if pair is None or (own is not None and mine is None):
        return msgspec.structs.replace(sample, state="open")
    by = pair.by if mine is None or pair.by != "agreement" else mine.by
    if mine is None:
        return _scored(sample, pair.first, pair.second, by)
    # Two comparisons of one reasoning answer: an agreement says only that two are alike, a judge how right they are.
    if mine.alike:
        return _scored(sample, pair.first, pair.second, by, pair.second)
    if pair.alike:
        return _scored(sample, mine.second, mine.second, by, mine.first)
    return _scored(sample, pair.first, (pair.second + mine.second) / 2, by, mine.first)


def _scored(sample: Sample, general: float, reasoning: float, by: str, done: float | None = None) -> Sample:
    return msgspec.structs.replace(sample, state="judged", general=general, reasoning=reasoning, by=by, done=done)
