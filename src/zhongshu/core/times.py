"""Moments as nanoseconds since 1970, as everything here keeps them, and the days and months they fall into. UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

SECOND_NS = 10**9
LAST_NS = (1 << 63) - 1
DAY_NS = 86_400 * SECOND_NS
_MONTH = re.compile(r"[1-9]\d{3}-(0[1-9]|1[0-2])")


def date_of(at_ns: int) -> datetime:
    """The moment as a date, to the second."""
    return datetime.fromtimestamp(at_ns // SECOND_NS, UTC)


def ns_of(at: datetime) -> int:
    """A date as a moment, to the second; without a zone it is UTC. As far as 64 bits go: the year 9999 is their end."""
    at_ns = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()) * SECOND_NS
    return max(-LAST_NS, min(at_ns, LAST_NS))


def month_of(at_ns: int) -> str:
    """The month that a moment belongs to: "2026-11"."""
    return date_of(at_ns).strftime("%Y-%m")


def month_bounds(month: str) -> tuple[int, int]:
    """When a month ("2026-11") begins and ends. Raises ValueError for what is no month."""
    if not _MONTH.fullmatch(month):
        raise ValueError("month: give a month such as 2026-11")
    first = datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC)
    following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return ns_of(first), ns_of(following)
