"""Every upstream's state in this worker, kept while settings come and go: a reload changes rules, not what was learnt.

Operators' switches (force open, force closed) are laid over it; `health` tells all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from zhongshu.core.clock import Clock
from zhongshu.core.health import Forced, ReplicaHealth
from zhongshu.upstreams.dispatch.replicas import Host, HostLimits, Replica
from zhongshu.upstreams.dispatch.settings import ONE_TRY, DispatchSettings

NO_LIMITS = HostLimits()
MOST_REPLICAS = 10_000


class ModelRules(msgspec.Struct, frozen=True):
    """What a model's card does not say. try_s: how long one try may take until its content begins (a plain reply: until
    it is whole). hedge_s: after how long without content a second replica is asked too; 0: after what 95 of 100 turns
    take there. None: not at all."""

    try_s: float | None = None
    hedge_s: float | None = None


class Switch(msgspec.Struct, frozen=True):
    """What an operator has set. model: at the upstream; empty for all of them."""

    upstream: str
    model: str
    to: Forced


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Everything settings say about asking. hosts by upstream; replicas: the share of a limit that this worker may have
    in flight, by (upstream, model there); models by the name that clients ask for."""

    dispatch: DispatchSettings = ONE_TRY
    hosts: Mapping[str, HostLimits] = {}
    replicas: Mapping[tuple[str, str], int] = {}
    models: Mapping[str, ModelRules] = {}


class Board:
    """The state of one worker's upstreams. restless: those replicas that are not calm; mostly none."""

    def __init__(self, clock: Clock, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.replicas: dict[tuple[str, str], Replica] = {}
        self.restless: set[Replica] = set()
        self.hosts: dict[str, Host] = {}
        self._clock = clock
        self._switches: dict[tuple[str, str], Forced] = {}

    def use(self, rules: Rules) -> None:
        """Go on by other rules. What was learnt of an upstream is kept."""
        self.rules = rules
        for host in self.hosts.values():
            host.limits = rules.hosts.get(host.name, NO_LIMITS)
            host.breaker.use(rules.dispatch)
            host.budget.use(rules.dispatch.retry_share)
        for (name, model), replica in self.replicas.items():
            replica.limit = rules.replicas.get((name, model))
            replica.breaker.use(rules.dispatch)
        for host in self.hosts.values():
            host.changed()
            host.line.serve(host)

    def switch(self, switches: Iterable[Switch]) -> None:
        """These are all that operators have set now."""
        self._switches = {(switch.upstream, switch.model): switch.to for switch in switches}
        for host in self.hosts.values():
            host.breaker.force(self._switches.get((host.name, ""), "auto"))
        for at, replica in self.replicas.items():
            replica.breaker.force(self._switches.get(at, "auto"))

    def replica(self, upstream: str, model: str) -> Replica:
        """The state of one model at one upstream; made when it is first asked for."""
        found = self.replicas.get((upstream, model))
        if found is not None:
            return found
        if len(self.replicas) >= MOST_REPLICAS:
            self._forget_idle()
        limit = self.rules.replicas.get((upstream, model))
        made = Replica(self.host(upstream), model, self.rules.dispatch, limit, self._clock.steady_ns, self.restless)
        made.breaker.force(self._switches.get((upstream, model), "auto"))
        self.replicas[upstream, model] = made
        return made

    def host(self, upstream: str) -> Host:
        """The state of one upstream as a whole."""
        found = self.hosts.get(upstream)
        if found is None:
            limits = self.rules.hosts.get(upstream, NO_LIMITS)
            found = self.hosts[upstream] = Host(upstream, self.rules.dispatch, limits)
            found.breaker.force(self._switches.get((upstream, ""), "auto"))
        return found

    def health(self) -> list[ReplicaHealth]:
        """Every upstream, followed by its models."""
        ahead_ns = self._clock.now_ns() - self._clock.steady_ns()
        told: list[ReplicaHealth] = []
        for host in self.hosts.values():
            told.append(host.health(lambda at: at + ahead_ns))
            told += [replica.health(lambda at: at + ahead_ns) for replica in host.replicas]
        return told

    def _forget_idle(self) -> None:
        """Names come from settings and stored releases, so they are few; but no table grows for ever."""
        for at, replica in list(self.replicas.items()):
            if not replica.in_flight and replica.calm:
                del self.replicas[at]
                replica.host.replicas.remove(replica)
