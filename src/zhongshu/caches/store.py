"""The file of kept answers, `home/cache.db`: shared by all workers, rebuildable from nothing, so never worth a turn.

A damaged file is put away and a new one made; a full disk is the writer's to shrug at. When it is full, the tenant that
holds most gives up what it used longest ago. Blocking; each thread opens its own.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from zhongshu.storage.database import private_file
from zhongshu.storage.sealing import Sealed

T = TypeVar("T")
FILE = "cache.db"
_VERSION = 1
_EVICTED_AT_ONCE = 64

# Sums for each tenant are kept by triggers, so that they are exact whichever worker writes.
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    scope BLOB NOT NULL,
    tenant TEXT NOT NULL,
    user_name TEXT NOT NULL,
    model TEXT NOT NULL,
    made_ns INTEGER NOT NULL,
    expires_ns INTEGER NOT NULL,
    used_ns INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    text_key INTEGER NOT NULL,
    answer BLOB NOT NULL,
    question BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_scope ON entries (scope, id) WHERE scope <> x'';
CREATE INDEX IF NOT EXISTS entries_used ON entries (tenant, used_ns);
CREATE INDEX IF NOT EXISTS entries_expires ON entries (expires_ns);
CREATE TABLE IF NOT EXISTS sizes (tenant TEXT PRIMARY KEY, entries INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS cleared (one INTEGER PRIMARY KEY CHECK (one = 1), times INTEGER NOT NULL);
INSERT OR IGNORE INTO cleared VALUES (1, 0);
CREATE TRIGGER IF NOT EXISTS entries_in AFTER INSERT ON entries BEGIN
    INSERT INTO sizes VALUES (new.tenant, 1, new.bytes)
    ON CONFLICT (tenant) DO UPDATE SET entries = entries + 1, bytes = bytes + new.bytes;
END;
CREATE TRIGGER IF NOT EXISTS entries_out AFTER DELETE ON entries BEGIN
    UPDATE sizes SET entries = entries - 1, bytes = bytes - old.bytes WHERE tenant = old.tenant;
    DELETE FROM sizes WHERE tenant = old.tenant AND entries = 0;
END;
PRAGMA user_version = {_VERSION};
"""

_GET = (
    "SELECT key, scope, tenant, user_name, model, expires_ns, bytes, text_key, answer, question, made_ns FROM entries "
)


class Entry(msgspec.Struct, frozen=True):
    """An answer as it lies in the file. answer and question are sealed; question is empty where it is not compared by
    meaning. Times: wall clock, ns, UTC."""

    key: bytes
    scope: bytes
    tenant: str
    user: str
    model: str
    expires_ns: int
    bytes: int
    text_key: int
    answer: bytes
    question: bytes
    made_ns: int

    @property
    def sealed(self) -> Sealed:
        """Its answer, to be opened."""
        return Sealed(self.text_key, self.answer)


class Question(msgspec.Struct, frozen=True):
    """A question of a scope. id grows with each one that is kept."""

    id: int
    key: bytes
    expires_ns: int
    sealed: Sealed


class Size(msgspec.Struct, frozen=True):
    """What a tenant holds."""

    tenant: str
    entries: int
    bytes: int


class Bounds(msgspec.Struct, frozen=True):
    """How much may be kept, in all; share: at most this part of either for one tenant."""

    entries: int
    bytes: int
    share: float


class Store:
    """An open file of answers, for one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._db: sqlite3.Connection | None = None
        self._inode = 0

    def find(self, key: bytes, now_ns: int) -> Entry | None:
        """The answer of a key, if it has not expired."""
        row = self._do(lambda db: db.execute(_GET + "WHERE key = ? AND expires_ns > ?", (key, now_ns)).fetchone())
        return Entry(*row) if row else None

    def questions(self, scope: bytes, after: int, now_ns: int) -> list[Question]:
        """The questions of a scope that were kept after number `after`."""
        asked = (
            "SELECT id, key, expires_ns, text_key, question FROM entries"
            " WHERE scope = ? AND scope <> x'' AND id > ? AND expires_ns > ? ORDER BY id"
        )
        rows = self._do(lambda db: db.execute(asked, (scope, after, now_ns)).fetchall())
        return [Question(row[0], row[1], row[2], Sealed(row[3], row[4])) for row in rows]

    def keep(
        self,
        entries: Sequence[Entry],
        used: dict[bytes, int],
        bounds: Bounds,
        now_ns: int,
        later: frozenset[bytes] = frozenset(),
    ) -> None:
        """Write what is new and what was used, in one transaction; let go what has expired or finds no room. later:
        keys of entries that only replace one that is there."""

        def write(db: sqlite3.Connection) -> None:
            with _transaction(db):
                db.executemany("UPDATE entries SET used_ns = ? WHERE key = ?", [(at, key) for key, at in used.items()])
                for entry in entries:
                    there = db.execute("DELETE FROM entries WHERE key = ?", (entry.key,)).rowcount
                    if entry.question and entry.key in later and not there:
                        continue
                    db.execute(
                        "INSERT INTO entries (key, scope, tenant, user_name, model, expires_ns, bytes, text_key, answer,"
                        " question, made_ns, used_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        (*msgspec.structs.astuple(entry), now_ns),
                    )
                db.execute("DELETE FROM entries WHERE expires_ns <= ?", (now_ns,))
                _make_room(db, bounds)

        self._do(write)

    def clear(self, tenant: str | None = None, user: str | None = None, model: str | None = None) -> int:
        """Remove answers, all that fit; how many. Running workers forget theirs within a second."""
        asked = {
            "tenant = ?": tenant,
            "user_name = ?": user,
            "? IN (model, substr(model, 1, instr(model, '@') - 1))": model,
        }
        given = {where: value for where, value in asked.items() if value is not None}
        where = f" WHERE {' AND '.join(given)}" if given else ""

        def remove(db: sqlite3.Connection) -> int:
            with _transaction(db):
                gone = db.execute(f"DELETE FROM entries{where}", list(given.values())).rowcount
                db.execute("UPDATE cleared SET times = times + 1")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return gone

        return self._do(remove)

    def cleared(self) -> int:
        """A number that grows whenever answers are removed by somebody's wish, or the file is made anew."""
        return self._do(lambda db: db.execute("SELECT times FROM cleared").fetchone()[0]) + self._inode * 1_000_003

    def sizes(self) -> list[Size]:
        """What each tenant holds."""
        rows = self._do(lambda db: db.execute("SELECT tenant, entries, bytes FROM sizes ORDER BY tenant").fetchall())
        return [Size(*row) for row in rows]

    def close(self) -> None:
        """Let go of the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do it, on a new file if this one is damaged. Raises sqlite3.OperationalError, OSError."""
        try:
            return work(self._open())
        except sqlite3.DatabaseError as error:
            if not _damaged(error):
                raise
        self._put_away()
        return work(self._open())

    def _open(self) -> sqlite3.Connection:
        if self._db is not None and _inode(self._path) == self._inode:
            return self._db
        self.close()
        private_file(self._path)
        inode = _inode(self._path)
        db = sqlite3.connect(self._path, timeout=5, isolation_level=None, check_same_thread=False)
        try:
            _prepare(db)
        except BaseException:
            db.close()
            raise
        self._db, self._inode = db, inode
        return db

    def _put_away(self) -> None:
        """Remove the damaged file, unless another process has put a new one there already."""
        seen = self._inode or _inode(self._path)
        self.close()
        handle = os.open(self._path.with_name(f"{FILE}.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if _inode(self._path) == seen:
                for ending in ("", "-wal", "-shm"):
                    self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        finally:
            os.close(handle)
            self._inode = 0


def _prepare(db: sqlite3.Connection) -> None:
    """Tables, unless they are there. Raises DatabaseError for a file of another version, which is then made anew."""
    db.execute("PRAGMA journal_mode=WAL")
    # In WAL mode a power cut may lose the last commits whole, never half: an answer less is asked again.
    db.execute("PRAGMA synchronous=NORMAL")
    # What is erased must not linger in free pages.
    db.execute("PRAGMA secure_delete=ON")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version == _VERSION:
        return
    if version:
        raise sqlite3.DatabaseError("file is not a database of this version")
    db.executescript(_SCHEMA)


def _damaged(error: sqlite3.DatabaseError) -> bool:
    text = str(error)
    return "malformed" in text or "not a database" in text or "no such" in text or "has no column" in text


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return 0


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Generator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise


def _make_room(db: sqlite3.Connection, bounds: Bounds) -> None:
    """Until every tenant is within its share, and all together within the bounds."""
    while True:
        sizes = [Size(*row) for row in db.execute("SELECT tenant, entries, bytes FROM sizes ORDER BY bytes DESC")]
        for size in sizes:
            if size.bytes > bounds.bytes * bounds.share or size.entries > bounds.entries * bounds.share:
                break
        else:
            if sum(size.bytes for size in sizes) > bounds.bytes:
                size = sizes[0]
            elif sum(size.entries for size in sizes) > bounds.entries:
                size = max(sizes, key=lambda size: size.entries)
            else:
                return
        _let_go(db, size, bounds)


def _let_go(db: sqlite3.Connection, size: Size, bounds: Bounds) -> None:
    """Remove what the tenant used longest ago: a sixty-fourth of it, at least one answer."""
    del bounds
    db.execute(
        "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE tenant = ? ORDER BY used_ns, id LIMIT ?)",
        (size.tenant, max(1, size.entries // _EVICTED_AT_ONCE)),
    )
