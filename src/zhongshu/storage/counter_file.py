"""The counters of one machine, in a SQLite file of their own. Knows leases, and which of their holders are dead.

The file is in WAL mode with synchronous=NORMAL: a commit does not wait for the disk, so that `grant` costs tens of
microseconds and nobody holds the write lock through an fsync. A process that dies loses nothing. `apply`, which runs
on a background thread and tells what was spent, ends with a checkpoint; that makes everything before it durable, so a
power cut loses the spending of a second and leases whose holders died by it. Whoever writes first after a checkpoint
begins the log anew and waits for the disk all the same (sqlite.org/src/info/ff5be73dee): `apply` is that writer itself.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from zhongshu.storage import processes
from zhongshu.storage.counters import (
    SLOT_NS,
    WINDOW_SLOTS,
    Changes,
    CounterError,
    Grant,
    Kind,
    Orphan,
    Short,
    Want,
)
from zhongshu.storage.database import private_file, private_folder

log = logging.getLogger("zhongshu.counters")

BUSY_S = 0.25
PATIENT_S = 5.0
_LAST = "\U0010ffff"
SILENT_NS = 60_000_000_000
"""A holder in another container, whose life cannot be asked after, counts as dead after this long without a word."""

_TABLES = """
CREATE TABLE IF NOT EXISTS owners (
    owner TEXT PRIMARY KEY, pid INTEGER NOT NULL, mark TEXT NOT NULL, since_ns INTEGER NOT NULL,
    seen_ns INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rates (
    name TEXT, slot INTEGER, taken INTEGER NOT NULL, PRIMARY KEY (name, slot)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seats (
    name TEXT, owner TEXT, held INTEGER NOT NULL, PRIMARY KEY (name, owner)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS purses (name TEXT PRIMARY KEY, spent INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (
    name TEXT, owner TEXT, held INTEGER NOT NULL, settled INTEGER NOT NULL, PRIMARY KEY (name, owner)
) WITHOUT ROWID;
"""

# What is taken of a rate, slot by slot, within the window (and no further ahead than a clock turned back explains).
_RATE = "SELECT slot, taken FROM rates WHERE name = ? AND slot BETWEEN ? AND ? ORDER BY slot"
_SEATS = "SELECT coalesce(sum(held), 0) FROM seats WHERE name = ?"
_PURSE = """SELECT coalesce((SELECT spent FROM purses WHERE name = ?1), 0)
                 + coalesce((SELECT sum(held) FROM leases WHERE name = ?1), 0)"""
_TAKE_RATE = """INSERT INTO rates VALUES (?1, ?2, max(0, ?3))
                ON CONFLICT DO UPDATE SET taken = max(0, taken + ?3)"""
_TAKE_SEATS = """INSERT INTO seats VALUES (?1, ?2, max(0, ?3))
                 ON CONFLICT DO UPDATE SET held = max(0, held + ?3)"""
_TAKE_LEASE = """INSERT INTO leases VALUES (?1, ?2, ?3, 0)
                 ON CONFLICT DO UPDATE SET held = held + ?3"""
_SETTLE_LEASE = "UPDATE leases SET settled = settled + ? WHERE name = ? AND owner = ?"
_SPEND = "INSERT INTO purses VALUES (?, ?) ON CONFLICT DO UPDATE SET spent = spent + excluded.spent"


class CounterFile:
    """CounterStore on one machine. `owner` must be unlike any other's, ever: it names one life of one process."""

    def __init__(self, path: Path, owner: str, now_ns: int) -> None:
        self.path = path
        self.owner = owner
        private_folder(path.parent)
        private_file(path)
        self._quick = _connect(path, BUSY_S)
        self._patient = _connect(path, PATIENT_S)
        self._quick_lock = threading.Lock()
        self._patient_lock = threading.Lock()
        self._pruned_slot = 0
        with self._patiently() as db:
            for statement in _TABLES.split(";"):
                db.execute(statement)
            row = (owner, os.getpid(), processes.mark(os.getpid()), now_ns, now_ns)
            db.execute("INSERT INTO owners VALUES (?, ?, ?, ?, ?)", row)

    def grant(self, wants: Sequence[Want], now_ns: int) -> list[Grant] | Short:
        """Lease from all the wants, or from none; what is given back with them is given back either way."""
        slot = now_ns // SLOT_NS
        grants: list[Grant] = []
        with self._quickly() as db:
            back = [(want.name, old, -amount) for want in wants for old, amount in want.giveback.items()]
            if back:
                db.executemany(_TAKE_RATE, back)
            for which, want in enumerate(wants):
                free = want.limit - self._taken(db, want.kind, want.name, slot)
                if free < want.need:
                    return Short(which, max(0, free), self._wait_s(db, want, free, now_ns), _settled(db, want))
                amount = max(want.need, min(want.slice, free // 8))
                grants.append(Grant(amount, free - amount))
            for want, grant in zip(wants, grants, strict=True):
                self._take(db, want.kind, want.name, grant.amount, slot)
        return grants

    def leave(self, names: Sequence[str]) -> None:
        """Give back one seat of each."""
        with self._quickly() as db:
            db.executemany(_TAKE_SEATS, [(name, self.owner, -1) for name in names])

    def apply(self, changes: Changes, now_ns: int) -> None:
        """Account for leases, and say that this owner is alive. Durable when this returns, if the disk allows."""
        owner = self.owner
        with self._patiently() as db:
            db.execute("UPDATE owners SET seen_ns = ? WHERE owner = ?", (now_ns, owner))
            db.executemany(_TAKE_RATE, [(name, slot, taken) for (name, slot), taken in changes.rates.items()])
            db.executemany(_TAKE_SEATS, [(name, owner, held) for name, held in changes.seats.items()])
            db.executemany(_TAKE_LEASE, [(name, owner, held) for name, held in changes.held.items()])
            db.executemany(_SETTLE_LEASE, [(spent, name, owner) for name, spent in changes.spent.items()])
            db.executemany(_SPEND, [(name, spent) for name, spent in changes.spent.items() if spent])
            self._prune(db, now_ns // SLOT_NS)
        if self._made_durable():
            self._begin_log()

    def spent(self, names: Sequence[str]) -> dict[str, int]:
        """What each purse has settled."""
        with self._patiently() as db:
            rows = [db.execute("SELECT name, spent FROM purses WHERE name = ?", (name,)).fetchone() for name in names]
        return {row[0]: row[1] for row in rows if row}

    def spent_under(self, prefix: str) -> dict[str, int]:
        """What every purse whose name begins so has settled."""
        with self._patiently() as db:
            found = db.execute("SELECT name, spent FROM purses WHERE name >= ? AND name < ?", (prefix, prefix + _LAST))
            return dict(found.fetchall())

    def catch_up(self, totals: Mapping[str, int]) -> None:
        """Add to these purses what of a total neither stands as spent nor is leased."""
        with self._patiently() as db:
            for name, total in totals.items():
                missing = total - db.execute(_PURSE, (name,)).fetchone()[0]
                if missing > 0:
                    db.execute(_SPEND, (name, missing))

    def recover(self, now_ns: int) -> list[Orphan]:
        """Free the seats of dead holders; the purse leases they left."""
        with self._patient_lock:
            owners = self._patient.execute("SELECT owner, pid, mark, since_ns, seen_ns FROM owners").fetchall()
        dead = [row for row in owners if row[0] != self.owner and _gone(row[1], row[2], now_ns - row[4])]
        if not dead:
            return []
        orphans: list[Orphan] = []
        with self._patiently() as db:
            for owner, pid, _, since_ns, _ in dead:
                db.execute("DELETE FROM seats WHERE owner = ?", (owner,))
                db.execute("DELETE FROM leases WHERE owner = ? AND held = 0", (owner,))
                left = db.execute("SELECT name, held, settled FROM leases WHERE owner = ?", (owner,)).fetchall()
                orphans += [Orphan(owner, pid, name, held, settled, since_ns) for name, held, settled in left]
                if not left:
                    db.execute("DELETE FROM owners WHERE owner = ?", (owner,))
        return orphans

    def reconcile(self, owner: str, spent: Mapping[str, int]) -> None:
        """A dead owner spent this much of each purse in its whole life; 0 for those not named.

        Once done a second call finds no lease and changes nothing. An owner that lives is refused (ValueError).
        """
        with self._patiently() as db:
            row = db.execute("SELECT pid, mark FROM owners WHERE owner = ?", (owner,)).fetchone()
            if row and processes.alive(*row):
                raise ValueError(f"{owner} is alive and accounts for itself. Stop it first.")
            leases = db.execute("SELECT name, settled FROM leases WHERE owner = ?", (owner,)).fetchall()
            missing = {name: spent.get(name, 0) - settled for name, settled in leases}
            db.executemany(_SPEND, [(name, nano) for name, nano in missing.items() if nano > 0])
            self._forget(db, owner)

    def close(self) -> None:
        """Forget this owner and what it still held, and close the file."""
        with self._patiently() as db:
            self._forget(db, self.owner)
        self._quick.close()
        self._patient.close()

    # --- inside one transaction

    def _taken(self, db: sqlite3.Connection, kind: Kind, name: str, slot: int) -> int:
        if kind == "rate":
            window = (name, slot - WINDOW_SLOTS, slot + WINDOW_SLOTS)
            return sum(taken for _, taken in db.execute(_RATE, window))
        return db.execute(_SEATS if kind == "seats" else _PURSE, (name,)).fetchone()[0]

    def _take(self, db: sqlite3.Connection, kind: Kind, name: str, amount: int, slot: int) -> None:
        if kind == "rate":
            db.execute(_TAKE_RATE, (name, slot, amount))
        else:
            db.execute(_TAKE_SEATS if kind == "seats" else _TAKE_LEASE, (name, self.owner, amount))

    def _wait_s(self, db: sqlite3.Connection, want: Want, free: int, now_ns: int) -> float | None:
        """Seconds until enough slots of a rate have left the window for the need to fit."""
        if want.kind != "rate" or want.need > want.limit:
            return None
        slot = now_ns // SLOT_NS
        for old, taken in db.execute(_RATE, (want.name, slot - WINDOW_SLOTS, slot + WINDOW_SLOTS)).fetchall():
            free += taken
            if free >= want.need:
                return ((old + WINDOW_SLOTS + 1) * SLOT_NS - now_ns) / 1e9
        return None

    def _prune(self, db: sqlite3.Connection, slot: int) -> None:
        """Drop what no window reaches any more, once a minute."""
        if abs(slot - self._pruned_slot) > WINDOW_SLOTS:
            db.execute("DELETE FROM rates WHERE slot < ? OR slot > ?", (slot - WINDOW_SLOTS, slot + WINDOW_SLOTS))
            db.execute("DELETE FROM seats WHERE held = 0")
            self._pruned_slot = slot

    def _forget(self, db: sqlite3.Connection, owner: str) -> None:
        for table in ("seats", "leases", "owners"):
            db.execute(f"DELETE FROM {table} WHERE owner = ?", (owner,))

    # --- transactions

    @contextmanager
    def _quickly(self) -> Generator[sqlite3.Connection]:
        with self._quick_lock, _transaction(self._quick) as db:
            yield db

    @contextmanager
    def _patiently(self) -> Generator[sqlite3.Connection]:
        with self._patient_lock, _transaction(self._patient) as db:
            yield db

    def _made_durable(self) -> bool:
        """Sync the log and move it into the file; False where another process is at it just now, for us too.

        A disk that refuses is not the caller's failure: what was committed stays committed, and is tried again.
        """
        for _ in range(20):
            try:
                with self._patient_lock:
                    busy = self._patient.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[0]
            except sqlite3.Error as error:
                log.warning("the counters could not be synced to disk, will try again: %s", error)
                return False
            if not busy:
                return True
            time.sleep(0.01)
        return False

    def _begin_log(self) -> None:
        """Write anything that differs, so that no `grant` is the one that waits for the disk."""
        with suppress(CounterError), self._patiently() as db:
            db.execute("UPDATE owners SET seen_ns = seen_ns + 1 WHERE owner = ?", (self.owner,))


def _settled(db: sqlite3.Connection, want: Want) -> int:
    row = (
        db.execute("SELECT spent FROM purses WHERE name = ?", (want.name,)).fetchone() if want.kind == "purse" else None
    )
    return row[0] if row else 0


def _connect(path: Path, timeout_s: float) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=timeout_s, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=0"):
        db.execute(f"PRAGMA {pragma}").close()
    return db


@contextmanager
def _transaction(db: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    """The write lock from the first word on; undone when the block raises. SQLite's errors become CounterError."""
    try:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield db
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
    except sqlite3.Error as error:
        raise CounterError(str(error)) from error


def _gone(pid: int, mark: str, silent_ns: int) -> bool:
    lives = processes.alive(pid, mark)
    return silent_ns > SILENT_NS if lives is None else not lives
