"""What the workers of one machine see of each upstream, laid side by side for whoever looks after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from zhongshu.core.health import Forced, ReplicaHealth, State
from zhongshu.core.models import Offer
from zhongshu.upstreams.dispatch.board import Switch


class WorkerView(msgspec.Struct, frozen=True):
    """One worker's view of a replica. until_ns: when trials begin there, wall clock UTC; 0 for now or never."""

    worker: str
    state: State
    why: str
    until_ns: int
    in_flight: int
    waiting: int


class Report(msgspec.Struct, frozen=True):
    """A model at an upstream, or the upstream as a whole (`model` empty), as all workers see it.

    state: theirs where they agree, else "mixed"; forced: what an operator has set. Numbers are sums, since each worker's
    start; first_ms and token_ms the slowest worker's moving averages, 0 while unknown.
    """

    upstream: str
    model: str
    state: State | Literal["mixed"]
    forced: Forced
    in_flight: int
    waiting: int
    answered: int
    failed: int
    retried: int
    first_ms: float
    token_ms: float
    workers: tuple[WorkerView, ...]


def known(offers: Iterable[Offer]) -> set[tuple[str, str]]:
    """What may be asked: (upstream, model there) of every offer."""
    return {(offer.release.upstream, offer.release.upstream_model) for offer in offers}


def report(
    views: Mapping[str, Sequence[ReplicaHealth]], known: Iterable[tuple[str, str]], switches: Sequence[Switch]
) -> list[Report]:
    """Every upstream and model that settings know or a worker has asked, by name. views: by worker; known: (upstream,
    model there), model empty for the upstream."""
    forced: dict[tuple[str, str], Forced] = {(switch.upstream, switch.model): switch.to for switch in switches}
    seen: dict[tuple[str, str], list[tuple[str, ReplicaHealth]]] = {at: [] for at in (*known, *forced)}
    for worker, told in sorted(views.items()):
        for health in told:
            seen.setdefault((health.upstream, health.model), []).append((worker, health))
    return [_joined(at, seen[at], forced.get(at, "auto")) for at in sorted(seen)]


def _joined(at: tuple[str, str], told: list[tuple[str, ReplicaHealth]], forced: Forced) -> Report:
    views = [health for _, health in told]
    states = {health.state for health in views}
    state: State = views[0].state if views else "closed"
    return Report(
        upstream=at[0],
        model=at[1],
        state=state if len(states) < 2 else "mixed",
        forced=forced,
        in_flight=sum(health.in_flight for health in views),
        waiting=sum(health.waiting for health in views),
        answered=sum(health.answered for health in views),
        failed=sum(health.failed for health in views),
        retried=sum(health.retried for health in views),
        first_ms=max((health.first_us for health in views), default=0) / 1000,
        token_ms=max((health.token_us for health in views), default=0) / 1000,
        workers=tuple([WorkerView(worker, h.state, h.why, h.until_ns, h.in_flight, h.waiting) for worker, h in told]),
    )
