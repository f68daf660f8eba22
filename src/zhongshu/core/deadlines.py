"""Limits on waiting, for many waits at once, at the price of a store for each.

One timer of the event loop looks over everything that waits, at a tenth of the shortest limit. `loop.call_later` for
each wait costs 2 microseconds, this 0.1 (measured 2026-11). Knows nothing of what is waited for.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Protocol

NEVER = float("inf")


class Waiting(Protocol):
    """Something that waits until `due` on the monotonic clock, in seconds; NEVER while it does not."""

    due: float

    def expire(self) -> None:
        """The time is over."""
        ...


class Deadlines:
    """Everything of one owner that may wait. A limit is kept to within a tenth of the shortest one (`shortest_s`), and
    a second at most."""

    def __init__(self, shortest_s: float) -> None:
        self._tick_s = min(max(shortest_s / 10, 0.005), 1.0)
        self._waiting: set[Waiting] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, waiting: Waiting) -> None:
        """Look after this one from now on."""
        self._waiting.add(waiting)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._tick_s, self._look)

    def remove(self, waiting: Waiting) -> None:
        """It will not wait any more."""
        self._waiting.discard(waiting)

    def close(self) -> None:
        """Stop looking."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        now = monotonic()
        for late in [waiting for waiting in self._waiting if waiting.due <= now]:
            late.expire()
        self._timer = None
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(self._tick_s, self._look)
