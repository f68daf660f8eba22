"""Whether the wall clock may be believed where something is deleted by it. Knows two clocks and nothing of the journal.

A clock set wrongly forward makes everything look old. What is deleted too late costs disk; what is deleted too early is
gone, inside its lock as well. So after a leap forward - against the steady clock, or since the wall clock was last seen
- nothing is deleted for a day, time enough for whoever keeps the clock to set it right. A machine that was off for long
waits that day too.
"""

from __future__ import annotations

from zhongshu.core.clock import Clock
from zhongshu.core.times import DAY_NS

LEAP_NS = 2 * DAY_NS
SETTLED_NS = DAY_NS


class Leaps:
    """Watches one clock. seen_ns: what it last showed, before this process; None when nobody looked."""

    def __init__(self, clock: Clock, seen_ns: int | None) -> None:
        self._clock = clock
        self._steady_ns = clock.steady_ns()
        self._wall_ns = clock.now_ns() if seen_ns is None else seen_ns
        self._wait_until_ns: int | None = None

    def settled(self) -> bool:
        """Whether it has run evenly for SETTLED_NS, or has never been seen to leap."""
        wall_ns, steady_ns = self._clock.now_ns(), self._clock.steady_ns()
        ahead_ns = (wall_ns - self._wall_ns) - (steady_ns - self._steady_ns)
        self._wall_ns, self._steady_ns = wall_ns, steady_ns
        if ahead_ns > LEAP_NS:
            self._wait_until_ns = steady_ns + SETTLED_NS
        elif self._wait_until_ns is not None and steady_ns >= self._wait_until_ns:
            self._wait_until_ns = None
        return self._wait_until_ns is None
