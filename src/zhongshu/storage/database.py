"""The state database: SQLite through SQLAlchemy Core, and its migrations, run at start.

Rooms declare their tables on `schema`; the numbered files of `migrations/versions` make them. Knows nothing of what
the tables mean. Everything here is synchronous: an async caller uses a thread.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event

schema = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table of the state database. A room's `tables.py` adds to it when imported."""

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_S = 10.0


class SchemaError(ValueError):
    """The database on disk cannot be used by this version; the text says what to do."""


class Database:
    """An open database. Safe to use from several threads; each block has a connection of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine = _engine(path)

    @contextmanager
    def read(self) -> Generator[Connection]:
        """One consistent view: what others commit meanwhile is not seen."""
        with self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Generator[Connection]:
        """One transaction, durable when the block ends, undone when it raises. Waits its turn up to `BUSY_S`."""
        with self.engine.connect().execution_options(zhongshu_write=True) as connection, connection.begin():
            yield connection

    def watch(self) -> Watch:
        """A cheap way to notice that somebody has written."""
        return Watch(self.path)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


class Watch:
    """Notices that another connection has written to a database, in microseconds and without a query.

    Uses `PRAGMA data_version` (sqlite.org/pragma.html): a number that differs once somebody else has committed.
    """

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        self._seen = -1

    def changed(self) -> bool:
        """Whether somebody has written since the last call; true the first time."""
        now: int = self._connection.execute("PRAGMA data_version").fetchone()[0]
        changed, self._seen = now != self._seen, now
        return changed

    def close(self) -> None:
        """Stop watching."""
        self._connection.close()


def open_database(path: Path) -> Database:
    """Open the state database at `path`, making it (0600, in a 0700 folder) and bringing its tables up to date.

    Raises SchemaError when a newer version of the program wrote it.
    """
    private_folder(path.parent)
    private_file(path)
    database = Database(path)
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return database


def private_folder(path: Path) -> None:
    """Make a folder that only its owner may enter, with its parents; one that is there is left as it is."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def private_file(path: Path) -> None:
    """Make a file that only its owner may read, unless there is one.

    One that is there is not opened: to close it again would drop every lock that SQLite connections of this process
    hold on it (sqlite.org/howtocorrupt.html, 2.2), and the next process to close the database would then take its
    write-ahead log away from under them.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def migrate(database: Database) -> None:
    """Run the migrations that `database` has not had, all in one transaction.

    Several processes may start at once: a lock file lets one do the work and the others find it done.
    """
    if revision(database.path) == head():
        return
    with _locked(database.path.with_name(database.path.name + ".lock")):
        there = revision(database.path)
        if there == head():
            return
        if there is not None and there > head():
            raise SchemaError(
                f"{database.path} was written by a newer version (schema {there}; this one knows {head()}). "
                "Install that version again, or restore a backup."
            )
        _upgrade(database)


def head() -> str:
    """The newest migration's number, read from the file names so that a start without news does not load Alembic."""
    names = (re.match(r"(\d{4})_\w+\.py$", file.name) for file in (MIGRATIONS / "versions").iterdir())
    return max(name[1] for name in names if name)


def revision(path: Path) -> str | None:
    """The migration `path` is at; None when it has had none."""
    with closing(sqlite3.connect(path, timeout=BUSY_S)) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return None
            raise
    return row[0] if row else None


def _upgrade(database: Database) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Hold `path` as a lock between processes; the system frees it when the holder dies."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_S})

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        # The driver's own BEGIN comes late and not before DDL; with None it leaves transactions to the line below.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction]
        # A writer takes the write lock at once: a reader that turns writer half-way cannot wait, only fail.
        write = connection.get_execution_options().get("zhongshu_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
