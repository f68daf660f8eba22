"""Shadows: a turn that is over is answered once more, by another release, unseen.

It begins when the turn's own record is on disk, so it neither delays nor changes the answer. It is not charged and
counts in no limit; what it comes to is a record of its own that names the turn it repeats. There are only so many at
once, none while the worker is busy, and a server that stops waits for none: one that finds no place is dropped.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import msgspec

from zhongshu.core.access import Caller
from zhongshu.core.answers import Fold
from zhongshu.core.ids import trace_id
from zhongshu.core.models import Offer, Route
from zhongshu.core.ports import Asking
from zhongshu.core.problems import LEFT, Fault, Problem
from zhongshu.core.turns import Turn, Wishes
from zhongshu.pipeline.generate import generate, with_usage
from zhongshu.pipeline.record import Entry
from zhongshu.pipeline.stages import Answered, Arrived, Labelled, Rooms, Routed

log = logging.getLogger("zhongshu.shadow")

_KINDS = frozenset({"chat", "completion", "embedding"})
_LAST = Wishes(cache="no-store", priority="low")
_NOBODY = Caller("", "shadow")
"""Who waits for a free place: not the tenant, whose own turns a shadow must not stand before."""


class Shadows:
    """The shadows of one worker. most: at once. busy: whether there is better to do now. dropped: how many found no
    place."""

    def __init__(self, most: Callable[[], int], busy: Callable[[], bool]) -> None:
        self._most = most
        self._busy = busy
        self._under_way: set[asyncio.Task[Entry]] = set()
        self.dropped = 0

    def repeat(self, rooms: Rooms, routed: Routed) -> None:
        """Have a turn that was answered answered by its shadow too. Returns at once."""
        if routed.asking.turn.kind not in _KINDS:
            return
        if len(self._under_way) >= self._most() or self._busy():
            self.dropped += 1
            return
        task = asyncio.create_task(unseen(rooms, _shadow_of(rooms, routed), routed.asking.turn.trace), name="shadow")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def aclose(self) -> None:
        """End those under way; each is still recorded. The journal must be open."""
        under_way = [*self._under_way]
        for task in under_way:
            task.cancel("draining")
        if under_way:
            await asyncio.wait(under_way)


async def unseen(rooms: Rooms, mine: Routed, trace: str) -> Entry:
    """Answer a turn that nobody waits for, and record it beside the turn `trace`. What fails is in the entry."""
    entry = Entry(rooms, mine.admitted.arrived)
    entry.routed = mine
    try:
        entry.calling()
        answered = await _answer(rooms, mine, entry)
        entry.called()
        entry.answered(Labelled(answered, None))
    except Fault as fault:
        entry.failed(fault.problem)
    except asyncio.CancelledError as cancelled:
        entry.cancelled(cancelled)
        raise
    except Exception as error:  # noqa: BLE001 - a border: nobody awaits this task, and its text may be a user's
        log.error("a shadow broke: %s", type(error).__name__)
    finally:
        entry.called()
        await _record(rooms, entry, trace)
    return entry


def behind(rooms: Rooms, routed: Routed, turn: Turn, route: Route, offers: tuple[Offer, ...], split: str) -> Routed:
    """A turn beside another one: under a name of its own, behind everybody else, charged to nobody."""
    arrived, clock = routed.admitted.arrived, rooms.clock
    turn = msgspec.structs.replace(turn, trace=trace_id(), arrived_ns=clock.now_ns(), wishes=_LAST)
    again = Arrived(turn, arrived.caller, clock.steady_ns(), arrived.body, read=arrived.read)
    asking = Asking(turn, _NOBODY, (offers,), route.effort)
    admitted = msgspec.structs.replace(routed.admitted, arrived=again)
    return Routed(admitted, route, asking, f"{split}: {asking.offer.release.name}")


def _shadow_of(rooms: Rooms, routed: Routed) -> Routed:
    """The same turn for the shadow's release."""
    turn, route = routed.admitted.arrived.turn, msgspec.structs.replace(routed.route, effort=routed.asking.effort)
    return behind(rooms, routed, turn, route, routed.shadow, "shadow")


async def _answer(rooms: Rooms, routed: Routed, entry: Entry) -> Answered:
    """As the turn was answered, whole or in pieces, so that times compare."""
    asking = routed.asking
    if not asking.turn.stream:
        return await generate(rooms, routed)
    events = await rooms.dispatcher.stream(asking)
    fold = Fold()
    ended: Problem | None = LEFT
    try:
        async for batch in events.batches():
            for event in batch:
                fold.add(event)
            if not entry.first_us and fold.sent_content():
                entry.first()
        ended = None
    except Fault as fault:
        ended = fault.problem
        raise
    finally:
        rooms.dispatcher.ended(asking, ended)
        await events.aclose()
    return with_usage(rooms, routed, fold.answer())


async def _record(rooms: Rooms, entry: Entry, trace: str) -> None:
    try:
        await rooms.journal.write(msgspec.structs.replace(entry.record(), shadow_of=trace))
    except Fault as fault:
        log.warning("a shadow could not be recorded: %s", fault.problem.code)
