"""Settings of routing: `[router]` in the TOML. What `auto` uses a model for stands in the model's own row (`tier`)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(ge=0, le=1)]


class RouterSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How `auto` weighs quality against cost.

    dial: 0 is cheapest, 1 best; a turn goes to the reasoning model when that is expected to raise the chance of a
    right answer by at least (1 - dial) ** 3. max_cost: what one turn of `auto` may be expected to cost at most, in the
    currency that budgets are counted in; 0 for no ceiling. A caller's own `zhongshu.quality` and `zhongshu.max_cost`
    stand in their place.
    """

    dial: Share = 0.5
    max_cost: Annotated[float, Meta(ge=0)] = 0.0


def threshold_of(dial: float) -> float:
    """The least gain in quality for which the reasoning model is asked: 1 at dial 0, 0 at dial 1."""
    return 1.0 if dial <= 0 else (1.0 - dial) ** 3


def dial_of(threshold: float) -> float:
    """The dial whose threshold this is; 1 for any gain at all."""
    return 1.0 - max(0.0, min(1.0, threshold)) ** (1 / 3)
