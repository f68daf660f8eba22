"""The values that bodies of several rooms are made of: money, moments, limits, pages."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from zhongshu.access.admin import Spending
from zhongshu.core.access import Limits
from zhongshu.core.money import money_nano, money_text
from zhongshu.core.problems import Said, fault
from zhongshu.core.times import SECOND_NS, date_of

T = TypeVar("T")
MOST_NS = (1 << 63) - 1
AMOUNT = r"^\d{1,9}(\.\d{1,9})?$"

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?", re.IGNORECASE)


def _not_bool(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "give a whole number")
    return value


def _written_out(value: object) -> object:
    """A time must be written out: a bare number could be seconds, milliseconds or a slip."""
    if isinstance(value, datetime) or (isinstance(value, str) and _ISO.fullmatch(value)):
        return value
    raise PydanticCustomError("datetime_parsing", "give a time such as 2026-11-21T08:00:00Z")


def _money_given(value: object) -> object:
    """An amount as people write it; what is none gets a sentence, not a pattern."""
    if isinstance(value, str) and not re.fullmatch(AMOUNT, value):
        raise PydanticCustomError("amount", "give an amount such as 12.50, not negative, at most 9 decimals")
    return value


Moment = Annotated[datetime, BeforeValidator(_written_out)]
Amount = Annotated[
    str,
    BeforeValidator(_money_given),
    Field(examples=["12.5"], description="Money as an exact decimal text.", json_schema_extra={"pattern": AMOUNT}),
]
Count = Annotated[int, BeforeValidator(_not_bool), Field(ge=0, le=1_000_000_000_000)]
Limit = Annotated[int, BeforeValidator(_not_bool), Field(ge=1, le=500, description="How many at most.")]
Cursor = Annotated[
    str | None, Field(max_length=4096, description="`next` of the page before; leave it out for the first page.")
]


class Body(BaseModel):
    """What a request may say. A field we do not know is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class Shown(BaseModel):
    """What a reply says."""

    model_config = ConfigDict(frozen=True, from_attributes=True, protected_namespaces=())


class Cost(Shown):
    """Money, exact."""

    amount: str
    currency: str


class LimitsIn(Body):
    """Limits to set. A field that is left out stays as it is; null takes the limit away."""

    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None
    concurrency: Count | None = None
    budget: Amount | None = None
    budget_period: Literal["day", "month", "total"] = "month"
    currency: Literal["CNY", "USD"] = "CNY"
    priority: Literal["low", "normal", "high"] | None = None


class LimitsOut(Shown):
    """Limits in force for this tenant or key itself; null is no limit of its own."""

    requests_per_minute: int | None
    tokens_per_minute: int | None
    concurrency: int | None
    budget: str | None
    budget_period: str
    currency: str
    priority: str | None


class SpendingOut(Shown):
    """A budget in its present period. `ends` is null for a total."""

    budget: str
    spent: str
    currency: str
    period: str
    ends: datetime | None


def changed(before: Limits, given: LimitsIn | None) -> Limits | None:
    """`before` with what was given; None when nothing was."""
    if given is None or not given.model_fields_set:
        return None
    fields: dict[str, Any] = {name: getattr(given, name) for name in given.model_fields_set}
    if "budget" in fields:
        amount = fields.pop("budget")
        fields["budget_nano"] = None if amount is None else money_nano(amount)
    return msgspec.structs.replace(before, **fields)


def limits_out(limits: Limits) -> LimitsOut:
    """Limits as a reply says them."""
    fields = msgspec.structs.asdict(limits)
    budget = fields.pop("budget_nano")
    return LimitsOut(budget=None if budget is None else money_text(budget), **fields)


def spending_out(state: Spending | None) -> SpendingOut | None:
    """A budget's state as a reply says it."""
    if state is None:
        return None
    return SpendingOut(
        budget=money_text(state.budget_nano),
        spent=money_text(state.spent_nano),
        currency=state.currency,
        period=state.period,
        ends=None if state.ends_ns is None else moment(state.ends_ns),
    )


def moment(at_ns: int) -> datetime:
    """A wall-clock time in UTC, to the microsecond."""
    return date_of(at_ns).replace(microsecond=at_ns % SECOND_NS // 1000)


def nanoseconds(at: datetime | None) -> int | None:
    """A given time in ns; without a zone it is UTC. Beyond what 64 bits hold it is the end of time."""
    if at is None:
        return None
    since = (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    ns = (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1000
    return max(0, min(ns, MOST_NS))


def cursor_of(place: object) -> str:
    """A place in a list as an opaque text."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def place_of(cursor: str, kind: type[T]) -> T:
    """The place a cursor stands for. Raises Fault("invalid_value")."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=kind)
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        why = Said("use `next` of the page before, or leave it out", "请使用上一页的 `next`，或省略")
        raise fault("invalid_value", param="cursor", field="cursor", why=why) from None


def page(rows: Sequence[T], name: Callable[[T], str], limit: int, cursor: str | None) -> tuple[Sequence[T], str | None]:
    """The rows after the one a cursor names, and the next cursor. For lists that only grow at their end."""
    start = 0
    if cursor is not None:
        last = place_of(cursor, str)
        start = next((number for number, row in enumerate(rows, 1) if name(row) == last), 0)
        if not start:
            why = Said("it is of another list", "它属于另一个列表")
            raise fault("invalid_value", param="cursor", field="cursor", why=why)
    found = rows[start : start + limit]
    more = start + limit < len(rows)
    return found, cursor_of(name(found[-1])) if more else None
