"""`zhongshu doctor`: each thing that can be wrong is made wrong once."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import insert, update

from tests.engine.models.conftest import model_of
from zhongshu.app import paths, standing
from zhongshu.app.complaints import Complaint
from zhongshu.app.running import RUNNING_FILE, Running
from zhongshu.app.standing import Standing, Stands
from zhongshu.cli.doctor import app
from zhongshu.core.clock import Clock, FakeClock, SystemClock
from zhongshu.core.records import Record
from zhongshu.engine.models import rows, store
from zhongshu.files.tables import files
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.settings import LedgerSettings
from zhongshu.ledger.textkeys import TextKeys
from zhongshu.storage.database import open_database


@pytest.fixture
def ready(home: Path) -> Path:
    """A home without local models, listening where nobody does."""
    paths.private_directory(home)
    (home / "zhongshu.toml").write_text('profile = "none"\n[server]\nport = 0\n')
    return home


def findings(run, *args):
    result = run(app, "--json", *args)
    told = msgspec.json.decode(result.stdout)
    assert result.exit_code == (0 if told["ok"] else 1)
    return told["findings"]


def found(run, *args):
    return {(f["check"], f["state"]): f for f in findings(run, *args)}


def test_all_is_well(run, ready):
    seen = found(run)
    assert not any(state == "fail" for _, state in seen)
    assert {name for name, _ in seen} >= {"settings", "python", "processor", "memory", "disk", "clock", "home", "port"}


def test_people_see_marks_and_remedies(run, ready):
    result = run(app)
    assert "✓ settings" in result.stdout
    assert "→ Set label.producer" in result.stdout


def test_wrong_settings(run, ready):
    (ready / "zhongshu.toml").write_text("[server]\nport = -1\n")
    assert "line 2: server.port = -1" in found(run)["settings", "fail"]["en"]


def test_a_secret_that_others_can_read(run, ready):
    secrets = paths.private_directory(ready / "secrets")
    loose = secrets / "some.key"
    loose.write_text("x")
    loose.chmod(0o644)
    finding = found(run)["permissions", "fail"]
    assert str(loose) in finding["en"]
    assert finding["mend_en"].startswith(f"chmod go= {loose}")
    loose.chmod(0o600)
    assert ("permissions", "ok") in found(run)


def test_a_port_in_use(run, ready):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (ready / "zhongshu.toml").write_text(f'profile = "none"\n[server]\nport = {taken.getsockname()[1]}\n')
        assert "cannot be listened on" in found(run)["port", "fail"]["en"]


@pytest.mark.parametrize("readable", [True, False])
def test_a_model_file_that_is_here_and_no_model(run, ready, tmp_path, monkeypatch, readable):
    model = msgspec.structs.replace(model_of(b"weights"), name="smollm2-135m")
    monkeypatch.setattr(rows, "_BY_NAME", {"smollm2-135m": model})
    monkeypatch.setenv("ZHONGSHU_MODELS", str(tmp_path / "models"))
    (ready / "zhongshu.toml").write_text('profile = "tiny"\n[server]\nport = 0\n')
    file = store.path_of(model, tmp_path / "models")
    file.parent.mkdir()
    file.write_bytes(b"weights")
    store.mark(model, file)
    monkeypatch.setattr(os, "access", lambda path, mode: readable or path != file)  # root may read everything
    seen = findings(run)
    damaged = next(f for f in seen if f["check"] == "models" and "not a GGUF file" in f["en"])
    assert str(file) in damaged["en"]
    assert damaged["mend_en"] == "zhongshu models verify smollm2-135m; zhongshu models pull smollm2-135m"
    if readable:
        assert any(f"hashed on {store.verified_on(file)}" in f["en"] for f in seen)
    else:
        unread = next(f for f in seen if "cannot be read" in f["en"])
        assert (unread["state"], "chmod" in unread["mend_en"]) == ("fail", True)
    file.write_bytes(b"weight\0")
    changed = found(run)["models", "warn"]
    assert "changed since it was verified" in changed["en"]
    assert changed["mend_en"] == "zhongshu models pull smollm2-135m"


def test_models_that_are_not_here(run, ready, tmp_path, monkeypatch):
    monkeypatch.setenv("ZHONGSHU_MODELS", str(tmp_path / "models"))
    (ready / "zhongshu.toml").write_text('profile = "tiny"\n[server]\nport = 0\n')
    assert found(run)["models", "warn"]["mend_en"] == "zhongshu models pull smollm2-135m"


def test_a_server_that_does_not_answer(run, ready):
    paths.private_directory(ready / "run")
    (ready / "run" / RUNNING_FILE).write_bytes(msgspec.json.encode(Running("http://127.0.0.1:9", os.getpid())))
    assert f"kill {os.getpid()}" in found(run)["server", "fail"]["mend_en"]


def test_a_server_that_answers(run, ready, serve):
    server = serve(lambda request: None)
    paths.private_directory(ready / "run")
    (ready / "run" / RUNNING_FILE).write_bytes(msgspec.json.encode(Running(server.url, os.getpid())))
    key = paths.private_directory(ready / "secrets") / "cli.key"
    key.write_text("zs_test\n")
    key.chmod(0o600)
    seen = found(run)
    assert ("server", "ok") in seen
    assert ("key", "ok") in seen


LACKS = Complaint("worker-1", "worker-1", "upstreams.a.key", "", "A is not set", "A 未设置")


@pytest.mark.parametrize(
    ("runs", "refused", "state", "says"),
    [
        ((2, 2), (), "ok", "2 run generation 2"),
        ((2, 1), (LACKS,), "fail", "worker-1 runs generation 1, generation 2 is in force: worker-1: upstreams.a.key"),
        ((2, 0), (), "fail", "worker-1 is not ready"),
        ((2, 2), (LACKS,), "warn", "generation 2 goes on: worker-1: upstreams.a.key: A is not set"),
    ],
)
def test_a_worker_that_runs_other_settings_is_seen(run, ready, serve, runs, refused, state, says):
    server = serve(lambda request: None)
    run_dir = paths.private_directory(ready / "run")
    (run_dir / RUNNING_FILE).write_bytes(msgspec.json.encode(Running(server.url, os.getpid())))
    assert not any(name == "workers" for name, _ in found(run)), "a server of an older version does not say"
    workers = tuple(Stands(f"worker-{n}", it, () if it == 2 else refused) for n, it in enumerate(runs))
    newest = refused if state == "warn" else ()
    standing.write(run_dir, Standing(generation=2, digest="", asked=2, answered=2, refused=newest, workers=workers))
    assert says in found(run)["workers", state]["en"]


UPSTREAM = 'profile = "none"\n[server]\nport = 0\n[[upstreams]]\nname = "mine"\nbase_url = "http://127.0.0.1:9/v1"\n'


@pytest.mark.parametrize(
    ("key", "says"), [("env:NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE is not set"), ("none", "could not be reached")]
)
def test_an_upstream_that_cannot_be_asked(run, ready, key, says):
    (ready / "zhongshu.toml").write_text(f'{UPSTREAM}key = "{key}"\nmodels = ["m"]\n')
    assert says in found(run)["upstreams", "fail"]["en"]


def test_an_upstream_that_no_model_uses_is_not_asked(run, ready):
    (ready / "zhongshu.toml").write_text(f'{UPSTREAM}key = "none"\n')
    assert not any(name == "upstreams" for name, _ in found(run))


async def _three_records(home: Path, clock: Clock | None = None) -> None:
    await _records(home, 3, clock)


async def _records(home: Path, count: int, clock: Clock | None = None, segment_bytes: int = 1 << 26) -> None:
    journal = open_journal(LedgerSettings(segment_bytes=segment_bytes), home, "worker-0", clock or SystemClock())
    for number in range(count):
        await journal.write(Record(trace=f"{number:032x}", at_ns=1, outcome="answered"))
    await journal.aclose()


def test_a_journal_that_was_changed(run, ready):
    asyncio.run(_three_records(ready))
    assert "unbroken" in found(run)["journal", "ok"]["en"]
    segment = next((ready / "journal").rglob("*.zsj"))
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 1
    segment.write_bytes(bytes(data))
    assert "zhongshu ledger verify" in found(run)["journal", "fail"]["mend_en"]


def test_a_segment_that_is_gone(run, ready):
    asyncio.run(_records(ready, 60, segment_bytes=4096))
    assert found(run)["journal", "ok"]
    (ready / "journal" / "worker-0" / "00000002.zsj").unlink()
    assert "00000002.zsj: this segment was removed" in found(run)["journal", "fail"]["en"]


def test_a_clock_that_was_turned_back(run, ready):
    asyncio.run(_three_records(ready, FakeClock(now_ns=4_000_000_000_000_000_000)))
    assert "clock was turned back" in found(run)["journal", "fail"]["en"]


@pytest.mark.parametrize(("name", "remedy"), [("state.db", "from a copy"), ("index.db", "made again")])
def test_a_database_that_cannot_be_read(run, ready, name, remedy):
    with closing(sqlite3.connect(ready / "counters.db")) as base:
        base.execute("CREATE TABLE sound (n)")
    assert "1 files" in found(run)["database", "ok"]["en"]
    (ready / name).write_text("no database, whatever its name says")
    finding = found(run)["database", "fail"]
    assert name in finding["en"]
    assert remedy in finding["mend_en"]


def test_what_this_user_may_not_look_at_is_said_and_the_rest_is_looked_at(run, ready, monkeypatch):
    def barred(settings):
        raise PermissionError(13, "Permission denied", "/somebody/secrets")
        yield

    monkeypatch.setattr("zhongshu.app.checkup.state.check_state", barred)
    seen = found(run)
    assert "/somebody/secrets cannot be looked at" in seen["access", "fail"]["en"]
    assert seen["access", "fail"]["zh"] == "无法查看 /somebody/secrets：权限不足"
    assert any(check == "port" for check, _ in seen)


def test_a_home_that_cannot_be_made(run, ready, monkeypatch):
    assert ("home", "fail") not in found(run)
    monkeypatch.setenv("ZHONGSHU_HOME", "/proc/zhongshu")
    assert "/proc/zhongshu cannot be written" in found(run)["home", "fail"]["en"]


def test_a_text_key_that_opens_nothing(run, ready):
    TextKeys(ready).current("acme", "2026-11", 0)
    assert not any(check == "text key" for check, _ in found(run))
    key = ready / "secrets" / "text.key"
    key.write_bytes(bytes(32))
    said = found(run)["text key", "fail"]
    assert "is not the key these texts were sealed under" in said["en"]
    assert str(key) in said["mend_en"]
    key.unlink()
    assert "No such file" in found(run)["text key", "fail"]["en"]
    assert not key.exists(), "looking must not make one"


def test_files_of_callers_are_counted_by_whether_they_are_encrypted(run, ready):
    assert ("files", "ok") not in found(run)
    with closing(open_database(ready / "state.db")) as state:
        for number, name in enumerate(("file-1", "file-2")):
            with state.write() as db:
                row = dict.fromkeys(("tenant", "key_id", "purpose", "filename", "sha256"), "x")
                db.execute(insert(files).values(id=name, bytes=1, created_ns=1, text_key=number or None, **row))
        seen = found(run)
        assert seen["files", "warn"]["en"].startswith("1 files")
        assert "textkeys.db" in seen["files", "fail"]["mend_en"]
        with closing(sqlite3.connect(ready / "textkeys.db")), state.write() as db:
            db.execute(update(files).values(text_key=7))
        (ready / "textkeys.db").touch(mode=0o600)
        assert found(run)["files", "ok"]["en"] == "2 files of callers, encrypted"
