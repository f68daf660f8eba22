"""Writes the counts of several processes, summed, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from zhongshu.ledger.journal_counts import SYNC_BOUNDS_S
from zhongshu.ledger.metrics import OVERHEAD_BOUNDS_S, TOOK_BOUNDS_S, Snapshot

K = TypeVar("K")

_LABELS = ("model", "release", "upstream", "outcome", "tenant")
_TOKENS = ("prompt", "completion", "cached", "thinking")


def render(snapshots: Sequence[Snapshot]) -> bytes:
    """The exposition of all snapshots together. Content type: prometheus_client.CONTENT_TYPE_LATEST."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(snapshots))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        self._snapshots = snapshots

    def collect(self) -> Iterator[Metric]:
        yield from self._turns()
        yield self._histogram(
            "zhongshu_turn_duration_seconds", "From arrival to the last byte.", TOOK_BOUNDS_S, lambda s: s.took
        )
        yield self._histogram(
            "zhongshu_turn_first_delta_seconds", "From arrival to the first content.", TOOK_BOUNDS_S, lambda s: s.first
        )
        yield self._histogram(
            "zhongshu_turn_overhead_seconds",
            "The part of a turn that was not spent waiting for an upstream.",
            OVERHEAD_BOUNDS_S,
            lambda s: s.overhead,
        )
        yield GaugeMetricFamily(
            "zhongshu_turns_in_flight", "Turns being answered now.", sum(s.in_flight for s in self._snapshots)
        )
        yield from self._cache()
        yield from self._upstreams()
        yield from self._journal()

    def _turns(self) -> Iterator[Metric]:
        turns = CounterMetricFamily("zhongshu_turns", "Turns ended.", labels=_LABELS)
        tokens = CounterMetricFamily("zhongshu_tokens", "Tokens used; cached is part of prompt, thinking of completion.",
                                     labels=(*_LABELS, "kind"))  # fmt: skip
        cost = CounterMetricFamily("zhongshu_cost", "Money spent, in units of the currency.",
                                   labels=(*_LABELS, "currency"))  # fmt: skip
        for (release, upstream, outcome, tenant, currency), sums in sorted(_joined(s.turns for s in self._snapshots)):
            labels = [release.partition("@")[0], release, upstream, outcome, tenant]
            turns.add_metric(labels, sums[0])
            for kind, value in zip(_TOKENS, sums[1:5], strict=True):
                if value:
                    tokens.add_metric([*labels, kind], value)
            if sums[5]:
                cost.add_metric([*labels, currency], sums[5] / 1e9)
        yield from (turns, tokens, cost)

    def _histogram(
        self, name: str, help: str, bounds: Sequence[float], pick: Callable[[Snapshot], dict[str, list[int]]]
    ) -> Metric:
        family = HistogramMetricFamily(name, help, labels=("model", "release"))
        for release, counts in sorted(_joined(pick(s) for s in self._snapshots)):
            buckets = _cumulative(bounds, counts[:-1])
            family.add_metric([release.partition("@")[0], release], buckets, sum_value=counts[-1] / 1e6)
        return family

    def _cache(self) -> Iterator[Metric]:
        at = ("model", "release", "kind")
        hits = CounterMetricFamily("zhongshu_cache_hits", "Turns answered by an answer given before.", labels=at)
        missed = CounterMetricFamily("zhongshu_cache_misses", "Turns looked for in the answer cache in vain.",
                                     labels=at[:2])  # fmt: skip
        tokens = CounterMetricFamily("zhongshu_cache_saved_tokens", "Tokens that need not be made again.", labels=at)
        money = CounterMetricFamily("zhongshu_cache_saved_cost", "Money that need not be spent, in units of the currency.",
                                    labels=(*at, "currency"))  # fmt: skip
        for (release, kind, currency), sums in sorted(_joined(s.cache for s in self._snapshots)):
            labels = [release.partition("@")[0], release, kind]
            hits.add_metric(labels, sums[0])
            tokens.add_metric(labels, sums[1])
            money.add_metric([*labels, currency], sums[2] / 1e9)
        for release, (times,) in sorted(_joined({r: [n] for r, n in s.missed.items()} for s in self._snapshots)):
            missed.add_metric([release.partition("@")[0], release], times)
        yield from (hits, missed, tokens, money)

    def _upstreams(self) -> Iterator[Metric]:
        labels = ("upstream", "model")
        closed = GaugeMetricFamily("zhongshu_upstream_workers_keeping_away",
                                   "Workers whose breaker of it is open; half-open counts a half.", labels=labels)  # fmt: skip
        flight = GaugeMetricFamily("zhongshu_upstream_in_flight", "Tries under way there.", labels=labels)
        waiting = GaugeMetricFamily("zhongshu_upstream_waiting", "Turns waiting for a free place there.", labels=labels)
        tries = CounterMetricFamily("zhongshu_upstream_tries", "Tries ended.", labels=(*labels, "result"))
        told: dict[tuple[str, str], list[float]] = {}
        for health in (health for snapshot in self._snapshots for health in snapshot.upstreams):
            sums = told.setdefault((health.upstream, health.model), [0.0] * 6)
            sums[0] += {"closed": 0.0, "half-open": 0.5, "open": 1.0}[health.state]
            counts = (health.in_flight, health.waiting, health.answered, health.failed, health.retried)
            for place, value in enumerate(counts, 1):
                sums[place] += value
        for at, (away, now, queued, answered, failed, retried) in sorted(told.items()):
            closed.add_metric(at, away)
            flight.add_metric(at, now)
            if not at[1]:
                waiting.add_metric(at, queued)
                continue
            for result, value in (("answered", answered), ("failed", failed), ("retried", retried)):
                tries.add_metric((*at, result), value)
        yield from (closed, flight, waiting, tries)

    def _journal(self) -> Iterator[Metric]:
        total = dict(_joined({k: [v] for k, v in s.journal.items()} for s in self._snapshots))
        if not total:
            return
        for name, meaning in (
            ("batches", "Batches made durable together."),
            ("records", "Records made durable."),
            ("bytes", "Bytes made durable."),
            ("failures", "Writes that the disk refused."),
        ):
            yield CounterMetricFamily(f"zhongshu_journal_{name}", meaning, total[name][0])
        synced = dict(_joined({"": s.sync} for s in self._snapshots if s.sync)).get("", [])
        yield HistogramMetricFamily(
            "zhongshu_journal_sync_seconds",
            "Writing one batch to disk and waiting until it is there.",
            _cumulative(SYNC_BOUNDS_S, synced),
            sum_value=total["sync_ns"][0] / 1e9,
        )


def _joined(parts: Iterable[dict[K, list[int]]]) -> Iterable[tuple[K, list[int]]]:
    total: dict[K, list[int]] = {}
    for part in parts:
        for name, values in part.items():
            mine = total.setdefault(name, [0] * len(values))
            for place, value in enumerate(values):
                mine[place] += value
    return total.items()


def _cumulative(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    running = 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip((*(f"{bound:g}" for bound in bounds), "+Inf"), counts, strict=True):
        running += count
        buckets.append((bound, running))
    return buckets
