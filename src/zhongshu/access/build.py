"""Opens the access room on a state directory: for a worker (`open_access`) or for whoever manages it (`open_admin`)."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from zhongshu.access.admin import AccessAdmin
from zhongshu.access.gate import AccessGate
from zhongshu.access.settings import AccessSettings
from zhongshu.core.clock import Clock, SystemClock
from zhongshu.core.money import HOME_ONLY, Exchange
from zhongshu.storage.counter_file import CounterFile
from zhongshu.storage.database import Database, open_database
from zhongshu.storage.secrets import load_or_create_secret

STATE = "state.db"
COUNTERS = "counters.db"
PEPPER = "keys.secret"
PEPPER_ENV = "ZHONGSHU_KEY_SECRET"


class Access:
    """An open access room. owner: this process's name among the holders of leases, unlike any other's."""

    def __init__(self, settings: AccessSettings, home: Path, clock: Clock, owner: str, exchange: Exchange) -> None:
        self.owner = f"{owner}/{os.getpid()}-{secrets.token_hex(4)}"
        pepper = load_or_create_secret(home / "secrets" / PEPPER, env=PEPPER_ENV)
        self._database: Database = open_database(home / STATE)
        self._counters = CounterFile(home / COUNTERS, self.owner, clock.now_ns())
        self.gate = AccessGate(self._database, self._counters, pepper, settings, clock, exchange)
        self.admin = AccessAdmin(self._database, self._counters, pepper, clock, exchange)

    async def start(self) -> None:
        """Begin the gate's background work on the running event loop."""
        await self.gate.start()

    def reload(self, settings: AccessSettings, exchange: Exchange) -> None:
        """Go on with other settings and rates."""
        self.gate.reload(settings, exchange)
        self.admin.budgets.exchange = exchange

    async def aclose(self) -> None:
        """Settle everything and close. Call it when no turn is in flight."""
        await self.gate.aclose()
        self.close()

    def close(self) -> None:
        """Close the files and forget this owner's leases; for one that was never started."""
        self._counters.close()
        self._database.close()


def open_access(
    settings: AccessSettings, home: Path, clock: Clock, owner: str, exchange: Exchange = HOME_ONLY
) -> Access:
    """Open the access room of `home` for one process: makes the secret and databases, runs migrations.

    owner: what this process is called, such as "worker-0". `Access.gate` lets turns in once `await access.start()` has
    run; `Access.admin` manages keys at once. Raises SecretError or SchemaError with the remedy in its text.
    """
    return Access(settings, home, clock, owner, exchange)


@contextmanager
def open_admin(home: Path, clock: Clock | None = None, exchange: Exchange = HOME_ONLY) -> Generator[AccessAdmin]:
    """Only what manages tenants, keys and budgets, for the command line and the supervisor. Works beside a server."""
    access = Access(AccessSettings(), home, clock or SystemClock(), "admin", exchange)
    try:
        yield access.admin
    finally:
        access.close()
