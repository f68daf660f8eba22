"""The form in which a group's file says what its settings mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Meaning(NamedTuple):
    """A setting in one sentence, both languages, with its unit."""

    en: str
    zh: str


class Group(NamedTuple):
    """A group of settings. meaning: its heading; none for those at the top. settings: keys inside the group, those of
    a group within it with a dot ("price.input"). examples: what the annotated file shows for a setting that has no
    default, or whose default depends on the machine."""

    name: str
    meaning: Meaning | None
    settings: Mapping[str, Meaning]
    examples: Mapping[str, object] = {}
