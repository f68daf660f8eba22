"""What a turn is to be weighed by: the request's own word first, then its headers', its key's, its assistant's.

Read only where somebody weighs: for `auto` and for assistants. What nobody said is filled in from the settings there.
"""

from __future__ import annotations

from collections.abc import Mapping

from zhongshu.core.dials import FIELDS, NO_DIAL, RANGES, Dial, Preference, fits
from zhongshu.core.problems import Refusal, Said, problem
from zhongshu.core.turns import NO_WISHES
from zhongshu.pipeline.stages import Arrived

HEADERS = {field: b"x-zhongshu-" + field.replace("_", "-").encode() for field in FIELDS}
"""For clients that cannot send a field of their own."""
_QUALITY, _COST, _SECONDS = HEADERS.values()


def dial_of(arrived: Arrived, assistant: Preference | None = None) -> Dial | Refusal:
    """What was said, and by whom; refused where a header's value will not do."""
    wishes, headers, dial = arrived.turn.wishes, arrived.headers, NO_DIAL
    if wishes is not NO_WISHES and (
        wishes.quality is not None or wishes.max_cost is not None or wishes.max_seconds is not None
    ):
        dial = dial.or_else(Preference(wishes.quality, wishes.max_cost, wishes.max_seconds), "request")
    if _QUALITY in headers or _COST in headers or _SECONDS in headers:
        said = _said_in(headers)
        if isinstance(said, Refusal):
            return said
        dial = dial.or_else(said, "header")
    if arrived.caller.prefers is not None:
        dial = dial.or_else(arrived.caller.prefers, "key")
    return dial.or_else(assistant, "assistant") if assistant else dial


def unfit(arrived: Arrived) -> Refusal | None:
    """The refusal of a header that will not do, on a turn that nobody weighs: a named model's."""
    headers = arrived.headers
    if _QUALITY in headers or _COST in headers or _SECONDS in headers:
        said = _said_in(headers)
        return said if isinstance(said, Refusal) else None
    return None


def _said_in(headers: Mapping[bytes, bytes]) -> Preference | Refusal:
    said: dict[str, float] = {}
    for field, name in HEADERS.items():
        given = headers.get(name)
        if given is not None:
            value = _number(field, given)
            if value is None:
                return _refusal(field, name)
            said[field] = value
    return Preference(**said)


def _number(field: str, given: bytes) -> float | None:
    try:
        value = float(given)
    except ValueError:
        return None
    return value if b"_" not in given and fits(field, value) else None


def _refusal(field: str, name: bytes) -> Refusal:
    header = name.decode()
    return Refusal("route", problem("invalid_value", param=header, field=header, why=Said(*RANGES[field])))
