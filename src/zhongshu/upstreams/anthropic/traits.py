"""What the generations of Claude take, where they differ: facts only, from Anthropic's migration guides and pydantic-ai's
tables, which are tried against the service (2026-11-22).

Models are known by name; one that is not Claude (DeepSeek, Kimi, GLM and others offer this format) is asked as the
older Claudes are.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """thinking: "budget" is asked for in tokens, "adaptive" by a word of effort. off: how no thinking is said; empty
    for a model that always thinks. sampling: takes temperature, top_p and top_k. forced: can be made to call a tool.
    schema: keeps to a JSON Schema (output_config.format). calm: takes no effort above high while it does not think."""

    thinking: Literal["budget", "adaptive"] = "budget"
    off: Literal["disabled", "between_tools", ""] = "disabled"
    sampling: bool = True
    forced: bool = True
    schema: bool = False
    calm: bool = False


OLDER = Traits()
_WITH_SCHEMA = Traits(schema=True)
_FIRST_ADAPTIVE = Traits(thinking="adaptive", schema=True)
_NO_SAMPLING = Traits(thinking="adaptive", sampling=False, schema=True)
_CALM = Traits(thinking="adaptive", sampling=False, schema=True, calm=True)
_BETWEEN_TOOLS = Traits(thinking="adaptive", off="between_tools", sampling=False, forced=False, schema=True, calm=True)
_ALWAYS_FORCED = Traits(thinking="adaptive", off="", sampling=False, schema=True)
_ALWAYS = Traits(thinking="adaptive", off="", sampling=False, forced=False, schema=True)

# The first that matches counts. Vendors put their own words before and after the name, and a dot for a dash.
_ROWS: tuple[tuple[re.Pattern[str], Traits], ...] = (
    (re.compile(r"claude-((fable|mythos)-5(?!-\d(?!\d))|mythos-preview)"), _ALWAYS_FORCED),
    (re.compile(r"claude.*(fable|mythos)|claude-opus-5-5"), _ALWAYS),
    (re.compile(r"claude-sonnet-5-5"), _BETWEEN_TOOLS),
    (re.compile(r"claude-(opus-5|haiku-5-5)(?!\d)"), _CALM),
    (re.compile(r"claude-(sonnet|haiku)-5(?!\d)|claude-opus-4-[78](?!\d)"), _NO_SAMPLING),
    (re.compile(r"claude-(opus|sonnet)-4-6(?!\d)"), _FIRST_ADAPTIVE),
    (re.compile(r"claude-(opus-4-[15]|sonnet-4-5|haiku-4-5)(?!\d)"), _WITH_SCHEMA),
    (re.compile(r"claude-(3|instant|2|(opus|sonnet|haiku)-4)"), OLDER),
    # What is newer than this table: as the newest of its kind.
    (re.compile(r"claude-opus-\d"), _ALWAYS),
    (re.compile(r"claude-sonnet-\d"), _BETWEEN_TOOLS),
    (re.compile(r"claude-haiku-\d"), _CALM),
)


def traits_of(model: str) -> Traits:
    """The traits of a model by its name at the upstream."""
    name = model.lower().replace(".", "-")
    return next((traits for pattern, traits in _ROWS if pattern.search(name)), OLDER)
