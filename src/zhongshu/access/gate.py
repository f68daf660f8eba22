"""core.ports.Gate: whose key this is, and whether it may ask now. On every turn's path, so a hit costs microseconds.

A key once looked up is remembered by its own bytes, and refused or changed ones are noticed by a number in the
database that goes up with every change: a background task looks four times a second. The same task accounts for
leases and frees the seats of workers that died.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TypeVar

from zhongshu.access import store
from zhongshu.access.accounts import Account
from zhongshu.access.keys import digest
from zhongshu.access.names import FOREVER_NS
from zhongshu.access.permits import FreePermit, LimitedPermit
from zhongshu.access.refusals import INVALID, MISSING, UNAVAILABLE, refusal, too_many_tokens, unpriced
from zhongshu.access.settings import AccessSettings
from zhongshu.core.access import Ask, Caller
from zhongshu.core.clock import Clock
from zhongshu.core.money import HOME_ONLY, Exchange
from zhongshu.core.problems import Refusal
from zhongshu.storage.counters import CounterError, CounterStore
from zhongshu.storage.database import Database
from zhongshu.storage.leases import Leases

log = logging.getLogger("zhongshu.access")

_K = TypeVar("_K")
_V = TypeVar("_V")

_LONGEST_KEY = 512
_RECOVER_S = 2.0
_HEARTBEAT_NS = 20_000_000_000


class AccessGate:
    """The gate of one worker process. `start` it on the event loop that will use it; `aclose` settles everything."""

    def __init__(
        self,
        database: Database,
        counters: CounterStore,
        pepper: bytes,
        settings: AccessSettings,
        clock: Clock,
        exchange: Exchange = HOME_ONLY,
    ) -> None:
        self._database = database
        self._counters = counters
        self._pepper = pepper
        self._settings = settings
        self._exchange = exchange
        self._clock = clock
        self._leases = Leases(counters)
        self._by_credential: dict[bytes, Account] = {}
        self._by_id: dict[str, Account] = {}
        self._unknown: dict[bytes, None] = {}
        self._changes = 0
        self._watch = database.watch()
        self._revision = -1
        self._told_ns = 0
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # --- the hot path

    async def identify(self, credential: bytes) -> Caller | Refusal:
        """Whose key this is; refused when unknown, expired or revoked."""
        account = self._by_credential.get(credential)
        if account is None:
            account = await self._look_up(credential)
            if isinstance(account, Refusal):
                return account
        return account.caller if self._clock.now_ns() < account.expires_ns else INVALID

    async def known(self, key_id: str) -> Caller | Refusal:
        """Who asks by the key of this id, for work that goes on after its request; refused as `identify` does."""
        account = self._by_id.get(key_id) or await self._find(key_id)
        return account.caller if account is not None and self._clock.now_ns() < account.expires_ns else INVALID

    async def admit(self, caller: Caller, ask: Ask) -> LimitedPermit | FreePermit | Refusal:
        """Reserve `ask` within every limit of the key and its tenant, all or nothing."""
        account = self._by_id.get(caller.key_id)
        if account is None:
            account = await self._find(caller.key_id)
            if account is None:
                return INVALID
        now_ns = self._clock.now_ns()
        if now_ns >= account.until_ns:
            account.arm(self._leases, now_ns)
        bundle = account.bundle
        if account.narrow:
            bundle = account.bundle_of(self._leases, ask.user, ask.model, now_ns)
            if account.unpriced is not None:
                return unpriced(account.unpriced, self._exchange.home)
        if bundle is None:
            return FreePermit(caller)
        tokens, cost_nano = ask.tokens, ask.cost_nano
        if account.most_tokens is not None and tokens > account.most_tokens:
            return too_many_tokens(tokens, account.most_tokens)
        try:
            denied = self._leases.take(bundle, tokens, cost_nano, now_ns)
        except CounterError as error:
            log.error("limits cannot be checked: %s", error)
            return UNAVAILABLE
        if denied is not None:
            ends = account.until_ns
            ends_in_s = None if ends == FOREVER_NS else (ends - now_ns) / 1e9
            return refusal(denied, ends_in_s, cost_nano, self._exchange.home)
        return LimitedPermit(caller, self._leases, bundle, now_ns, tokens, cost_nano)

    # --- looking up

    async def _look_up(self, credential: bytes) -> Account | Refusal:
        if not credential:
            return MISSING
        if len(credential) > _LONGEST_KEY or credential in self._unknown:
            return INVALID
        changes = self._changes
        hashed = digest(self._pepper, credential)
        found = await asyncio.to_thread(self._read, hashed)
        account = self._accept(found, changes)
        if account is None:
            _remember(self._unknown, credential, None, self._settings.cached_keys)
            return INVALID
        if changes == self._changes:
            _remember(self._by_credential, credential, account, self._settings.cached_keys)
        return account

    async def _find(self, key_id: str) -> Account | None:
        changes = self._changes
        return self._accept(await asyncio.to_thread(self._read, key_id), changes)

    def _read(self, by: bytes | str) -> store.KeyAndTenant | None:
        with self._database.read() as db:
            return store.key_by_digest(db, by) if isinstance(by, bytes) else store.key_by_id(db, by)

    def _accept(self, found: store.KeyAndTenant | None, changes: int) -> Account | None:
        """The account of a key that was read, unless it is revoked. One read before a change is not remembered."""
        if found is None or found.key.revoked_ns is not None:
            return None
        account = self._by_id.get(found.key.id)
        if account is None:
            account = Account(found, self._settings, self._exchange)
            if changes == self._changes:
                _remember(self._by_id, found.key.id, account, self._settings.cached_keys)
        return account

    # --- the background

    async def start(self) -> None:
        """Begin to watch for changes and to account for leases."""
        await asyncio.to_thread(self._counters.recover, self._clock.now_ns())
        self._task = asyncio.create_task(self._tend(), name="access")

    async def aclose(self) -> None:
        """Stop watching; account for everything and give back every lease. Turns in flight must have ended."""
        if self._task is not None:
            self._stopping.set()  # not cancelled: what it is telling the counters now must be told to the end
            await self._task
            self._task = None
        await self.settle(everything=True)
        self._watch.close()

    async def settle(self, *, everything: bool = False) -> None:
        """Tell the counters what was spent, and give back leases not used (`everything`: all of them).

        With nothing to tell it says only now and then that this worker is alive, so that an idle disk may sleep.
        """
        now_ns = self._clock.now_ns()
        changes = self._leases.collect(now_ns, everything=everything)
        if not changes and 0 <= now_ns - self._told_ns < _HEARTBEAT_NS:
            return
        self._told_ns = now_ns
        try:
            await asyncio.to_thread(self._counters.apply, changes, now_ns)
        except Exception as error:
            self._leases.restore(changes)
            if not isinstance(error, CounterError):
                raise
            log.warning("leases could not be accounted for, will try again: %s", error)

    async def refresh(self) -> None:
        """Forget what was remembered, if a key, tenant or limit has changed since the last look."""
        if not self._watch.changed():
            return
        revision = await asyncio.to_thread(self._read_revision)
        if revision == self._revision:
            return
        first, self._revision = self._revision == -1, revision
        self._forget()
        if not first:
            await self.settle(everything=True)

    def reload(self, settings: AccessSettings, exchange: Exchange | None = None) -> None:
        """Go on with other settings; turns in flight settle as they were let in."""
        self._settings = settings
        self._exchange = exchange or self._exchange
        self._forget()

    def _forget(self) -> None:
        """Look everybody up again."""
        self._changes += 1
        self._by_credential.clear()
        self._by_id.clear()
        self._unknown.clear()

    def _read_revision(self) -> int:
        with self._database.read() as db:
            return store.revision(db)

    async def _tend(self) -> None:
        since_settled = since_recovered = 0.0
        while not self._stopping.is_set():
            poll_s, settle_s = self._settings.poll_s, self._settings.settle_s
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), poll_s)
            since_settled += poll_s
            since_recovered += poll_s
            try:
                await self.refresh()
                if since_settled >= settle_s:
                    since_settled = 0.0
                    await self.settle()
                if since_recovered >= _RECOVER_S:
                    since_recovered = 0.0
                    await asyncio.to_thread(self._counters.recover, self._clock.now_ns())
            except Exception as error:  # noqa: BLE001 - a border: this task must outlive a full or broken disk
                log.error("access upkeep failed, will try again: %s", type(error).__name__)


def _remember(kept: dict[_K, _V], key: _K, value: _V, most: int) -> None:
    """Keep at most `most`, dropping the oldest."""
    if len(kept) >= most:
        del kept[next(iter(kept))]
    kept[key] = value
