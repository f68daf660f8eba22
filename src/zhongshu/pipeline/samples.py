"""Samples: a share of `auto`'s turns is answered by the other kind of model too, unseen, and both answers are judged.

It begins when the turn's own record is on disk, so it neither delays nor changes the answer. It is charged to no tenant,
key or user: what it costs stands on the sample, and a ceiling of the operator's holds for all of a day's. Each call is a
record of its own that names the turn (`shadow_of`). There are only so many at once, and none while the worker is busy.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from zhongshu.catalog.samples import Sample
from zhongshu.core.answers import Answer
from zhongshu.core.labels import TextMark
from zhongshu.core.models import Offer, Other, Route
from zhongshu.core.turns import Format, Message, Sampling, ToolChoice, Turn
from zhongshu.pipeline.record import Entry
from zhongshu.pipeline.shadow import behind, unseen
from zhongshu.pipeline.stages import Ended, Rooms, Routed
from zhongshu.pipeline.strategies.wording import judged_by
from zhongshu.router.agreement import agree
from zhongshu.router.estimate import question_of
from zhongshu.router.settings import SampleSettings

log = logging.getLogger("zhongshu.samples")

_KINDS = ("chat", "completion")
_NANO = 1_000_000_000


class Book(Protocol):
    """Where samples are kept."""

    async def keep(self, sample: Sample) -> None: ...
    async def spent_today_nano(self) -> int: ...


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
        other, answer = routed.route.other, ended.answer
        turn = routed.admitted.arrived.turn
        if other is None or ended.outcome != "answered" or ended.hit is not None or not isinstance(answer, Answer):
            return
        if turn.kind not in _KINDS or turn.sampling.n > 1 or not answer.choices:
            return
        if routed.asking.offer.card.name != routed.route.offer.card.name:
            return  # who answered in its place says nothing of the choice
        if int(turn.trace[-8:], 16) >= self._settings.share * 2**32:
            return
        samples = self._samples
        if len(samples.under_way) >= samples.most() or samples.busy():
            samples.dropped += 1
            return
        work = self._sample(rooms, routed, other, answer, ended.cost_nano)
        task = asyncio.create_task(work, name="sample")
        samples.under_way.add(task)
        task.add_done_callback(samples.under_way.discard)

    async def _sample(self, rooms: Rooms, routed: Routed, other: Other, answer: Answer, cost_nano: int) -> None:
        try:
            most = round(self._settings.max_cost_per_day * _NANO)
            if most and await self._samples.book.spent_today_nano() >= most:
                return
            made = await self._taken(rooms, routed, other, answer, cost_nano)
            await self._samples.book.keep(made)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - a border: nobody awaits this task, and its text may be a user's
            log.error("a sample broke: %s", type(error).__name__)

    async def _taken(self, rooms: Rooms, routed: Routed, other: Other, answer: Answer, cost_nano: int) -> Sample:
        turn = routed.admitted.arrived.turn
        why = "The other kind of model answers too, unseen, for comparison.", "另一类模型暗中作答，以供对比。"
        route = Route(other.offer, other.effort, "sample", *why, routed.route.dial)
        entry = await unseen(
            rooms, behind(rooms, routed, routed.asking.turn, route, (other.offer,), "sample"), turn.trace
        )
        sample = Sample(
            trace=turn.trace,
            sample=entry.record().trace,
            tenant=routed.admitted.arrived.caller.tenant,
            at_ns=turn.arrived_ns,
            went=other.went,
            release=routed.asking.offer.release.name,
            other=other.offer.release.name,
            task=other.task,
            gain=other.gain,
            cost_nano=_at_home(rooms, routed.asking.offer, cost_nano, turn),
            other_nano=_at_home(rooms, other.offer, entry.cost_nano, turn),
            judge_nano=0,
            state="failed",
        )
        if entry.outcome != "answered" or not isinstance(entry.answer, Answer) or not entry.answer.choices:
            return sample
        mine, others = _said(answer, rooms.labeller.words_for(turn)), _said(entry.answer, None)
        return await self._judged(rooms, routed, sample, mine, others)

    async def _judged(self, rooms: Rooms, routed: Routed, sample: Sample, mine: str, others: str) -> Sample:
        """How right both are: alike where they agree; else as the judge says; else the reasoning model is the measure."""
        question, _ = question_of(routed.asking.turn)
        same = agree(question, mine, others)
        if same:
            return _scored(sample, 1.0, 1.0, "agreement")
        judge = self._settings.judge
        if judge:
            general, reasoning = (others, mine) if sample.went else (mine, others)
            asked = await _asked_judge(rooms, routed, judge, question, general, reasoning)
            sample = msgspec.structs.replace(sample, judge_nano=asked.nano)
            if asked.scores is not None:
                return _scored(sample, *asked.scores, f"judge: {judge}")
        if same is False:
            return _scored(sample, 0.0, 1.0, "agreement")
        return msgspec.structs.replace(sample, state="open")


class _Verdict(msgspec.Struct, frozen=True):
    """What a judge said: how right the general and the reasoning answer are, None where it said nothing that can be
    read; and what it cost."""

    scores: tuple[float, float] | None
    nano: int


class _Scores(msgspec.Struct, frozen=True):
    first: float
    second: float


_scores = msgspec.json.Decoder(_Scores, strict=False).decode


async def _asked_judge(
    rooms: Rooms, routed: Routed, judge: str, question: str, general: str, reasoning: str
) -> _Verdict:
    """Ask twice, with the answers in either order: judges favour a place. The mean of both counts."""
    found: list[tuple[float, float]] = []
    nano = 0
    for turned in (False, True):
        first, second = (reasoning, general) if turned else (general, reasoning)
        entry = await _judging(rooms, routed, judge, judged_by(question, first, second))
        if entry is None:
            return _Verdict(None, nano)
        nano += entry.cost_nano
        said = _read(entry.answer)
        if said is None:
            return _Verdict(None, nano)
        found.append((said.second, said.first) if turned else (said.first, said.second))
    return _Verdict((sum(a for a, _ in found) / 2, sum(b for _, b in found) / 2), nano)


async def _judging(rooms: Rooms, routed: Routed, judge: str, messages: tuple[Message, ...]) -> Entry | None:
    """One question to the judge; None where there is no such model."""
    offers = tuple([offer for offer in rooms.catalog.find(judge) if "chat" in offer.card.abilities])
    if not offers:
        return None
    form = Format("json") if "json" in offers[0].card.abilities else Format()
    turn = _bare(routed.asking.turn, messages, form)
    route = Route(offers[0], None, "judge", "It says how right two answers are.", "评判两份回答。")
    entry = await unseen(rooms, behind(rooms, routed, turn, route, offers[:1], "judge"), routed.asking.turn.trace)
    return entry if entry.outcome == "answered" else None


def _bare(turn: Turn, messages: tuple[Message, ...], form: Format) -> Turn:
    changes: dict[str, Any] = {
        "kind": "chat", "messages": messages, "prompts": (), "stream": False, "sampling": Sampling(temperature=0.0),
        "tools": (), "tool_choice": ToolChoice(), "format": form, "effort": None, "thinking_tokens": None, "wire": None,
    }  # fmt: skip
    return msgspec.structs.replace(turn, **changes)


def _read(answer: object) -> _Scores | None:
    text = answer.choices[0].text if isinstance(answer, Answer) and answer.choices else ""
    begin, end = text.find("{"), text.rfind("}")
    try:
        said = _scores(text[begin : end + 1])
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    return said if 0 <= said.first <= 1 and 0 <= said.second <= 1 else None


def _scored(sample: Sample, general: float, reasoning: float, by: str) -> Sample:
    return msgspec.structs.replace(sample, state="judged", general=general, reasoning=reasoning, by=by)


def _said(answer: Answer, mark: TextMark | None) -> str:
    """What an answer says, without the label's words; calls of tools by name and arguments."""
    choice = answer.choices[0]
    text = choice.text
    if mark is not None:
        text = text.removeprefix(mark.start).removesuffix(mark.end)
    return text + "".join(f"\n{call.name} {call.arguments}" for call in choice.tool_calls)


def _at_home(rooms: Rooms, offer: Offer, nano: int, turn: Turn) -> int:
    exchange = rooms.exchange
    return nano if exchange is None else exchange.to_home(nano, offer.card.price.currency, turn.arrived_ns)
