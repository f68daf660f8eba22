"""A circuit breaker: leaves alone what keeps failing, and finds out carefully whether it answers again.

    closed -> open        after failures in a row, a high share of failures, or an upstream's own Retry-After
    open -> half-open     when the cool-down is over, or a probe says that somebody is there
    half-open -> closed   after as many successful trials as the rules ask for
    half-open -> open     when a trial fails; the cool-down doubles

Times are a steady clock's nanoseconds, handed in. Knows no upstream, no turn and no metric.
"""

from __future__ import annotations

from collections.abc import Callable

from zhongshu.core.health import Forced, State
from zhongshu.upstreams.dispatch.settings import DispatchSettings


class Breaker:
    """One breaker. `changed` is called whenever what `state` or `forced` say may have changed.

    answered, failed: outcomes in all. Outcomes of turns that began before it opened do not move it.
    """

    __slots__ = (
        "_bad",
        "_bad_before",
        "_changed",
        "_good_before",
        "_good_then",
        "_opened",
        "_passed",
        "_rules",
        "_since_ns",
        "_trials",
        "answered",
        "failed",
        "forced",
        "in_a_row",
        "state",
        "until_ns",
        "why",
    )

    def __init__(self, rules: DispatchSettings, changed: Callable[[], None]) -> None:
        self._rules = rules
        self._changed = changed
        self.state: State = "closed"
        self.forced: Forced = "auto"
        self.why = ""
        self.until_ns = 0
        self.answered = 0
        self.failed = 0
        self.in_a_row = 0
        self._since_ns = 0
        self._good_then = 0
        self._bad = 0
        self._good_before = 0
        self._bad_before = 0
        self._opened = 0
        self._trials = 0
        self._passed = 0

    def use(self, rules: DispatchSettings) -> None:
        """Go on by other rules."""
        self._rules = rules
        if not rules.breaker:
            self._close()

    def force(self, to: Forced) -> None:
        """open: nothing passes until it is told otherwise. closed: everything passes. auto: by what happens."""
        if self.forced != to:
            self.forced = to
            self._close()

    @property
    def calm(self) -> bool:
        """Whether everything passes."""
        return self.state == "closed" and self.forced != "open"

    def passes(self, now_ns: int) -> bool:
        """Whether a turn may be sent now."""
        if self.forced != "auto":
            return self.forced == "closed"
        if self.state == "closed":
            return True
        if self.state == "open":
            if now_ns < self.until_ns:
                return False
            self._half_open()
        return self._trials < self._rules.trials

    def resting(self, now_ns: int) -> bool:
        """Whether it is to be left alone now, as opposed to tried."""
        return self.forced == "open" or (self.forced == "auto" and self.state == "open" and now_ns < self.until_ns)

    def begin(self) -> bool:
        """A turn that may pass is sent; whether it is a trial, which `trial_over` must end."""
        if self.state != "half-open" or self.forced != "auto":
            return False
        self._trials += 1
        return True

    def trial_over(self) -> None:
        """A trial has ended, whichever way."""
        if self._trials:
            self._trials -= 1

    def trial_passed(self) -> None:
        """A trial was answered."""
        if self.state == "half-open":
            self._passed += 1
            if self._passed >= self._rules.trials:
                self._close()

    def failure(self, code: str, now_ns: int, *, trial: bool, rest_s: float | None = None) -> None:
        """A turn failed in a way this breaker is to blame for. rest_s: how long the upstream wants to be left alone."""
        self.failed += 1
        self.in_a_row += 1
        if not self._rules.breaker or self.forced != "auto":
            return
        if self.state == "half-open":
            if trial:
                self._open(code, now_ns, rest_s)
        elif self.state == "closed" and (self._too_many(now_ns) or rest_s is not None):
            self._open(code, now_ns, rest_s)

    def heard(self) -> None:
        """A probe was answered: trials may begin before the cool-down is over."""
        if self.state == "open":
            self._half_open()

    def _too_many(self, now_ns: int) -> bool:
        """Whether failures are too many in a row, or too large a share of two half windows.

        The successes of a half window are the difference of a running count, so that a success costs one addition.
        """
        rules = self._rules
        half_ns = int(rules.window_s * 5e8)
        elapsed = now_ns - self._since_ns
        if elapsed >= half_ns:
            kept = elapsed < 2 * half_ns
            self._good_before = self.answered - self._good_then if kept else 0
            self._bad_before = self._bad if kept else 0
            self._since_ns, self._good_then, self._bad = now_ns, self.answered, 0
        self._bad += 1
        if self.in_a_row >= rules.failures:
            return True
        bad = self._bad + self._bad_before
        all_of_them = bad + self._good_before + self.answered - self._good_then
        return all_of_them >= rules.min_tries and bad >= rules.error_rate * all_of_them

    def _open(self, code: str, now_ns: int, rest_s: float | None) -> None:
        rules = self._rules
        cool_s = min(rules.cool_down_s * 2 ** min(self._opened, 20), rules.cool_down_max_s)
        if rest_s is not None:
            cool_s = min(rest_s, rules.cool_down_max_s)
        else:
            self._opened += 1
        self.state, self.why, self.until_ns = "open", code, now_ns + int(cool_s * 1e9)
        self._passed = 0
        self._changed()

    def _half_open(self) -> None:
        self.state = "half-open"
        self._trials = self._passed = 0
        self._changed()

    def _close(self) -> None:
        self.state, self.why, self.until_ns = "closed", "", 0
        self.in_a_row = self._opened = self._trials = self._passed = 0
        self._bad = self._bad_before = self._good_before = 0
        self._good_then = self.answered
        self._changed()
