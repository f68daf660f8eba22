"""Time as an interface, so that a test can hold it still."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Wall clock in nanoseconds UTC, and a steady clock in nanoseconds for spans."""

    def now_ns(self) -> int: ...
    def steady_ns(self) -> int: ...


class SystemClock:
    """The machine's clocks."""

    now_ns = staticmethod(time.time_ns)
    steady_ns = staticmethod(time.perf_counter_ns)


class FakeClock:
    """A clock a test moves by hand."""

    def __init__(self, now_ns: int = 1_700_000_000_000_000_000) -> None:
        self.wall = now_ns
        self.steady = 0

    def now_ns(self) -> int:
        return self.wall

    def steady_ns(self) -> int:
        return self.steady

    def advance(self, seconds: float) -> None:
        self.wall += int(seconds * 1e9)
        self.steady += int(seconds * 1e9)
