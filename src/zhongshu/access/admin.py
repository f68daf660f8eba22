"""Making, showing and changing tenants and keys, straight on the database: works whether or not a server runs.

Every change is durable when the call returns, and seen by running workers within `AccessSettings.poll_s`. Raises Fault
(invalid_value, conflict, tenant_not_found, key_not_found) for what the asker got wrong. Synchronous; an async caller
uses a thread. Knows no protocol: the command line and the admin API both speak through this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection

from zhongshu.access import store
from zhongshu.access.alerts import AlertBook
from zhongshu.access.budgets import BudgetDesk, Spending
from zhongshu.access.keys import Key, KeyChange, NewKey, Tenant, digest, key_id, mint, usable
from zhongshu.access.settings import PERIODS
from zhongshu.core.access import PRIORITIES, Limits
from zhongshu.core.clock import Clock
from zhongshu.core.dials import FIELDS, NO_PREFERENCE, RANGES, Preference, fits
from zhongshu.core.money import HOME_ONLY, Exchange
from zhongshu.core.problems import Said, fault
from zhongshu.storage.counters import CounterStore, Orphan
from zhongshu.storage.database import Database

DEFAULT_TENANT = "default"
ROLES = ("user", "admin")
CURRENCIES = ("CNY", "USD")
NO_LIMITS = Limits()
MOST = (1 << 62) - 1
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MODEL = re.compile(r"[!-~]{1,160}")


class Spend(msgspec.Struct, frozen=True):
    """The cost of turns of one day, as the journal has it: what `reconcile` needs to know of records. at_ns: any
    moment of that day, UTC; cost_nano: in the home currency."""

    tenant: str
    key_id: str
    at_ns: int
    cost_nano: int
    user: str = ""
    asked: str = ""


class AccessAdmin:
    """Tenants, keys and budgets."""

    def __init__(
        self,
        database: Database,
        counters: CounterStore,
        pepper: bytes,
        clock: Clock,
        exchange: Exchange = HOME_ONLY,
    ) -> None:
        self._database = database
        self._counters = counters
        self._pepper = pepper
        self._clock = clock
        self.budgets = BudgetDesk(database, counters, clock, exchange)
        self.alerts = AlertBook(database, self.budgets, clock)

    # --- tenants

    def create_tenant(self, id: str, *, title: str = "", limits: Limits = NO_LIMITS) -> Tenant:
        """Add a tenant. Its id is a short name of letters, digits and `. _ -`."""
        if not _ID.fullmatch(id):
            raise fault(
                "invalid_value",
                param="tenant",
                field="tenant",
                why="use letters, digits and . _ - only, at most 64, starting with a letter or digit",
            )
        _check_text("title", title)
        self._check_limits(limits)
        tenant = Tenant(id=id, title=title, limits=limits, created_ns=self._clock.now_ns())
        with self._database.write() as db:
            if store.tenant_by_id(db, id):
                raise fault("conflict", what=id)
            store.add_tenant(db, tenant)
        return tenant

    def tenants(self) -> tuple[Tenant, ...]:
        """Every tenant, oldest first."""
        with self._database.read() as db:
            return store.all_tenants(db)

    def tenant(self, id: str) -> Tenant:
        """One tenant."""
        with self._database.read() as db:
            found = store.tenant_by_id(db, id)
        if found is None:
            raise fault("tenant_not_found", tenant=id)
        return found

    def update_tenant(self, id: str, *, title: str | None = None, limits: Limits | None = None) -> Tenant:
        """Change a tenant's title or limits; None leaves it."""
        if limits is not None:
            self._check_limits(limits)
        if title is not None:
            _check_text("title", title)
        with self._database.write() as db:
            found = store.tenant_by_id(db, id)
            if found is None:
                raise fault("tenant_not_found", tenant=id)
            changed = msgspec.structs.replace(
                found,
                title=found.title if title is None else title,
                limits=found.limits if limits is None else limits,
            )
            store.change_tenant(db, changed)
        self.budgets.changed("tenant", id, id, found.limits, changed.limits)
        return changed

    # --- keys

    def create_key(
        self,
        tenant: str,
        name: str,
        *,
        role: str = "user",
        models: Sequence[str] = (),
        limits: Limits = NO_LIMITS,
        expires_ns: int | None = None,
        prefers: Preference = NO_PREFERENCE,
    ) -> NewKey:
        """Make a key. Its secret is in the answer and nowhere else. Tenant `default` is made when it is needed."""
        now_ns = self._clock.now_ns()
        if expires_ns is not None and expires_ns <= now_ns:
            raise fault("invalid_value", param="expires", field="expires", why="that time has already passed")
        new = self._draft(
            mint(), tenant, name, role=role, models=models, limits=limits, expires_ns=expires_ns, prefers=prefers
        )
        with self._database.write() as db:
            if tenant == DEFAULT_TENANT:
                self._ensure_default(db)
            elif store.tenant_by_id(db, tenant) is None:
                raise fault("tenant_not_found", tenant=tenant)
            store.add_key(db, new.key, digest(self._pepper, new.secret.encode()))
        return new

    def keys(self, tenant: str | None = None) -> tuple[Key, ...]:
        """Every key, or one tenant's, oldest first."""
        if tenant is not None:
            self.tenant(tenant)
        with self._database.read() as db:
            return store.all_keys(db, tenant)

    def key(self, id: str) -> Key:
        """One key."""
        with self._database.read() as db:
            found = store.key_by_id(db, id)
        if found is None:
            raise fault("key_not_found", key=id)
        return found.key

    def revoke_key(self, id: str) -> Key:
        """Refuse this key from now on. Doing it twice changes nothing."""
        with self._database.write() as db:
            key = self._find(db, id)
            if key.revoked_ns is None:
                key = msgspec.structs.replace(key, revoked_ns=self._clock.now_ns())
                store.change_key(db, key)
        return key

    def update_key(self, id: str, *, limits: Limits | None = None, models: Sequence[str] | None = None) -> Key:
        """Change a key's limits or the models it may ask for; None leaves them."""
        if limits is not None:
            self._check_limits(limits)
        with self._database.write() as db:
            before = key = self._find(db, id)
            key = msgspec.structs.replace(
                key,
                limits=key.limits if limits is None else limits,
                models=key.models if models is None else _check_models(models),
            )
            store.change_key(db, key)
        self.budgets.changed("key", key.tenant, id, before.limits, key.limits)
        return key

    def prefer(self, id: str, prefers: Preference, by: str) -> Key:
        """Change how a key's turns are weighed where they do not say; who did it is kept."""
        _check_preference(prefers)
        with self._database.write() as db:
            before = self._find(db, id)
            key = msgspec.structs.replace(before, prefers=prefers)
            if before.prefers != prefers:
                store.change_key(db, key)
                store.add_key_change(db, id, self._clock.now_ns(), by, before.prefers, prefers)
        return key

    def key_changes(self, id: str) -> tuple[KeyChange, ...]:
        """What was changed of a key's preference, newest first."""
        with self._database.read() as db:
            if store.key_by_id(db, id) is None:
                raise fault("key_not_found", key=id)
            return store.changes_of_key(db, id)

    def ensure_first_key(self, secret: str | None = None) -> NewKey | None:
        """On a database that never had a key: make tenant `default` and an admin key in it. None ever after.

        secret: the key's value, if the owner chose one (ZHONGSHU_FIRST_KEY); 16 to 256 printable ASCII characters.
        """
        if secret is not None and not usable(secret):
            raise ValueError(
                "ZHONGSHU_FIRST_KEY: use 16 to 256 printable ASCII characters without spaces, such as the output of "
                "`openssl rand -hex 24`."
            )
        with self._database.write() as db:
            if store.any_key(db):
                return None
            self._ensure_default(db)
            new = self._draft(secret or mint(), DEFAULT_TENANT, "first", role="admin")
            store.add_key(db, new.key, digest(self._pepper, new.secret.encode()))
        return new

    # --- budgets

    def tenant_spending(self, id: str) -> Spending | None:
        """What a tenant has spent of its budget; None when it has none."""
        return self.budgets.spending_of("tenant", id, self.tenant(id).limits)

    def key_spending(self, id: str) -> Spending | None:
        """What a key has spent of its budget; None when it has none."""
        return self.budgets.spending_of("key", id, self.key(id).limits)

    def orphans(self) -> list[Orphan]:
        """What dead workers had leased of budgets and not accounted for. It counts as spent until `reconcile`."""
        return self._counters.recover(self._clock.now_ns())

    def reconcile(self, owner: str, spends: Iterable[Spend]) -> None:
        """Account for a dead worker: `spends` are all its turns since its orphans' `since_ns`, from the journal.

        What it had accounted for itself is not counted twice; what it had leased and not spent is free again. If its
        successor writes to the same journal stream, call this before the successor starts.
        Raises ValueError for an owner that is alive.
        """
        spent: dict[str, int] = {}
        for spend in spends:
            for scope, tenant, whose in _touched(spend):
                for period in PERIODS:
                    name = self.budgets.purse(scope, tenant, whose, period, spend.at_ns)
                    spent[name] = spent.get(name, 0) + spend.cost_nano
        self._counters.reconcile(owner, spent)

    def _check_limits(self, limits: Limits) -> None:
        if limits.priority is not None and limits.priority not in PRIORITIES:
            why = Said("use low, normal or high, or none", "请使用 low、normal 或 high，或不设")
            raise fault("invalid_value", param="priority", field="priority", why=why)
        check_limits(limits)
        if limits.budget_nano is not None:
            self.budgets.check_currency(limits.currency)
        elif limits.currency not in CURRENCIES:
            raise fault("invalid_value", param="currency", field="currency", why='use "CNY" or "USD"')

    def _draft(
        self,
        secret: str,
        tenant: str,
        name: str,
        *,
        role: str = "user",
        models: Sequence[str] = (),
        limits: Limits = NO_LIMITS,
        expires_ns: int | None = None,
        prefers: Preference = NO_PREFERENCE,
    ) -> NewKey:
        if role not in ROLES:
            raise fault("invalid_value", param="role", field="role", why='use "user" or "admin"')
        _check_text("name", name)
        if not name.strip():
            raise fault("invalid_value", param="name", field="name", why="say what the key is for, such as ci")
        self._check_limits(limits)
        _check_preference(prefers)
        key = Key(
            id=key_id(secret),
            tenant=tenant,
            name=name,
            role=role,
            models=_check_models(models),
            limits=limits,
            created_ns=self._clock.now_ns(),
            expires_ns=expires_ns,
            prefers=prefers,
        )
        return NewKey(key, secret)

    def _ensure_default(self, db: Connection) -> None:
        if store.tenant_by_id(db, DEFAULT_TENANT) is None:
            store.add_tenant(db, Tenant(id=DEFAULT_TENANT, created_ns=self._clock.now_ns()))

    def _find(self, db: Connection, id: str) -> Key:
        found = store.key_by_id(db, id)
        if found is None:
            raise fault("key_not_found", key=id)
        return found.key


def _touched(spend: Spend) -> tuple[tuple[str, str, str], ...]:
    """Whose purses turns may have been paid from: scope, tenant, whose."""
    return (
        ("tenant", spend.tenant, spend.tenant),
        ("key", spend.tenant, spend.key_id),
        ("user", spend.tenant, spend.user),
        ("model", spend.tenant, spend.asked),
        ("model", "*", spend.asked),
    )


def check_limits(limits: Limits) -> None:
    """Raise Fault("invalid_value") naming the first field that will not do."""
    for field in ("requests_per_minute", "tokens_per_minute", "concurrency", "budget_nano"):
        value = getattr(limits, field)
        if value is not None and not 0 <= value <= MOST:
            why = f"use a whole number from 0 to {MOST}, or leave it out for no limit"
            raise fault("invalid_value", param=field, field=field, why=why)
    if limits.budget_period not in PERIODS:
        why = 'use "day", "month" or "total"'
        raise fault("invalid_value", param="budget_period", field="budget_period", why=why)


def _check_preference(prefers: Preference) -> None:
    for field in FIELDS:
        value = getattr(prefers, field)
        if value is not None and not fits(field, value):
            raise fault("invalid_value", param=field, field=field, why=Said(*RANGES[field]))


def _check_text(field: str, text: str) -> None:
    if len(text) > 200 or not text.isprintable():
        raise fault("invalid_value", param=field, field=field, why="use at most 200 printable characters, on one line")


def _check_models(models: Sequence[str]) -> tuple[str, ...]:
    if not all(_MODEL.fullmatch(name) for name in models):
        why = "a model's name has 1 to 160 printable ASCII characters and no spaces"
        raise fault("invalid_value", param="models", field="models", why=why)
    return tuple(dict.fromkeys(models))
