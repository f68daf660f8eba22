"""The path of a turn: admit -> route -> answer -> label -> record, plain and streaming.

Screen, recall, ground and verify take their places between these stages as their rooms are built; a stage that is
not used is not called. A refusal is a value; a Fault is raised after it has been recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from zhongshu.core.answers import Event, Fold, Usage
from zhongshu.core.labels import NO_MARK
from zhongshu.core.ports import EventStream
from zhongshu.core.problems import Fault, Refusal
from zhongshu.core.turns import Turn
from zhongshu.pipeline.admit import admit
from zhongshu.pipeline.estimate import usage_of
from zhongshu.pipeline.generate import call_of, cost_of, generate, with_usage
from zhongshu.pipeline.label import MarkedStream, label
from zhongshu.pipeline.record import Entry, record
from zhongshu.pipeline.route import route
from zhongshu.pipeline.stages import Arrived, Closing, Labelled, Rooms, Routed

Batch = tuple[Event, ...]


async def answer(rooms: Rooms, arrived: Arrived) -> Labelled | Refusal:
    """Answer a turn whole. Returns, or raises its Fault, once the record is durable."""
    entry = Entry(rooms, arrived)
    try:
        routed = await _enter(rooms, arrived, entry)
        if isinstance(routed, Refusal):
            return routed
        entry.calling()
        answered = await generate(routed)
        entry.called()
        return entry.answered(label(rooms, answered, entry.upstream_us))
    except Fault as fault:
        entry.failed(fault.problem)
        raise
    except asyncio.CancelledError as cancelled:
        entry.cancelled(cancelled)
        raise
    finally:
        entry.called()
        await record(rooms, entry)


async def stream(rooms: Rooms, arrived: Arrived) -> Live | Refusal:
    """Begin to answer a turn piece by piece. What fails before the first piece is refused or raised here, recorded."""
    entry = Entry(rooms, arrived)
    began = False
    try:
        routed = await _enter(rooms, arrived, entry)
        if isinstance(routed, Refusal):
            return routed
        entry.calling()
        events = await routed.upstream.stream(call_of(routed))
        began = True
        return Live(rooms, entry, routed, events)
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
    if isinstance(admitted, Refusal):
        return entry.refused(admitted)
    entry.admitted = admitted
    routed = route(rooms, admitted)
    if isinstance(routed, Refusal):
        return entry.refused(routed)
    entry.routed = routed
    return routed


class Live:
    """A stream under way. Iterate `batches()` once, to its end or under `contextlib.aclosing`."""

    def __init__(self, rooms: Rooms, entry: Entry, routed: Routed, events: EventStream) -> None:
        self.routed = routed
        self._rooms = rooms
        self._entry = entry
        self._events = events
        self._fold = Fold()

    async def batches(self) -> AsyncGenerator[Batch | Closing, None]:
        """Events in the batches they arrived in; then, once the record is durable, the Closing.

        A stream that breaks off raises its Fault, recorded. A reader that leaves cancels the upstream at once; what
        was used until then is settled and recorded.
        """
        fold, entry = self._fold, self._entry
        mark = self._rooms.labeller.words_for(self._turn)
        marked = None if mark is NO_MARK else MarkedStream(mark)
        try:
            async for batch in self._events.batches():
                if marked:
                    batch = tuple(map(marked.mark, batch))
                for event in batch:
                    fold.add(event)
                if not entry.first_us and fold.sent_content():
                    entry.first()
                yield batch
            entry.called()
            closing = self._close()
        except Fault as fault:
            self._broken()
            entry.failed(fault.problem, content_sent=fold.sent_content())
            raise
        except (asyncio.CancelledError, GeneratorExit) as cancelled:
            self._broken()
            entry.cancelled(cancelled)
            raise
        finally:
            entry.called()
            await self._events.aclose()
            await record(self._rooms, entry)
        yield closing

    @property
    def _turn(self) -> Turn:
        return self.routed.admitted.arrived.turn

    def _close(self) -> Closing:
        answered = with_usage(self.routed, self._fold.answer())
        made = self._rooms.labeller.label(self._turn)
        self._entry.answered(Labelled(answered, made))
        return Closing(made, answered.usage, answered.cost_nano, self._entry.upstream_us)

    def _broken(self) -> None:
        """What was used by a stream that did not end: as the upstream last said, else by size."""
        entry, so_far = self._entry, self._fold.answer()
        entry.answer = so_far
        entry.usage = so_far.usage or (usage_of(self._turn, so_far) if so_far.choices else Usage())
        entry.cost_nano = cost_of(self.routed, entry.usage)
