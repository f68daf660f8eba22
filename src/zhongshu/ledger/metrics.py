"""Counts of turns for Prometheus, cheap enough for every turn: plain numbers in dicts, no client library objects.

Labels are names of ours (release, upstream, outcome, tenant, currency); never a key, a user or a text. The number of
different label sets is bounded: past the bound, turns are counted under "other".
"""

from __future__ import annotations

from bisect import bisect_left

import msgspec

from zhongshu.core.health import ReplicaHealth
from zhongshu.core.records import Record
from zhongshu.ledger.journal_counts import JournalCounts

MAX_SERIES = 2000
OTHER = ("other", "other", "other", "other", "other")

TOOK_BOUNDS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
OVERHEAD_BOUNDS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0)
_TOOK_US = tuple(round(bound * 1e6) for bound in TOOK_BOUNDS_S)
_OVERHEAD_US = tuple(round(bound * 1e6) for bound in OVERHEAD_BOUNDS_S)

Series = tuple[str, str, str, str, str]
"""release, upstream, outcome, tenant, currency"""


class Snapshot(msgspec.Struct):
    """One process's counts, to be sent to whoever renders them.

    turns: per series [turns, prompt, completion, cached, thinking tokens, cost in billionths]. took, first, overhead:
    per release, counts for each bucket, then the sum in microseconds. journal: per JournalCounts; sync: its buckets.
    upstreams: how each is, as this process sees it. cache: per release, kind and currency [answers given again, tokens
    and billionths they spared]; missed: per release, turns looked for in the cache in vain.
    """

    turns: dict[Series, list[int]]
    took: dict[str, list[int]]
    first: dict[str, list[int]]
    overhead: dict[str, list[int]]
    in_flight: int = 0
    journal: dict[str, int] = {}
    sync: list[int] = []
    upstreams: list[ReplicaHealth] = []
    cache: dict[tuple[str, str, str], list[int]] = {}
    missed: dict[str, int] = {}


class Metrics:
    """Counts the turns of one process. Used from the event loop only."""

    __slots__ = ("_cache", "_first", "_overhead", "_took", "_turns", "in_flight")

    def __init__(self) -> None:
        self._turns: dict[Series, list[int]] = {}
        self._took: dict[str, list[int]] = {}
        self._first: dict[str, list[int]] = {}
        self._overhead: dict[str, list[int]] = {}
        self._cache: dict[tuple[str, str, str], list[int]] = {}
        self.in_flight = 0

    def observe(self, record: Record) -> None:
        """Count one finished turn."""
        release = record.release
        series = (release, record.upstream, record.outcome, record.tenant, record.currency)
        sums = self._turns.get(series)
        if sums is None:
            sums = self._new(series)
        usage = record.usage
        sums[0] += 1
        if record.cache:  # told to the caller, used by nobody
            self._given_again(record)
        else:
            sums[1] += usage.prompt
            sums[2] += usage.completion
            sums[3] += usage.cached
            sums[4] += usage.thinking
            sums[5] += record.cost_nano
        took = self._took.get(release)
        if took is None:
            took = self._new_release(release)
        value = record.took_us
        took[bisect_left(_TOOK_US, value)] += 1
        took[-1] += value
        value = record.overhead_us
        overhead = self._overhead[release]
        overhead[bisect_left(_OVERHEAD_US, value)] += 1
        overhead[-1] += value
        value = record.first_us
        if value:
            first = self._first[release]
            first[bisect_left(_TOOK_US, value)] += 1
            first[-1] += value

    def snapshot(self, journal: JournalCounts | None = None) -> Snapshot:
        """The counts as they stand."""
        told = Snapshot(self._turns, self._took, self._first, self._overhead, self.in_flight, cache=self._cache)
        if journal:
            told.journal = {
                "batches": journal.batches,
                "records": journal.records,
                "bytes": journal.bytes,
                "failures": journal.failures,
                "sync_ns": journal.sync_ns,
            }
            told.sync = list(journal.sync_buckets)
        return told

    def _given_again(self, record: Record) -> None:
        at = (record.release, record.cache, record.currency)
        sums = self._cache.setdefault(at, [0, 0, 0])  # few: releases and kinds come from settings
        sums[0] += 1
        sums[1] += record.usage.total
        sums[2] += record.saved_nano

    def _new(self, series: Series) -> list[int]:
        if len(self._turns) >= MAX_SERIES:
            series = OTHER
        return self._turns.setdefault(series, [0] * 6)

    def _new_release(self, release: str) -> list[int]:
        # Releases come from settings, so they are few.
        self._overhead[release] = [0] * (len(_OVERHEAD_US) + 2)
        self._first[release] = [0] * (len(_TOOK_US) + 2)
        self._took[release] = [0] * (len(_TOOK_US) + 2)
        return self._took[release]
