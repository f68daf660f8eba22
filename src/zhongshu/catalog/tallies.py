"""What became of a release's turns, added up so that releases can be compared. Reads no ledger: it is told of turns.

What a caller brought about itself (a prompt too long, a field that is refused, a client that left) does not count for
or against a release; nor does what kept the whole server from answering. A turn that another release had to answer in
its place counts as failed.
"""

from __future__ import annotations

import zlib

import msgspec

from zhongshu.catalog.intervals import GROUPS, Histogram, Spread
from zhongshu.core.problems import documented

_OURS = frozenset({"journal_unavailable", "limits_unavailable", "draining", "overloaded"})
_THEIRS = frozenset({"upstream_rate_limited"})
NOT_COUNTED = _OURS | {row.code for row in documented() if row.status < 500 and row.code not in _THEIRS}
"""Errors that say nothing about a release."""

SPLITS = ("shares", "canary", "first")
"""Rules that choose by chance; turns that others chose are not comparable."""


class Seen(msgspec.Struct, frozen=True):
    """One recorded turn. assigned: the release that was chosen for it, answered_by: the one that answered. rule: what
    chose. unit: whose it is. first_us: 0 where there was no stream."""

    trace: str
    assigned: str
    answered_by: str
    rule: str
    unit: str
    outcome: str
    error: str
    first_us: int
    took_us: int
    tokens: int
    cost_nano: int
    currency: str


class Tally:
    """A release's turns, added up. failed: of those that count; uncounted: the others. score: of those that somebody
    scored, from 0 to 1."""

    __slots__ = ("cost", "currency", "failed", "first", "score", "tokens", "took", "uncounted")

    def __init__(self) -> None:
        self.failed = Spread()
        self.took = Histogram()
        self.first = Histogram()
        self.tokens = Spread()
        self.cost = Spread()
        self.score = Spread()
        self.currency = ""
        self.uncounted = 0

    @property
    def turns(self) -> int:
        """How many counted."""
        return self.failed.turns

    def add(self, seen: Seen) -> None:
        """Take in one turn."""
        if not counts(seen):
            self.uncounted += 1
            return
        group = group_of(seen.unit)
        failed = seen.outcome != "answered" or seen.answered_by != seen.assigned
        self.failed.add(group, float(failed))
        if failed:
            return
        self.took.add(group, seen.took_us)
        if seen.first_us:
            self.first.add(group, seen.first_us)
        self.tokens.add(group, seen.tokens)
        self.currency = self.currency or seen.currency
        if seen.currency == self.currency:
            self.cost.add(group, seen.cost_nano)

    def join(self, other: Tally) -> None:
        """Take in another release's."""
        for name in ("failed", "took", "first", "tokens", "score"):
            getattr(self, name).join(getattr(other, name))
        self.currency = self.currency or other.currency
        if other.currency == self.currency:
            self.cost.join(other.cost)
        self.uncounted += other.uncounted


def group_of(unit: str) -> int:
    """The group of users that one belongs to."""
    return zlib.crc32(unit.encode("utf-8", "surrogatepass")) % GROUPS


def counts(seen: Seen) -> bool:
    """Whether a turn says anything about the release that was chosen for it."""
    return seen.outcome == "answered" or (seen.outcome in ("failed", "cut") and seen.error not in NOT_COUNTED)
