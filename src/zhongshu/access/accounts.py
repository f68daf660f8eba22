"""What a worker remembers about a key in use: the caller it stands for, and the counters its turns must pass."""

from __future__ import annotations

from zhongshu.access.keys import Budget, Key, Tenant
from zhongshu.access.names import FOREVER_NS, period_begin_ns, period_end_ns, purse_name, rate_name
from zhongshu.access.settings import AccessSettings
from zhongshu.access.store import KeyAndTenant
from zhongshu.core.access import Caller, Limits, priority_of
from zhongshu.core.money import Exchange
from zhongshu.storage.leases import Bundle, Leases, Purse, Rate, Seats

_REMEMBERED = 10_000
"""Pairs of user and model that one key's counters are remembered for."""


class Account:
    """A key in use. `bundle` is None when nothing limits it; it holds until `until_ns`, when a budget's period ends.

    most_tokens: the smallest tokens-per-minute limit, which one turn alone must not exceed; None for none. narrow: users
    or models have budgets too, so that the counters depend on the turn (`bundle_of`); or there is an `unpriced`. unpriced: the currency of a
    budget that cannot be counted, because its rate has gone from the settings.
    """

    __slots__ = (
        "_budgets", "_exchange", "_key", "_narrowed", "_settings", "_tenant", "bundle", "caller", "expires_ns",
        "most_tokens", "narrow", "unpriced", "until_ns",
    )  # fmt: skip

    def __init__(self, found: KeyAndTenant, settings: AccessSettings, exchange: Exchange) -> None:
        self._key: Key = found.key
        self._tenant: Tenant = found.tenant
        self._settings = settings
        self._exchange = exchange
        self._budgets = {(row.tenant, row.scope, row.whose): row for row in found.budgets}
        self._narrowed: dict[tuple[str | None, str], Bundle | None] = {}
        self.narrow = bool(self._budgets)
        self.unpriced: str | None = None
        key = found.key
        first = found.tenant.limits.priority == "high"
        self.caller = Caller(found.tenant.id, key.id, key.role, key.models, key.prefers or None, _class(found), first)
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
        ends = [period_end_ns(row.period, now_ns) for row in self._budgets.values()]
        self.unpriced = None
        self._narrowed.clear()
        for scope, whose, limits in self._scopes():
            if limits.requests_per_minute is not None:
                ones.append(leases.rate(rate_name(scope, whose, "requests"), limits.requests_per_minute))
            if limits.tokens_per_minute is not None:
                amounts.append(leases.rate(rate_name(scope, whose, "tokens"), limits.tokens_per_minute))
            if limits.concurrency is not None:
                seats.append(leases.seats(rate_name(scope, whose, "turns"), limits.concurrency))
            if limits.budget_nano is not None:
                ends.append(period_end_ns(limits.budget_period, now_ns))
                purses += self._purse(
                    leases, scope, whose, limits.budget_nano, limits.budget_period, limits.currency, now_ns
                )
        self.most_tokens = min((rate.limit for rate in amounts), default=None)
        self.narrow = bool(self._budgets) or self.unpriced is not None
        limited = ones or amounts or seats or purses
        self.bundle = Bundle(tuple(ones), tuple(amounts), tuple(seats), tuple(purses)) if limited else None
        self.until_ns = min(ends, default=FOREVER_NS)  # last: after a failure above, the next turn tries again

    def bundle_of(self, leases: Leases, user: str | None, model: str, now_ns: int) -> Bundle | None:
        """The counters of a turn that names this user and asks for this model."""
        place = (user, model)
        if place in self._narrowed:
            return self._narrowed[place]
        more = [
            purse
            for row, whose in self._touched(user, model)
            for purse in self._purse(
                leases, row.scope, f"{row.tenant}/{whose}", row.budget_nano, row.period, row.currency, now_ns
            )
        ]
        if len(self._narrowed) >= _REMEMBERED:
            del self._narrowed[next(iter(self._narrowed))]
        self._narrowed[place] = bundle = _with(self.bundle, tuple(more))
        return bundle

    def _touched(self, user: str | None, model: str) -> list[tuple[Budget, str]]:
        """The budgets of a turn: the user's own, else that of each user; the model's in this tenant, and over all."""
        tenant = self._tenant.id
        found: list[tuple[Budget, str]] = []
        if user:
            row = self._budgets.get((tenant, "user", user)) or self._budgets.get((tenant, "user", "*"))
            found += [(row, user)] if row else []
        for owner in (tenant, "*"):
            row = self._budgets.get((owner, "model", model))
            found += [(row, model)] if row else []
        return found

    def _purse(
        self, leases: Leases, scope: str, whose: str, budget_nano: int, period: str, currency: str, now_ns: int
    ) -> tuple[Purse, ...]:
        """A budget's purse, its limit at the rate that its period began with."""
        exchange = self._exchange
        if not exchange.knows(currency):
            self.unpriced = currency
            return ()
        limit = exchange.to_home(budget_nano, currency, period_begin_ns(period, now_ns))
        return (leases.purse(purse_name(scope, whose, period, now_ns, exchange.home), limit),)

    def _scopes(self) -> tuple[tuple[str, str, Limits], tuple[str, str, Limits]]:
        key, tenant = self._key, self._tenant
        return (
            ("key", key.id, _or_else(key.limits, self._settings.key_limits)),
            ("tenant", tenant.id, _or_else(tenant.limits, self._settings.tenant_limits)),
        )


def _with(bundle: Bundle | None, purses: tuple[Purse, ...]) -> Bundle | None:
    if not purses:
        return bundle
    if bundle is None:
        return Bundle((), (), (), purses)
    return Bundle(bundle.ones, bundle.amounts, bundle.seats, (*bundle.purses, *purses))


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


def _class(found: KeyAndTenant) -> str | None:
    """A key's class, no higher than its tenant's."""
    mine, ours = found.key.limits.priority, found.tenant.limits.priority
    return None if mine is None and ours is None else priority_of(mine, ours)


def _first(own: int | None, common: int | None) -> int | None:
    return common if own is None else own
