"""What a writer counts about itself. Plain numbers: one thread writes them, others read."""

from __future__ import annotations

from bisect import bisect_left

SYNC_BOUNDS_S = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0)
_BOUNDS_NS = tuple(int(bound * 1e9) for bound in SYNC_BOUNDS_S)


class JournalCounts:
    """Batches, records and bytes made durable, seconds spent writing and syncing, failures."""

    __slots__ = ("batches", "bytes", "failures", "records", "sync_buckets", "sync_ns")

    def __init__(self) -> None:
        self.batches = 0
        self.records = 0
        self.bytes = 0
        self.failures = 0
        self.sync_ns = 0
        self.sync_buckets = [0] * (len(_BOUNDS_NS) + 1)

    def add(self, records: int, size: int, took_ns: int) -> None:
        """One batch is on disk."""
        self.batches += 1
        self.records += records
        self.bytes += size
        self.sync_ns += took_ns
        self.sync_buckets[bisect_left(_BOUNDS_NS, took_ns)] += 1
