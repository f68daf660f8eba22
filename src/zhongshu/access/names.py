"""What the counters of a tenant or key are called, and when a budget's period ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

FOREVER_NS = (1 << 63) - 1


def rate_name(scope: str, id: str, what: str) -> str:
    """`key/k_4fK0tq81LmZx/requests`."""
    return f"{scope}/{id}/{what}"


def purse_name(scope: str, id: str, period: str, at_ns: int, currency: str = "CNY") -> str:
    """`tenant/acme/2026-11`: each period has a purse of its own, and starts full.

    Purses counted in another currency than yuan say so, so that a change of it never mixes the two.
    """
    at = _utc(at_ns)
    when = {"day": f"{at:%Y-%m-%d}", "month": f"{at:%Y-%m}"}.get(period, "total")
    return f"{scope}/{id}/{when}" if currency == "CNY" else f"{scope}/{id}/{when}/{currency}"


def period_begin_ns(period: str, at_ns: int) -> int:
    """When the period that holds `at_ns` began; 0 for "total"."""
    if period not in ("day", "month"):
        return 0
    start = _utc(at_ns).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((start if period == "day" else start.replace(day=1)).timestamp()) * 1_000_000_000


def period_end_ns(period: str, at_ns: int) -> int:
    """When the period that holds `at_ns` ends: midnight or the first of the month, UTC; never for "total"."""
    if period not in ("day", "month"):
        return FOREVER_NS
    start = _utc(at_ns).replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + timedelta(days=1) if period == "day" else (start.replace(day=1) + timedelta(days=32)).replace(day=1)
    return int(end.timestamp()) * 1_000_000_000


def _utc(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns // 1_000_000_000, UTC)
