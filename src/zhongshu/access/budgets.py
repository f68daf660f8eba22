"""Budgets: what a tenant, a key, an end user or a model may cost in a period, and what it has cost so far.

Budgets of tenants and keys are part of their limits; those of users and models are rows of their own. All of them are
purses among the counters, in one currency. A budget that is new, or that is raised, begins with what its period has
already cost by the ledger; turns in flight at that moment are the only ones that are not counted.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from zhongshu.access import store
from zhongshu.access.keys import Budget
from zhongshu.access.names import FOREVER_NS, period_begin_ns, period_end_ns, purse_name
from zhongshu.access.settings import PERIODS
from zhongshu.core.access import Limits
from zhongshu.core.clock import Clock
from zhongshu.core.money import HOME_ONLY, Exchange
from zhongshu.core.problems import Said, fault
from zhongshu.storage.counters import CounterStore
from zhongshu.storage.database import Database

ANY = "*"
SCOPES = ("user", "model")
MOST = (1 << 62) - 1


class Spending(msgspec.Struct, frozen=True, kw_only=True):
    """A budget's state in its present period. `spent_nano` is up to `AccessSettings.settle_s` behind.

    ends_ns: when the period ends; None for a total.
    """

    budget_nano: int
    spent_nano: int
    currency: str
    period: str
    ends_ns: int | None


class Held(msgspec.Struct, frozen=True):
    """A purse that a budget is kept in now: whose it is, its limit and what is spent of it in the home currency."""

    scope: str
    tenant: str
    whose: str
    purse: str
    limit_nano: int
    spent_nano: int
    budget_nano: int
    currency: str
    period: str
    ends_ns: int | None


class Spent(msgspec.Struct, frozen=True):
    """What to ask the ledger: the cost of the turns of a scope that arrived from `since_ns` on."""

    scope: str
    tenant: str
    whose: str
    since_ns: int


Past = Callable[[Spent], int]
"""What such turns have cost by the ledger, in billionths of the home currency."""


def nothing_past(asked: Spent) -> int:
    """For an installation without a ledger at hand."""
    del asked
    return 0


class BudgetDesk:
    """Makes, changes and reads budgets. `exchange` and `past` are handed in, and may be replaced."""

    def __init__(
        self, database: Database, counters: CounterStore, clock: Clock, exchange: Exchange = HOME_ONLY
    ) -> None:
        self._database = database
        self._counters = counters
        self._clock = clock
        self.exchange = exchange
        self.past: Past = nothing_past

    def all(self, tenant: str | None = None) -> tuple[Budget, ...]:
        """Every budget of users and models, or one tenant's."""
        with self._database.read() as db:
            return store.all_budgets(db, tenant)

    def set(self, budget: Budget) -> Budget:
        """Make a budget or replace it. Raises Fault (invalid_value, tenant_not_found) naming the field."""
        self._check(budget)
        budget = msgspec.structs.replace(budget, created_ns=self._clock.now_ns())
        with self._database.write() as db:
            if budget.tenant != ANY and store.tenant_by_id(db, budget.tenant) is None:
                raise fault("tenant_not_found", tenant=budget.tenant)
            before = store.budget_of(db, budget)
            store.put_budget(db, budget)
        known = before if before and before.period == budget.period else None
        if budget.whose != ANY and (known is None or known.budget_nano < budget.budget_nano):
            self._catch_up(budget.scope, budget.tenant, budget.whose, budget.period)
        return budget

    def remove(self, tenant: str, scope: str, whose: str) -> bool:
        """Take a budget away; False when there was none."""
        with self._database.write() as db:
            return store.drop_budget(db, tenant, scope, whose)

    def spending(self, budget: Budget) -> Spending:
        """What is spent of a budget in its present period; of an "each user" budget, by the one who spent most."""
        now_ns = self._clock.now_ns()
        spent = [held.spent_nano for held in self._held_of(budget, now_ns)]
        return self._spending(budget.budget_nano, max(spent, default=0), budget.currency, budget.period, now_ns)

    def spending_of(self, scope: str, id: str, limits: Limits) -> Spending | None:
        """What a tenant or key has spent of its budget; None when it has none."""
        if limits.budget_nano is None:
            return None
        now_ns = self._clock.now_ns()
        name = self.purse(scope, "", id, limits.budget_period, now_ns)
        spent = self._counters.spent([name]).get(name, 0)
        return self._spending(limits.budget_nano, spent, limits.currency, limits.budget_period, now_ns)

    def changed(self, scope: str, tenant: str, id: str, before: Limits, after: Limits) -> None:
        """A tenant's or key's limits have changed: a budget that is new or raised takes in what was spent before."""
        if after.budget_nano is None:
            return
        same = before.budget_nano is not None and before.budget_period == after.budget_period
        if not same or (before.budget_nano or 0) < after.budget_nano:
            self._catch_up(scope, tenant, id, after.budget_period)

    def held(self) -> list[Held]:
        """Every budget there is, each purse with what is spent of it. For alerts."""
        now_ns = self._clock.now_ns()
        with self._database.read() as db:
            tenants, keys, rows = store.all_tenants(db), store.all_keys(db), store.all_budgets(db)
        limited = [_own("tenant", one.id, one.id, one.limits) for one in tenants]
        limited += [_own("key", key.tenant, key.id, key.limits) for key in keys if key.revoked_ns is None]
        every = [*(budget for budget in limited if budget), *rows]
        return [
            held for budget in every for held in self._held_of(budget, now_ns) if self.exchange.knows(budget.currency)
        ]

    def in_its_currency(self, held: Held, at_ns: int) -> int:
        """What is spent of a budget, in the currency it was given in."""
        return self.exchange.from_home(held.spent_nano, held.currency, period_begin_ns(held.period, at_ns))

    def purse(self, scope: str, tenant: str, whose: str, period: str, at_ns: int) -> str:
        """What the purse is called."""
        owner = f"{tenant}/{whose}" if scope in SCOPES else whose
        return purse_name(scope, owner, period, at_ns, self.exchange.home)

    def check_currency(self, currency: str) -> None:
        """Raise Fault("invalid_value") for a currency that cannot be counted."""
        if currency not in ("CNY", "USD"):
            raise fault("invalid_value", param="currency", field="currency", why='use "CNY" or "USD"')
        if not self.exchange.knows(currency):
            home = self.exchange.home
            why = Said(
                f"budgets are counted in {home} and nothing says what {currency} is worth; give the budget in {home}, "
                "or add a row to [[rates]] in the settings",
                f"预算以 {home} 计，但没有 {currency} 的汇率；请以 {home} 填写预算，或在设置的 [[rates]] 中添加一行",
            )
            raise fault("invalid_value", param="currency", field="currency", why=why)

    def _held_of(self, budget: Budget, now_ns: int) -> list[Held]:
        if budget.whose == ANY:
            return [self._one(budget, *found, now_ns) for found in self._users(budget, now_ns)]
        name = self.purse(budget.scope, budget.tenant, budget.whose, budget.period, now_ns)
        return [self._one(budget, budget.whose, name, self._counters.spent([name]).get(name, 0), now_ns)]

    def _users(self, budget: Budget, now_ns: int) -> list[tuple[str, str, int]]:
        """User, purse and what is spent of an "each user" budget, but for users who have a budget of their own."""
        prefix = f"{budget.scope}/{budget.tenant}/"
        suffix = self.purse(budget.scope, budget.tenant, "", budget.period, now_ns).removeprefix(prefix)
        own = {row.whose for row in self.all(budget.tenant) if row.scope == budget.scope}
        purses = self._counters.spent_under(prefix).items()
        users = [(name[len(prefix) : -len(suffix)], name, spent) for name, spent in purses if name.endswith(suffix)]
        return [found for found in users if found[0] not in own]

    def _one(self, budget: Budget, whose: str, purse: str, spent_nano: int, now_ns: int) -> Held:
        begin_ns = period_begin_ns(budget.period, now_ns)
        return Held(
            scope=budget.scope,
            tenant=budget.tenant,
            whose=whose,
            purse=purse,
            limit_nano=self.exchange.to_home(budget.budget_nano, budget.currency, begin_ns),
            spent_nano=spent_nano,
            budget_nano=budget.budget_nano,
            currency=budget.currency,
            period=budget.period,
            ends_ns=_ends_ns(budget.period, now_ns),
        )

    def _spending(self, budget_nano: int, spent_nano: int, currency: str, period: str, now_ns: int) -> Spending:
        if self.exchange.knows(currency):
            spent_nano = self.exchange.from_home(spent_nano, currency, period_begin_ns(period, now_ns))
        return Spending(
            budget_nano=budget_nano,
            spent_nano=spent_nano,
            currency=currency,
            period=period,
            ends_ns=_ends_ns(period, now_ns),
        )

    def _catch_up(self, scope: str, tenant: str, whose: str, period: str) -> None:
        now_ns = self._clock.now_ns()
        spent = self.past(Spent(scope, tenant, whose, period_begin_ns(period, now_ns)))
        if spent:
            self._counters.catch_up({self.purse(scope, tenant, whose, period, now_ns): spent})

    def _check(self, budget: Budget) -> None:
        if budget.scope not in SCOPES:
            raise fault("invalid_value", param="scope", field="scope", why='use "user" or "model"')
        if not 0 < len(budget.whose) <= 256 or not budget.whose.isprintable():
            why = "use 1 to 256 printable characters, on one line"
            raise fault("invalid_value", param="whose", field="whose", why=why)
        if budget.scope == "user" and budget.tenant == ANY:
            why = "a user belongs to a tenant; name it"
            raise fault("invalid_value", param="tenant", field="tenant", why=why)
        if budget.scope == "model" and budget.whose == ANY:
            why = "name a model; the budget of a tenant or key covers all of them"
            raise fault("invalid_value", param="whose", field="whose", why=why)
        if not 0 <= budget.budget_nano <= MOST:
            why = f"use an amount from 0 to {MOST // 10**9}"
            raise fault("invalid_value", param="budget", field="budget", why=why)
        if budget.period not in PERIODS:
            raise fault("invalid_value", param="period", field="period", why='use "day", "month" or "total"')
        self.check_currency(budget.currency)


def _own(scope: str, tenant: str, id: str, limits: Limits) -> Budget | None:
    """The budget among somebody's limits."""
    if limits.budget_nano is None:
        return None
    return Budget(
        tenant=tenant,
        scope=scope,
        whose=id,
        budget_nano=limits.budget_nano,
        period=limits.budget_period,
        currency=limits.currency,
    )


def _ends_ns(period: str, now_ns: int) -> int | None:
    ends_ns = period_end_ns(period, now_ns)
    return None if ends_ns == FOREVER_NS else ends_ns
