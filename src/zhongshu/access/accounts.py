"""What a worker remembers about a key in use: the caller it stands for, and the counters its turns must pass."""

from __future__ import annotations

from zhongshu.access.keys import Key, Tenant
from zhongshu.access.names import FOREVER_NS, period_end_ns, purse_name, rate_name
from zhongshu.access.settings import AccessSettings
from zhongshu.access.store import KeyAndTenant
from zhongshu.core.access import Caller, Limits
from zhongshu.storage.leases import Bundle, Leases, Purse, Rate, Seats


class Account:
    """A key in use. `bundle` is None when nothing limits it; it holds until `until_ns`, when a budget's period ends.

    most_tokens: the smallest tokens-per-minute limit, which one turn alone must not exceed; None for none.
    """

    __slots__ = ("_key", "_settings", "_tenant", "bundle", "caller", "expires_ns", "most_tokens", "until_ns")

    def __init__(self, found: KeyAndTenant, settings: AccessSettings) -> None:
        self._key: Key = found.key
        self._tenant: Tenant = found.tenant
        self._settings = settings
        self.caller = Caller(tenant=found.tenant.id, key_id=found.key.id, role=found.key.role, models=found.key.models)
        self.expires_ns = FOREVER_NS if found.key.expires_ns is None else found.key.expires_ns
        self.until_ns = 0
        self.bundle: Bundle | None = None
        self.most_tokens: int | None = None

    def arm(self, leases: Leases, now_ns: int) -> None:
        """Find this account's counters among the process's leases, for the budget period that `now_ns` is in."""
        ones: list[Rate] = []
        amounts: list[Rate] = []
        seats: list[Seats] = []
        purses: list[Purse] = []
        self.until_ns = FOREVER_NS
        for scope, whose, limits in self._scopes():
            if limits.requests_per_minute is not None:
                ones.append(leases.rate(rate_name(scope, whose, "requests"), limits.requests_per_minute))
            if limits.tokens_per_minute is not None:
                amounts.append(leases.rate(rate_name(scope, whose, "tokens"), limits.tokens_per_minute))
            if limits.concurrency is not None:
                seats.append(leases.seats(rate_name(scope, whose, "turns"), limits.concurrency))
            if limits.budget_nano is not None:
                purse = purse_name(scope, whose, limits.budget_period, now_ns)
                purses.append(leases.purse(purse, limits.budget_nano))
                self.until_ns = min(self.until_ns, period_end_ns(limits.budget_period, now_ns))
        self.most_tokens = min((rate.limit for rate in amounts), default=None)
        limited = ones or amounts or seats or purses
        self.bundle = Bundle(tuple(ones), tuple(amounts), tuple(seats), tuple(purses)) if limited else None

    def _scopes(self) -> tuple[tuple[str, str, Limits], tuple[str, str, Limits]]:
        key, tenant = self._key, self._tenant
        return (
            ("key", key.id, _or_else(key.limits, self._settings.key_limits)),
            ("tenant", tenant.id, _or_else(tenant.limits, self._settings.tenant_limits)),
        )


def _or_else(own: Limits, common: Limits) -> Limits:
    """A limit of one's own counts before the common one, be it more or less. Budgets are always one's own."""
    return Limits(
        requests_per_minute=_first(own.requests_per_minute, common.requests_per_minute),
        tokens_per_minute=_first(own.tokens_per_minute, common.tokens_per_minute),
        concurrency=_first(own.concurrency, common.concurrency),
        budget_nano=own.budget_nano,
        budget_period=own.budget_period,
        currency=own.currency,
    )


def _first(own: int | None, common: int | None) -> int | None:
    return common if own is None else own
