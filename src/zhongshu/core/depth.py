"""How deep a model is to think, as one setting: a word, or a budget in tokens. Values only."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Effort = Literal["off", "minimal", "low", "medium", "high"]
Depth = (
    Literal["auto", "off", "minimal", "low", "medium", "high"]
    | Annotated[int, Meta(ge=1, le=1_000_000, extra={"unit": ("tokens", "词元数")})]
)
"""auto: as the router, the assistant or the model has it. A number: tokens that may be spent on thought."""


class Deep(msgspec.Struct, frozen=True):
    """A depth taken apart. Both None: nothing is asked."""

    effort: Effort | None = None
    tokens: int | None = None


NOT_SAID = Deep()


def deep(depth: Depth | None) -> Deep:
    """The word or the budget of a depth."""
    if depth is None or depth == "auto":
        return NOT_SAID
    return Deep(tokens=depth) if isinstance(depth, int) else Deep(depth)


def asked(depth: Depth | None, effort: Effort | None, tokens: int | None = None) -> Deep:
    """What a caller asks by our own setting, or else by the protocol's words; `auto` leaves it to those."""
    own = deep(depth)
    return Deep(effort, tokens) if own is NOT_SAID else own
