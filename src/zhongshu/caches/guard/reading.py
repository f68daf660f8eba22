"""What a language's reader makes of a question's pieces."""

from __future__ import annotations

import msgspec


class Reading(msgspec.Struct, frozen=True):
    """kind: what is asked for, "" for simply what. denied: how many negations. words: those that carry meaning, in
    order, each in its one form. directed: whether their order matters."""

    kind: str
    denied: int
    words: list[str]
    directed: bool


def listed(text: str) -> list[str]:
    """The words of a table, written one after the other."""
    return text.split()
