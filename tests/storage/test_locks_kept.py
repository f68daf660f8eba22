"""A database file that this process has open keeps its locks however often it is opened again: another process that
opens and closes it must not take the write-ahead log away, or the two would write into different files."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from sqlalchemy import text

from zhongshu.caches.store import FILE, Store
from zhongshu.storage.counter_file import CounterFile
from zhongshu.storage.database import open_database, private_file

# A process of its own: locks of one process do not stand in each other's way.
SOMEBODY = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=10)
db.execute("CREATE TABLE IF NOT EXISTS seen (n)")
db.execute("INSERT INTO seen VALUES (1)")
db.commit()
db.close()
"""


def opened(kind, path, owner="us/1"):
    match kind:
        case "state":
            database = open_database(path)
            with database.write() as db:
                db.execute(text("CREATE TABLE IF NOT EXISTS seen (n)"))
            return database
        case "counters":
            return CounterFile(path, owner, 1)
        case _:
            store = Store(path)
            store.sizes()
            return store


@pytest.mark.parametrize(("kind", "name"), [("state", "state.db"), ("counters", "counters.db"), ("cache", FILE)])
def test_what_is_opened_twice_is_not_taken_away_by_another_process(tmp_path, kind, name):
    path = tmp_path / name
    with closing(opened(kind, path)), closing(sqlite3.connect(path)) as mine:
        mine.execute("SELECT 1 FROM sqlite_master").fetchall()
        log = path.with_name(f"{name}-wal")
        before = log.stat().st_ino
        opened(kind, path, "us/2").close()
        subprocess.run([sys.executable, "-c", SOMEBODY, str(path)], check=True)
        assert log.stat().st_ino == before
        assert mine.execute("SELECT count(*) FROM seen").fetchone() == (1,)


def test_a_file_is_made_for_its_owner_alone_and_one_that_is_there_stays(tmp_path):
    path = tmp_path / "new"
    private_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"x")
    private_file(path)
    assert path.read_bytes() == b"x"
