"""The path of a turn: admit -> route -> answer -> label -> record, plain and streaming.

Screen, recall, ground and verify take their places between these stages as their rooms are built; a stage that is
not used is not called. A refusal is a value; a Fault is raised after it has been recorded.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

from zhongshu.core.answers import Answer, Event, Fold, Usage, unfold
from zhongshu.core.labels import NO_MARK
from zhongshu.core.ports import EventStream, Hit, Seek, Take
from zhongshu.core.problems import LEFT, Fault, Problem, Refusal
from zhongshu.core.turns import Turn
from zhongshu.pipeline.admit import admit
from zhongshu.pipeline.estimate import usage_of
from zhongshu.pipeline.generate import again, cost_of, generate, with_usage
from zhongshu.pipeline.hiding import hides, shown, shown_of
from zhongshu.pipeline.label import NOT_GENERATED, MarkedStream, label
from zhongshu.pipeline.record import Entry, record
from zhongshu.pipeline.route import route
from zhongshu.pipeline.stages import Admitted, Arrived, Closing, Labelled, Rooms, Routed
from zhongshu.pipeline.strategies.entering import assisted

Batch = tuple[Event, ...]


async def answer(rooms: Rooms, arrived: Arrived) -> Labelled | Refusal:
    """Answer a turn whole. Returns, or raises its Fault, once the record is durable."""
    entry = Entry(rooms, arrived)
    seek: Seek | None = None
    try:
        routed = await _enter(rooms, arrived, entry)
        if not isinstance(routed, Routed):
            return routed
        seek = _seek(rooms, routed)
        hit = await seek.find(wait=True) if seek else None
        if hit is not None:
            answered = again(routed, hit)
        else:
            entry.calling()
            answered = await generate(rooms, routed)
            entry.called()
            if seek is not None and isinstance(answered.answer, Answer):
                seek.keep(answered.answer, answered.usage, answered.cost_nano, entry.upstream_us)
        done = entry.answered(label(rooms, answered, entry.upstream_us))
        return shown(done) if hides(rooms, routed) else done
    except Fault as fault:
        entry.failed(fault.problem)
        raise
    except asyncio.CancelledError as cancelled:
        entry.cancelled(cancelled)
        raise
    finally:
        entry.called()
        if seek is not None:
            seek.over(left=entry.outcome == "left")
        await record(rooms, entry)
        _shadow(rooms, entry)


async def stream(rooms: Rooms, arrived: Arrived) -> Live | Refusal:
    """Begin to answer a turn piece by piece. What fails before the first piece is refused or raised here, recorded."""
    entry = Entry(rooms, arrived)
    began = False
    try:
        routed = await _enter(rooms, arrived, entry)
        if not isinstance(routed, Routed):
            return routed
        seek = _seek(rooms, routed)
        # A stream does not wait: its reader would see the first word when the other has its last.
        hit = await seek.find() if seek else None
        if hit is not None:
            began = True
            return Live(rooms, entry, routed, _Again(hit), hit=hit)
        entry.calling()
        work = routed.work
        events = await rooms.dispatcher.stream(routed.asking) if work is None else await work.begin()
        began = True
        return Live(rooms, entry, routed, events, seek)
    except Fault as fault:
        entry.failed(fault.problem)
        raise
    except asyncio.CancelledError as cancelled:
        entry.cancelled(cancelled)
        raise
    finally:
        if not began:
            entry.called()
            await record(rooms, entry)


async def _enter(rooms: Rooms, arrived: Arrived, entry: Entry) -> Routed | Refusal:
    admitted = await admit(rooms, arrived)
    if not isinstance(admitted, Admitted):
        return entry.refused(admitted)
    entry.admitted = admitted
    routed = route(rooms, admitted) if admitted.offers[0].assistant is None else assisted(rooms, admitted)
    if not isinstance(routed, Routed):
        if rooms.reader is not None and routed.problem.code == "model_cannot" and not arrived.read:
            return await _read_first(rooms, arrived, admitted, routed, entry)
        return entry.refused(routed)
    entry.routed = routed
    return routed


async def _read_first(
    rooms: Rooms, arrived: Arrived, admitted: Admitted, refused: Refusal, entry: Entry
) -> Routed | Refusal:
    """No model takes what the turn brings: make text of it, and let the turn in anew. Its place is free meanwhile, for
    the turns that read."""
    assert rooms.reader is not None, "the caller has looked"
    admitted.permit.release()
    entry.admitted = None
    read = await rooms.reader.read(rooms, arrived, admitted.offers, refused)
    if isinstance(read, Refusal) or not read.read:
        return entry.refused(read if isinstance(read, Refusal) else refused)
    entry.read(read)
    return await _enter(rooms, read, entry)


def _shadow(rooms: Rooms, entry: Entry) -> None:
    """Have the answered turn answered by its shadow too, unseen, now that its record is on disk."""
    routed = entry.routed
    if routed is not None and routed.shadow and rooms.shadows and entry.outcome == "answered" and entry.hit is None:
        rooms.shadows.repeat(rooms, routed)
    if rooms.samples is not None and routed is not None and (routed.route.other is not None or routed.work is not None):
        rooms.samples.take(rooms, routed, entry)


def _seek(rooms: Rooms, routed: Routed) -> Seek | None:
    if rooms.cache is None or routed.work is not None:
        return None
    return rooms.cache.begin(routed.asking, routed.admitted.arrived.headers)


class _Again:
    """The stream of an answer given before."""

    def __init__(self, hit: Hit) -> None:
        self._hit = hit

    async def batches(self) -> AsyncIterator[Batch]:
        """All of it at once."""
        yield (unfold(self._hit.answer),)

    async def aclose(self) -> None:
        """Nothing is left open."""


class Live:
    """A stream under way. Iterate `batches()` once, to its end or under `contextlib.aclosing`."""

    def __init__(
        self,
        rooms: Rooms,
        entry: Entry,
        routed: Routed,
        events: EventStream,
        seek: Seek | None = None,
        hit: Hit | None = None,
    ) -> None:
        self.routed = routed
        self._seek = seek
        self.hit = hit
        self._rooms = rooms
        self._entry = entry
        self._events = events
        self._fold = self._unmarked = Fold()
        entry.hit = hit

    async def batches(self, take: Take | None = None) -> AsyncGenerator[Batch | Closing, None]:
        """Events in the batches they arrived in; then, once the record is durable, the Closing.

        take: who would have batches as they arrive, once content has begun. An empty batch says that it may look what
        came of the last one it was handed.

        A stream that breaks off raises its Fault, recorded. A reader that leaves cancels the upstream at once; what
        was used until then is settled and recorded.
        """
        fold, entry = self._fold, self._entry
        hidden = hides(self._rooms, self.routed)
        ended: Problem | None = None
        mark = self._rooms.labeller.words_for(self._turn)
        marked = None if mark is NO_MARK else MarkedStream(mark)
        if marked and self._seek is not None:
            self._unmarked = Fold()
        flow = None if take is None or hidden or marked else self._flow(take)
        try:
            async for batch in self._events.batches():
                if marked:
                    batch = self._marked(marked, batch)
                for event in batch:
                    fold.add(event)
                if not entry.first_us and fold.sent_content():
                    entry.first()
                yield shown_of(batch) if hidden else batch
                if flow is not None and entry.first_us and await flow():
                    yield ()
            entry.called()
            closing = self._close()
        except Fault as fault:
            self._broken()
            entry.failed(fault.problem, content_sent=fold.sent_content())
            ended = fault.problem
            raise
        except (asyncio.CancelledError, GeneratorExit) as cancelled:
            self._broken()
            entry.cancelled(cancelled)
            ended = LEFT
            raise
        finally:
            entry.called()
            if self.hit is None:
                self._rooms.dispatcher.ended(self.routed.asking, ended)
            try:
                await self._events.aclose()
            finally:  # a reader may leave in this very moment
                await record(self._rooms, entry)
            _shadow(self._rooms, entry)
        yield closing

    def _marked(self, marked: MarkedStream, batch: Batch) -> Batch:
        """The batch with the mark where it belongs; what a cache is to keep is folded without."""
        if self._unmarked is not self._fold:
            for event in batch:
                self._unmarked.add(event)
        return tuple(map(marked.mark, batch))

    @property
    def _turn(self) -> Turn:
        return self.routed.asking.turn

    def _flow(self, take: Take) -> Callable[[], Awaitable[int]] | None:
        """What hands batches over as they arrive, folded too. None where the stream has no such way."""
        flow: Callable[[Take], Awaitable[int]] | None = getattr(self._events, "flow", None)
        if flow is None:
            return None
        add = self._fold.add

        def took(batch: Batch) -> bool:
            for event in batch:
                add(event)
            return take(batch)

        return functools.partial(flow, took)

    def _close(self) -> Closing:
        entry, hit, folded = self._entry, self.hit, self._fold.answer()
        answered = again(self.routed, hit) if hit else with_usage(self._rooms, self.routed, folded)
        if self._seek is not None:
            kept = folded if self._unmarked is self._fold else self._unmarked.answer()
            self._seek.keep(kept, answered.usage, answered.cost_nano, entry.upstream_us)
        self.routed = answered.routed
        made = self._rooms.labeller.label(self._turn) if self._turn.kind not in NOT_GENERATED else None
        entry.answered(Labelled(answered, made))
        return Closing(made, answered.usage, answered.cost_nano, entry.upstream_us, hit)

    def _broken(self) -> None:
        """What was used by a stream that did not end: as the upstream last said, else by size."""
        entry, so_far = self._entry, self._fold.answer()
        entry.answer = so_far
        entry.usage = so_far.usage or (usage_of(self._turn, so_far) if so_far.choices else Usage())
        entry.cost_nano = 0 if self.hit else cost_of(self._rooms, self.routed, entry.usage)
