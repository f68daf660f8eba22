"""One line of the index, made from a frame, and the filters and groups over such lines in memory.

What the keeper has not indexed yet is read from the journal and filtered and summed here, by the same names that
queries.py has for SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from operator import itemgetter
from typing import Any

import msgspec

from zhongshu.core.records import Record
from zhongshu.core.times import date_of, month_of
from zhongshu.ledger.frames import Frame
from zhongshu.ledger.payloads import decode_event, decode_values
from zhongshu.ledger.queries import COLUMNS
from zhongshu.ledger.reader import Place


class TurnRow(msgspec.Struct, frozen=True, array_like=True):
    """A turn as listed: everything that is searched and summed, and where its record stands. Columns as in SQL."""

    stream: str
    segment: int
    frame: int
    place: int
    written_ns: int
    trace: str
    at_ns: int
    outcome: str
    tenant: str
    key_id: str
    user_name: str
    asked: str
    release_name: str
    upstream: str
    served: str
    kind: str
    error: str
    stage: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    thinking_tokens: int
    estimated: int
    cost_nano: int
    currency: str
    first_us: int
    took_us: int
    overhead_us: int
    split: str
    cache: str
    saved_nano: int
    saved_us: int
    shadow_of: str
    queued_us: int

    @property
    def where(self) -> Place:
        """Where its record stands."""
        return Place(self.stream, self.segment, self.frame, self.place)

    @property
    def model(self) -> str:
        """The model that answered, or else the one asked for."""
        return self.release_name.partition("@")[0] or self.asked


assert TurnRow.__struct_fields__ == COLUMNS, "the table and the row have the same columns"


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which turns. Everything given must hold; `text` looks into prompts and answers and needs their keys.

    asked: exactly this name was asked for. split: chosen by this rule; cache: "exact" or "semantic", "" for answered
    anew; shadow: only turns that repeat another one unseen (True), only the others (False); shadow_of: that other one.
    """

    trace: str | None = None
    tenant: str | None = None
    key: str | None = None
    user: str | None = None
    model: str | None = None
    release: str | None = None
    upstream: str | None = None
    outcome: str | None = None
    error: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    text: str | None = None
    asked: str | None = None
    kind: str | None = None
    split: str | None = None
    cache: str | None = None
    shadow: bool | None = None
    shadow_of: str | None = None


class EventFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which events. Everything given must hold."""

    name: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None


_TAKEN = (
    "trace", "at_ns", "outcome", "tenant", "key_id", "user", "asked", "release", "upstream", "served", "kind", "error",
    "stage", "usage", "cost_nano", "currency", "first_us", "took_us", "overhead_us", "split", "cache", "saved_nano",
    "saved_us", "shadow_of", "queued_us",
)  # fmt: skip
_BLANK = Record(trace="", at_ns=0, outcome="failed")
_DEFAULTS: list[Any] = [msgspec.to_builtins(getattr(_BLANK, name)) for name in _TAKEN]


@lru_cache(maxsize=64)
def _taker(fields: tuple[str, ...]) -> Callable[[list[Any]], tuple[Any, ...]]:
    """Takes a turn's values by name; one that an older segment does not have gets its default."""
    return itemgetter(*(fields.index(n) if n in fields else len(fields) + i for i, n in enumerate(_TAKEN)))


def row_values(stream: str, segment: int, frame: Frame, fields: tuple[str, ...]) -> tuple[Any, ...] | None:
    """The columns of a frame's turn, in order; None for an event or a frame that cannot be read."""
    try:
        values = decode_values(frame.payload)
        if values is None:
            return None
        trace, at_ns, outcome, tenant, key, user, asked, release, upstream, served, kind, error, stage, usage, *rest = (
            _taker(fields)(values + _DEFAULTS)
        )
        return (
            stream, segment, frame.number, frame.offset, frame.written_ns,
            trace, at_ns, outcome, tenant, key, user or "", asked, release, upstream, served, kind, error, stage,
            usage.get("prompt", 0), usage.get("completion", 0), usage.get("cached", 0), usage.get("thinking", 0),
            int(usage.get("estimated", False)), *rest,
        )  # fmt: skip
    except (msgspec.MsgspecError, ValueError, LookupError, TypeError):
        return None  # a changed frame: verification says so


def event_values(stream: str, segment: int, frame: Frame) -> tuple[Any, ...] | None:
    """The columns of a frame's event, in order, its facts as JSON; None for a turn or a frame that cannot be read."""
    try:
        event = decode_event(frame.payload)
        if event is None:
            return None
        facts = msgspec.json.encode(event.facts).decode()
        return stream, segment, frame.number, frame.offset, frame.written_ns, event.name, event.at_ns, facts
    except (msgspec.MsgspecError, ValueError, LookupError, TypeError):
        return None  # a changed frame: verification says so


_TESTS: dict[str, Callable[[TurnRow, Any], bool]] = {
    "trace": lambda row, value: row.trace == value,
    "tenant": lambda row, value: row.tenant == value,
    "key": lambda row, value: row.key_id == value,
    "user": lambda row, value: row.user_name == value,
    "model": lambda row, value: value in (row.asked, row.served, row.release_name, row.release_name.partition("@")[0]),
    "release": lambda row, value: row.release_name == value,
    "upstream": lambda row, value: row.upstream == value,
    "outcome": lambda row, value: row.outcome == value,
    "error": lambda row, value: row.error == value,
    "since_ns": lambda row, value: row.at_ns >= value,
    "until_ns": lambda row, value: row.at_ns < value,
    "asked": lambda row, value: row.asked == value,
    "kind": lambda row, value: row.kind == value,
    "split": lambda row, value: row.split == value,
    "cache": lambda row, value: row.cache == value,
    "shadow": lambda row, value: bool(row.shadow_of) == value,
    "shadow_of": lambda row, value: row.shadow_of == value != "",
}


def conditions(wanted: Filter) -> dict[str, Any]:
    """What a filter asks for, without what it leaves open and without `text`."""
    return {name: value for name in _TESTS if (value := getattr(wanted, name)) is not None}


def keeps(wanted: Filter, row: TurnRow) -> bool:
    """Whether a row passes; `text` is not looked at."""
    return all(_TESTS[name](row, value) for name, value in conditions(wanted).items())


_GROUPED: dict[str, Callable[[TurnRow], str]] = {
    "tenant": lambda row: row.tenant,
    "key": lambda row: row.key_id,
    "user": lambda row: row.user_name,
    "model": lambda row: row.model,
    "release": lambda row: row.release_name,
    "upstream": lambda row: row.upstream,
    "outcome": lambda row: row.outcome,
    "error": lambda row: row.error,
    "kind": lambda row: row.kind,
    "asked": lambda row: row.asked,
    "split": lambda row: row.split,
    "cache": lambda row: row.cache,
    "shadow": lambda row: "shadow" if row.shadow_of else "",
    "hour": lambda row: date_of(row.at_ns).strftime("%Y-%m-%dT%H:00Z"),
    "day": lambda row: date_of(row.at_ns).strftime("%Y-%m-%d"),
    "month": lambda row: month_of(row.at_ns),
}


def group_key(row: TurnRow, groups: tuple[str, ...]) -> tuple[str, ...]:
    """The values a row is grouped under."""
    return tuple(_GROUPED[name](row) for name in groups)
