"""The state database: its migrations make exactly the tables that the rooms declare, once, whoever starts first."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

import zhongshu.access.tables
import zhongshu.batches.tables
import zhongshu.catalog.tables
import zhongshu.files.tables
import zhongshu.sessions.tables
import zhongshu.storage.revisions
import zhongshu.upstreams.dispatch.switches  # noqa: F401
from zhongshu.storage import database
from zhongshu.storage.database import SchemaError, head, open_database, revision, schema

ROOT = Path(__file__).parents[2]


def test_migrations_make_what_the_rooms_declare(tmp_path: Path):
    db = open_database(tmp_path / "state.db")
    with db.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema) == []
        assert set(schema.tables) <= set(inspect(connection).get_table_names())
    db.close()


def test_the_head_read_from_file_names_is_alembics_own():
    assert ScriptDirectory(str(database.MIGRATIONS)).get_heads() == [head()]


def test_opening_twice_changes_nothing(tmp_path: Path):
    path = tmp_path / "home" / "state.db"
    db = open_database(path)
    with db.write() as connection:
        connection.execute(text("INSERT INTO tenants VALUES ('a', '', '{}', 1)"))
    db.close()
    again = open_database(path)
    with again.read() as connection:
        assert connection.execute(text("SELECT id FROM tenants")).scalars().all() == ["a"]
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    again.close()
    assert revision(path) == head()


def test_only_the_owner_may_read_it(tmp_path: Path):
    path = tmp_path / "home" / "state.db"
    open_database(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_several_processes_may_start_at_once(tmp_path: Path):
    path = tmp_path / "state.db"
    line = f"from pathlib import Path; from zhongshu.storage.database import open_database; open_database(Path({str(path)!r}))"
    started = [subprocess.Popen([sys.executable, "-c", line], stderr=subprocess.PIPE) for _ in range(3)]
    for process in started:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()
    assert revision(path) == head()


def test_a_database_of_a_newer_version_is_refused_with_the_remedy(tmp_path: Path):
    db = open_database(tmp_path / "state.db")
    with db.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    db.close()
    with pytest.raises(SchemaError, match=r"newer version \(schema 9999.*Install that version"):
        open_database(tmp_path / "state.db")


def test_a_migration_cut_off_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from alembic import op

    def out_of_disk(*_args: object, **_more: object) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(op, "create_index", out_of_disk)
        with pytest.raises(OSError, match="no space"):
            open_database(tmp_path / "state.db")
    assert revision(tmp_path / "state.db") is None
    db = open_database(tmp_path / "state.db")
    assert revision(db.path) == head()
    db.close()


def test_a_block_that_raises_writes_nothing(tmp_path: Path):
    db = open_database(tmp_path / "state.db")

    def fail_half_way() -> None:
        with db.write() as connection:
            connection.execute(text("INSERT INTO tenants VALUES ('a', '', '{}', 1)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    with db.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM tenants")).scalar() == 0
    db.close()


def test_foreign_keys_hold(tmp_path: Path):
    db = open_database(tmp_path / "state.db")
    with pytest.raises(IntegrityError), db.write() as connection:
        connection.execute(
            text("INSERT INTO keys VALUES ('k', 'nobody', '', 'user', x'00', '[]', '{}', 1, NULL, NULL, '{}')")
        )
    db.close()


def test_a_watch_notices_the_writing_of_others(tmp_path: Path):
    db = open_database(tmp_path / "state.db")
    watch = db.watch()
    assert watch.changed()
    assert not watch.changed()
    with db.read() as connection:
        connection.execute(text("SELECT count(*) FROM tenants"))
    assert not watch.changed()
    with db.write() as connection:
        connection.execute(text("INSERT INTO tenants VALUES ('a', '', '{}', 1)"))
    assert watch.changed()
    assert not watch.changed()
    watch.close()
    db.close()


def test_migrations_run_from_an_installed_wheel(tmp_path: Path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "installed")
    program = (
        "import zhongshu.storage.database as d; from pathlib import Path; "
        "assert 'installed' in d.__file__, d.__file__; "
        f"d.open_database(Path({str(tmp_path / 'state.db')!r}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        env={"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
    )
    assert run.returncode == 0, run.stderr.decode()
    assert revision(tmp_path / "state.db") == head()
