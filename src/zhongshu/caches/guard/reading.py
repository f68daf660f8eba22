"""What a language's reader makes of a question's pieces."""

from __future__ import annotations

import msgspec


class Reading(msgspec.Struct, frozen=True):
    """kind: what is asked for, "" for simply what. denied: how many negations. words: those that carry meaning, in
    order, each in its one form. directed: whether their order matters. persons: "I" or "you", where somebody speaks of
    their own or the other's."""

    kind: str
    denied: int
    words: list[str]
    directed: bool
    persons: frozenset[str] = frozenset()


def listed(text: str) -> list[str]:
    """The words of a table, written one after the other."""
    return text.split()
