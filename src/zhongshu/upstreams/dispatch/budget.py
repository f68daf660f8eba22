"""How often is asked again, in all: a share of what is asked, so that a storm of failures is not answered by a storm of
retries. And how long to wait before it.

The rule is that of Finagle's and gRPC's retry budgets: a bucket into which every turn puts a share of a token and from
which every retry takes a whole one; the pause is "full jitter" of Brooker's "Exponential Backoff and Jitter" (2015).
"""

from __future__ import annotations

import random

from zhongshu.upstreams.dispatch.settings import DispatchSettings

FREE = 10.0
"""Tokens that a bucket may hold however little is asked."""
_WINDOW_NS = 10_000_000_000


class RetryBudget:
    """One upstream's bucket. asked: turns sent there for the first time, counted by whoever sends them. A second brings
    one token more, so that with little traffic there is a retry for everybody."""

    __slots__ = ("_most", "_share", "_since_ns", "_tokens", "_up_to", "_window_asked", "_window_ns", "asked")

    def __init__(self, share: float) -> None:
        self._share = share
        self._tokens = FREE
        self._most = FREE
        self._since_ns = 0
        self._up_to = 0
        self._window_ns = 0
        self._window_asked = 0
        self.asked = 0

    def use(self, share: float) -> None:
        """Go on with another share."""
        self._share = share

    def take(self, now_ns: int) -> bool:
        """Whether one retry may be made; it is, then. The bucket holds at most what the busier of the last ten seconds
        and a quiet time would earn."""
        if now_ns - self._window_ns >= _WINDOW_NS:
            self._most = max(FREE, (self.asked - self._window_asked) * self._share)
            self._window_ns, self._window_asked = now_ns, self.asked
        earned = (self.asked - self._up_to) * self._share + (now_ns - self._since_ns) / 1e9
        self._tokens = min(self._most, self._tokens + earned)
        self._up_to, self._since_ns = self.asked, now_ns
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def pause_s(rules: DispatchSettings, retry: int, asked_for_s: float | None) -> float | None:
    """Seconds to wait before retry number `retry` (from 0) of the same replica. None: it asks for more than a turn
    should wait."""
    pause = random.uniform(0, min(rules.backoff_max_s, rules.backoff_s * 2**retry))
    if asked_for_s is None:
        return pause
    return None if asked_for_s > rules.retry_after_max_s else asked_for_s + pause
