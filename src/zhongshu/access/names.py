"""What the counters of a tenant or key are called, and when a budget's period ends."""

from __future__ import annotations

from zhongshu.core.times import DAY_NS, date_of, month_bounds, month_of

FOREVER_NS = (1 << 63) - 1


def rate_name(scope: str, id: str, what: str) -> str:
    """`key/k_4fK0tq81LmZx/requests`."""
    return f"{scope}/{id}/{what}"


def purse_name(scope: str, id: str, period: str, at_ns: int, currency: str = "CNY") -> str:
    """`tenant/acme/2026-11`: each period has a purse of its own, and starts full.

    Purses counted in another currency than yuan say so, so that a change of it never mixes the two.
    """
    at = date_of(at_ns)
    when = {"day": f"{at:%Y-%m-%d}", "month": f"{at:%Y-%m}"}.get(period, "total")
    return f"{scope}/{id}/{when}" if currency == "CNY" else f"{scope}/{id}/{when}/{currency}"


def period_begin_ns(period: str, at_ns: int) -> int:
    """When the period that holds `at_ns` began; 0 for "total"."""
    if period == "day":
        return at_ns // DAY_NS * DAY_NS
    return month_bounds(month_of(at_ns))[0] if period == "month" else 0


def period_end_ns(period: str, at_ns: int) -> int:
    """When the period that holds `at_ns` ends: midnight or the first of the month, UTC; never for "total"."""
    if period == "day":
        return at_ns // DAY_NS * DAY_NS + DAY_NS
    return month_bounds(month_of(at_ns))[1] if period == "month" else FOREVER_NS
