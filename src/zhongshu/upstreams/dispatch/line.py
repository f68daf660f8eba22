"""Turns that wait for a place at an upstream: bounded, fair among tenants, by priority, left at once by who goes away.

Whose turn it is: tenants one after the other; within a tenant "high" before "normal". A turn that says "low" waits
behind everybody's others, but every eighth place is for the low ones. Nobody gets ahead of another tenant by calling
itself high. Knows replicas only by whether they are free.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from zhongshu.core.problems import Fault, fault

if TYPE_CHECKING:
    from zhongshu.upstreams.dispatch.replicas import Host, Replica

RETRY_AFTER_S = 1.0
_LOW_EVERY = 8


class Ticket:
    """A turn that waits for any of these replicas. `got` becomes the one whose place is reserved for it, and whether it
    is a trial there."""

    __slots__ = ("got", "high", "lines", "low", "replicas", "tenant")

    def __init__(self, tenant: str, priority: str, replicas: tuple[Replica, ...]) -> None:
        self.tenant = tenant
        self.high = priority == "high"
        self.low = priority == "low"
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

    __slots__ = ("_low", "_served", "_tenants", "waiting")

    def __init__(self) -> None:
        self.waiting = 0
        self._served = 0
        self._tenants: OrderedDict[str, deque[Ticket]] = OrderedDict()
        self._low: OrderedDict[str, deque[Ticket]] = OrderedDict()

    def join(self, ticket: Ticket, most: int) -> bool:
        """Whether there is room for one more. When there is none, a tenant with clearly more turns here than the
        newcomer's gives one up: its newest."""
        if self.waiting >= most and not (most and self._make_room(ticket.tenant)):
            return False
        among = self._low if ticket.low else self._tenants
        among.setdefault(ticket.tenant, deque()).append(ticket)
        ticket.lines.append(self)
        self.waiting += 1
        return True

    def drop(self, ticket: Ticket) -> None:
        """It waits no more."""
        among = self._low if ticket.low else self._tenants
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
        low_first = self._served % _LOW_EVERY == _LOW_EVERY - 1
        order = (self._low, self._tenants) if low_first else (self._tenants, self._low)
        return self._first(order[0], host) or self._first(order[1], host)

    def _first(self, among: OrderedDict[str, deque[Ticket]], host: Host) -> tuple[Ticket, Replica] | None:
        """The first tenant's first ticket that can be served; its tenant goes to the end of the round."""
        for tenant, mine in among.items():
            for ticket in sorted(mine, key=_not_high):
                for replica in ticket.replicas:
                    if replica.host is host and replica.free:
                        among.move_to_end(tenant)
                        return ticket, replica
        return None

    def _make_room(self, tenant: str) -> bool:
        """Turn the newest of the tenant away who has most here, if that leaves it no worse off than the newcomer."""
        counts = {name: self._count(name) for name in (*self._tenants, *self._low)}
        most = max(counts, key=lambda name: counts[name])
        if counts[most] <= counts.get(tenant, 0) + 1:
            return False
        mine = self._low.get(most) or self._tenants[most]
        ticket = mine[-1]
        ticket.forget()
        ticket.got.set_exception(overloaded())
        return True

    def _count(self, tenant: str) -> int:
        return len(self._tenants.get(tenant, ())) + len(self._low.get(tenant, ()))


def _not_high(ticket: Ticket) -> bool:
    return not ticket.high


async def wait(tenant: str, priority: str, replicas: tuple[Replica, ...], within_s: float) -> tuple[Replica, bool]:
    """A place at one of these replicas, reserved, and whether it is a trial there.

    Raises Fault("overloaded") at once when every line is full, and when none came free within `within_s`.
    """
    ticket = Ticket(tenant, priority, replicas)
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
