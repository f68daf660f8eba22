"""A turn let in, and how its reservation ends: settled or released, once."""

from __future__ import annotations

import msgspec

from zhongshu.core.access import Caller, LimitState
from zhongshu.core.answers import Usage
from zhongshu.storage.counters import SLOT_NS, WINDOW_SLOTS
from zhongshu.storage.leases import Bundle, Leases, Rate

_WINDOW_NS = (WINDOW_SLOTS + 1) * SLOT_NS


class LimitedPermit(msgspec.Struct):
    """core.ports.Permit of a caller with limits."""

    caller: Caller
    _leases: Leases
    _bundle: Bundle
    _at_ns: int
    _tokens: int
    _cost_nano: int
    _open: bool = True

    def settle(self, usage: Usage, cost_nano: int) -> None:
        """The turn is over and used this much."""
        if self._open:
            self._open = False
            used = usage.prompt + usage.completion
            self._leases.settle(self._bundle, self._at_ns, self._tokens, used, self._cost_nano, cost_nano)

    def release(self) -> None:
        """The turn is over and used nothing. It still counts as a request: it was made."""
        if self._open:
            self._open = False
            self._leases.settle(self._bundle, self._at_ns, self._tokens, 0, self._cost_nano, 0)

    @property
    def requests(self) -> LimitState | None:
        """The tightest limit on requests, for the rate-limit headers."""
        return self._state(self._bundle.ones)

    @property
    def tokens(self) -> LimitState | None:
        """The tightest limit on tokens."""
        return self._state(self._bundle.amounts)

    def _state(self, rates: tuple[Rate, ...]) -> LimitState | None:
        if not rates:
            return None
        tightest, least = rates[0], rates[0].limit
        for rate in rates:
            left = rate.left + rate.free
            if left < least:
                tightest, least = rate, left
        # Whole again once this turn's own slot has left the window.
        return LimitState(tightest.limit, least if least > 0 else 0, (_WINDOW_NS - self._at_ns % SLOT_NS) / 1e9)


class FreePermit:
    """core.ports.Permit of a caller whom nothing limits: there is nothing to settle."""

    __slots__ = ("caller",)

    requests: LimitState | None = None
    tokens: LimitState | None = None

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def settle(self, usage: Usage, cost_nano: int) -> None:
        """Nothing was reserved."""

    def release(self) -> None:
        """Nothing was reserved."""
