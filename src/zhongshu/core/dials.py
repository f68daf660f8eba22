"""How much quality, cost and time matter: what somebody prefers, and what a turn was weighed by in the end. Values only."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

By = Literal["", "request", "header", "key", "assistant", "settings"]


class Preference(msgspec.Struct, frozen=True, omit_defaults=True):
    """What somebody prefers. quality: 0 cheapest to 1 best; max_cost: what a turn may be expected to cost at most, in
    the currency that budgets are counted in; max_seconds: how long it may be expected to take. None: nothing said."""

    quality: float | None = None
    max_cost: float | None = None
    max_seconds: float | None = None

    def __bool__(self) -> bool:
        return self.quality is not None or self.max_cost is not None or self.max_seconds is not None


NO_PREFERENCE = Preference()
FIELDS = ("quality", "max_cost", "max_seconds")
RANGES = {
    "quality": ("give a number from 0 (cheapest) to 1 (best)", "请填写 0（最省）到 1（最好）之间的数"),
    "max_cost": ("give an amount that is not negative", "请填写不小于 0 的金额"),
    "max_seconds": ("give a number of seconds above 0", "请填写大于 0 的秒数"),
}
"""What each field takes, in one clause of each language."""


def fits(field: str, value: float) -> bool:
    """Whether a field takes this value."""
    if not math.isfinite(value):
        return False
    return 0 <= value <= 1 if field == "quality" else value >= 0 if field == "max_cost" else value > 0


class Dial(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a turn was weighed by, each with who said it. None: no ceiling."""

    quality: float | None = None
    quality_by: By = ""
    max_cost: float | None = None
    max_cost_by: By = ""
    max_seconds: float | None = None
    max_seconds_by: By = ""

    def or_else(self, prefers: Preference, by: By) -> Dial:
        """With what `prefers` says where nothing has been said yet."""
        quality, cost, seconds = self.quality, self.max_cost, self.max_seconds
        return Dial(
            quality if quality is not None else prefers.quality,
            self.quality_by if quality is not None or prefers.quality is None else by,
            cost if cost is not None else prefers.max_cost,
            self.max_cost_by if cost is not None or prefers.max_cost is None else by,
            seconds if seconds is not None else prefers.max_seconds,
            self.max_seconds_by if seconds is not None or prefers.max_seconds is None else by,
        )

    def said(self) -> Dial:
        """Without what only the settings of the time filled in."""
        return Dial(
            *((None, "") if self.quality_by == "settings" else (self.quality, self.quality_by)),
            *((None, "") if self.max_cost_by == "settings" else (self.max_cost, self.max_cost_by)),
            *((None, "") if self.max_seconds_by == "settings" else (self.max_seconds, self.max_seconds_by)),
        )


NO_DIAL = Dial()
