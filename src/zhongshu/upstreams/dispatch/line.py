"""Turns that wait for a place at an upstream: bounded, fair among tenants, by priority, left at once by who goes away.

Whose turn it is: first those of tenants that the operator put first and that are "high" themselves, then everybody's,
then those that say "low"; of every eight places one is for the low ones first, and one for everybody's. Within each of
these, tenants one after the other; within a tenant "high" before "normal". So nobody gets ahead of another tenant by
calling itself high. Knows replicas only by whether they are free.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from zhongshu.core.problems import Fault, fault

if TYPE_CHECKING:
    from zhongshu.upstreams.dispatch.replicas import Host, Replica

RETRY_AFTER_S = 1.0
_ROUND = 8
# The bands in the order they are served: usually, and at the fourth and the eighth place of each round.
_LOW, _EVERYBODY, _FIRST = range(3)
_USUAL = (_FIRST, _EVERYBODY, _LOW)
_ORDERS = {3: (_EVERYBODY, _FIRST, _LOW), 7: (_LOW, _EVERYBODY, _FIRST)}

_Band = OrderedDict[str, "deque[Ticket]"]


class Place(NamedTuple):
    """Who waits. priority: the turn's class; first: whether its tenant's "high" counts among tenants."""

    tenant: str
    priority: str
    first: bool = False


class Ticket:
    """A turn that waits for any of these replicas. `got` becomes the one whose place is reserved for it, and whether it
    is a trial there."""

    __slots__ = ("band", "got", "high", "lines", "replicas", "tenant")

    def __init__(self, place: Place, replicas: tuple[Replica, ...]) -> None:
        self.tenant = place.tenant
        self.high = place.priority == "high"
        self.band = _LOW if place.priority == "low" else _FIRST if self.high and place.first else _EVERYBODY
        self.replicas = replicas
        self.lines: list[Line] = []
        self.got: asyncio.Future[tuple[Replica, bool]] = asyncio.get_running_loop().create_future()

    def forget(self) -> None:
        """Leave every line."""
        for line in self.lines:
            line.drop(self)
        self.lines.clear()


class Line:
    """Those who wait for one upstream."""

    __slots__ = ("_bands", "_served", "waiting")

    def __init__(self) -> None:
        self.waiting = 0
        self._served = 0
        self._bands: tuple[_Band, ...] = (OrderedDict(), OrderedDict(), OrderedDict())

    def join(self, ticket: Ticket, most: int) -> bool:
        """Whether there is room for one more. When there is none, somebody of a lower band gives up the place, or of a
        tenant with clearly more turns here than the newcomer's: the newest."""
        if self.waiting >= most and not (most and self._make_room(ticket)):
            return False
        self._bands[ticket.band].setdefault(ticket.tenant, deque()).append(ticket)
        ticket.lines.append(self)
        self.waiting += 1
        return True

    def drop(self, ticket: Ticket) -> None:
        """It waits no more."""
        among = self._bands[ticket.band]
        mine = among.get(ticket.tenant)
        if mine is None or ticket not in mine:
            return
        mine.remove(ticket)
        self.waiting -= 1
        if not mine:
            del among[ticket.tenant]

    def serve(self, host: Host) -> None:
        """Reserve free places of this host for those whose turn it is."""
        while self.waiting:
            served = self._next(host)
            if served is None:
                return
            ticket, replica = served
            ticket.forget()
            self._served += 1
            ticket.got.set_result((replica, replica.enter()))

    def _next(self, host: Host) -> tuple[Ticket, Replica] | None:
        for band in _ORDERS.get(self._served % _ROUND, _USUAL):
            found = self._first(self._bands[band], host)
            if found is not None:
                return found
        return None

    def _first(self, among: _Band, host: Host) -> tuple[Ticket, Replica] | None:
        """The first tenant's first ticket that can be served; its tenant goes to the end of the round."""
        for tenant, mine in among.items():
            for ticket in sorted(mine, key=_not_high):
                for replica in ticket.replicas:
                    if replica.host is host and replica.free:
                        among.move_to_end(tenant)
                        return ticket, replica
        return None

    def _make_room(self, newcomer: Ticket) -> bool:
        """Turn somebody away for the newcomer, if there is anybody whom that is fair to."""
        for band in self._bands[: newcomer.band]:
            if band:
                return self._turn_away(_most(band))
        band = self._bands[newcomer.band]
        own = band.get(newcomer.tenant, ())
        if newcomer.high and any(not ticket.high for ticket in own):
            return self._turn_away(own)
        if band and len(_most(band)) > len(own) + 1:
            return self._turn_away(_most(band))
        return False

    def _turn_away(self, mine: Sequence[Ticket]) -> bool:
        """The newest of these waits here no more, "high" ones last; who waits nowhere else is told so."""
        ticket = next((ticket for ticket in reversed(mine) if not ticket.high), mine[-1])
        self.drop(ticket)
        ticket.lines.remove(self)
        if not ticket.lines:
            ticket.got.set_exception(overloaded())
        return True


def _most(band: _Band) -> deque[Ticket]:
    """The turns of the tenant that has most of a band."""
    return max(band.values(), key=len)


def _not_high(ticket: Ticket) -> bool:
    return not ticket.high


async def wait(place: Place, replicas: tuple[Replica, ...], within_s: float) -> tuple[Replica, bool]:
    """A place at one of these replicas, reserved, and whether it is a trial there.

    Raises Fault("overloaded") at once when every line is full, and when none came free within `within_s`.
    """
    ticket = Ticket(place, replicas)
    hosts = {replica.host.name: replica.host for replica in replicas}
    joined = [host for host in hosts.values() if host.line.join(ticket, host.limits.queue)]
    if not joined:
        raise overloaded()
    patience_s = min(within_s, max(host.limits.queue_s for host in joined))
    try:
        async with asyncio.timeout(patience_s):
            return await asyncio.shield(ticket.got)
    except (TimeoutError, asyncio.CancelledError) as gone:
        ticket.forget()
        if ticket.got.done() and not ticket.got.exception():
            got, trial = ticket.got.result()
            if isinstance(gone, TimeoutError):
                return got, trial  # it came free in the same moment
            got.leave(trial)
        if isinstance(gone, TimeoutError):
            raise overloaded() from None
        raise


def overloaded() -> Fault:
    """There is no place and no room to wait."""
    return fault("overloaded", retry_after_s=RETRY_AFTER_S)
