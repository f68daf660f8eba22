"""What is known of the places that answer: a Replica for each model at an upstream, a Host for what they share.

Counts what is in flight, keeps within limits, measures how quickly each answers and lets its breakers judge. One event
loop uses it; nothing here waits.
"""

from __future__ import annotations

from collections.abc import Callable

from zhongshu.core.health import ReplicaHealth
from zhongshu.core.problems import Problem
from zhongshu.upstreams.dispatch.breaker import Breaker
from zhongshu.upstreams.dispatch.budget import RetryBudget
from zhongshu.upstreams.dispatch.line import Line
from zhongshu.upstreams.dispatch.moves import move_of
from zhongshu.upstreams.dispatch.settings import DispatchSettings


class HostLimits:
    """What one worker keeps to with one upstream: turns in flight, turns that wait and for how long, and how often it
    is probed while nothing is asked of it. None: no limit, no probing."""

    __slots__ = ("in_flight", "probe_s", "queue", "queue_s")

    def __init__(
        self, in_flight: int | None = None, queue: int = 0, queue_s: float = 30.0, probe_s: float | None = None
    ) -> None:
        self.in_flight = in_flight
        self.queue = queue
        self.queue_s = queue_s
        self.probe_s = probe_s


class Host:
    """Everything at one upstream. sitting_out: turns that wait until it may be asked again; they have places in its line."""

    __slots__ = ("breaker", "budget", "in_flight", "limits", "line", "name", "replicas", "sitting_out")

    def __init__(self, name: str, rules: DispatchSettings, limits: HostLimits) -> None:
        self.name = name
        self.limits = limits
        self.in_flight = 0
        self.replicas: list[Replica] = []
        self.breaker = Breaker(rules, self.changed)
        self.budget = RetryBudget(rules.retry_share)
        self.line = Line()
        self.sitting_out = 0

    @property
    def waiting(self) -> int:
        """Turns that wait here."""
        return self.line.waiting + self.sitting_out

    def changed(self) -> None:
        """A breaker or a limit may have changed."""
        for replica in self.replicas:
            replica.changed()

    def health(self, at_ns: Callable[[int], int]) -> ReplicaHealth:
        """As it is now. at_ns turns the steady clock into the wall clock."""
        return _health(self.name, "", self, self.breaker, at_ns, waiting=self.waiting, limit=self.limits.in_flight)


class Replica:
    """One model at one upstream. calm: everything passes and nothing limits it, so that it may be asked without looking
    further; restless: those that are not. sure_bytes: a request's body up to this size cannot be certain to overflow the model's context."""

    __slots__ = (
        "_now_ns",
        "_restless",
        "answered",
        "breaker",
        "calm",
        "first_us",
        "host",
        "in_flight",
        "latencies",
        "limit",
        "model",
        "name",
        "retried",
        "token_us",
    )

    def __init__(
        self,
        host: Host,
        model: str,
        rules: DispatchSettings,
        limit: int | None,
        now_ns: Callable[[], int],
        restless: set[Replica],
    ) -> None:
        self._now_ns = now_ns
        self._restless = restless
        self.host = host
        self.model = model
        self.name = f"{host.name}/{model}"
        self.limit = limit
        self.in_flight = 0
        self.retried = 0
        self.first_us = 0
        self.token_us = 0
        self.latencies: list[int] = []
        self.calm = True
        self.breaker = Breaker(rules, self.changed)
        host.replicas.append(self)
        self.changed()

    def changed(self) -> None:
        """Look again whether it is calm."""
        self.calm = self.breaker.calm and self.host.breaker.calm and not self.limited
        if self.calm:
            self._restless.discard(self)
        else:
            self._restless.add(self)

    @property
    def limited(self) -> bool:
        """Whether only so many turns at once are sent here."""
        return self.limit is not None or self.host.limits.in_flight is not None

    # Whether it may be asked ---------------------------------------------------------------------------------

    def passes(self, now_ns: int) -> bool:
        """Whether its breakers let a turn through now."""
        return self.host.breaker.passes(now_ns) and self.breaker.passes(now_ns)

    def rests(self, now_ns: int) -> bool:
        """Whether it is to be left alone now, as opposed to tried."""
        return not self.calm and (self.host.breaker.resting(now_ns) or self.breaker.resting(now_ns))

    @property
    def on_trial(self) -> bool:
        """Whether the next turn would be a trial."""
        return not (self.breaker.calm and self.host.breaker.calm)

    @property
    def free(self) -> bool:
        """Whether one more turn is within its limits."""
        within = self.host.limits.in_flight
        if within is not None and self.host.in_flight >= within:
            return False
        return self.limit is None or self.in_flight < self.limit

    def rested_at(self, now_ns: int) -> int:
        """When it may be asked again, steady clock; now, if it may. One that an operator opened says a minute."""
        last = now_ns
        for breaker in (self.host.breaker, self.breaker):
            if breaker.resting(now_ns):
                last = max(last, now_ns + 60_000_000_000 if breaker.forced == "open" else breaker.until_ns)
        return last

    def patience_ns(self, rules: DispatchSettings) -> int:
        """The longest rest that a turn that comes now waits out here."""
        return int(min(rules.retry_after_max_s, self.host.limits.queue_s, rules.deadline_s) * 1e9)

    def waits_out(self, now_ns: int, until_ns: int) -> bool:
        """Whether a turn may wait here for the end of its rest: one that the upstream asked for and that is over by
        `until_ns`, where turns are limited and the line has room."""
        if self.why != "upstream_rate_limited" or self.rested_at(now_ns) >= until_ns:
            return False
        return self.limited and self.host.waiting < self.host.limits.queue

    @property
    def why(self) -> str:
        """The problem code that opened it."""
        return self.breaker.why or self.host.breaker.why

    # What happens to it --------------------------------------------------------------------------------------

    def enter(self) -> bool:
        """A turn is sent here, or has its place reserved; whether it is a trial."""
        self.in_flight += 1
        self.host.in_flight += 1
        if self.calm:
            return False
        return self.breaker.begin() | self.host.breaker.begin()

    def leave(self, trial: bool) -> None:
        """The turn is over here, however it went. Its place goes to who has waited."""
        host = self.host
        self.in_flight -= 1
        host.in_flight -= 1
        if self.calm:
            return
        if trial:
            self.breaker.trial_over()
            host.breaker.trial_over()
        if host.line.waiting:
            host.line.serve(host)

    def answered_in(self, first_us: int, token_us: int, trial: bool) -> None:
        """A turn was answered: how long its first content and each later piece took; 0 where that was not seen."""
        own, shared = self.breaker, self.host.breaker
        own.answered += 1
        shared.answered += 1
        own.in_a_row = shared.in_a_row = 0
        if trial:
            own.trial_passed()
            shared.trial_passed()
        if first_us:
            self.first_us += (first_us - self.first_us) >> 3 if self.first_us else first_us
        if token_us:
            self.token_us += (token_us - self.token_us) >> 3 if self.token_us else token_us

    def trial_passed(self) -> None:
        """A trial has brought content: it is over, and was good."""
        for breaker in (self.breaker, self.host.breaker):
            breaker.trial_passed()
            breaker.trial_over()

    def failed_with(self, problem: Problem, *, trial: bool) -> None:
        """A turn failed here."""
        blames = move_of(problem).blames
        rest_s = problem.retry_after_s or None
        if blames == "replica":
            self.breaker.failure(problem.code, self._now_ns(), trial=trial, rest_s=rest_s)
        elif blames == "host":
            self.host.breaker.failure(problem.code, self._now_ns(), trial=trial, rest_s=rest_s)

    def health(self, at_ns: Callable[[int], int]) -> ReplicaHealth:
        """As it is now. at_ns turns the steady clock into the wall clock."""
        return _health(
            self.host.name, self.model, self, self.breaker, at_ns,
            limit=self.limit, retried=self.retried, first_us=self.first_us, token_us=self.token_us,
        )  # fmt: skip


def _health(
    upstream: str,
    model: str,
    at: Host | Replica,
    breaker: Breaker,
    at_ns: Callable[[int], int],
    *,
    waiting: int = 0,
    limit: int | None = None,
    retried: int = 0,
    first_us: int = 0,
    token_us: int = 0,
) -> ReplicaHealth:
    return ReplicaHealth(
        upstream=upstream,
        model=model,
        state=breaker.state,
        forced=breaker.forced,
        why=breaker.why,
        until_ns=at_ns(breaker.until_ns) if breaker.until_ns else 0,
        in_flight=at.in_flight,
        waiting=waiting,
        limit=limit,
        answered=breaker.answered,
        failed=breaker.failed,
        retried=retried,
        first_us=first_us,
        token_us=token_us,
    )
