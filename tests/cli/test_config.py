"""`zhongshu config`."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import msgspec
import pytest

from zhongshu.app import standing
from zhongshu.app.complaints import Complaint
from zhongshu.app.running import RUNNING_FILE, Running
from zhongshu.app.standing import Standing, Stands
from zhongshu.cli import reloading
from zhongshu.cli.config import app


def write(home: Path, text: str) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    file = home / "zhongshu.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_show_is_a_file_that_can_be_read_again(run, home, tmp_path):
    write(home, "[server]\nport = 1234\n")
    shown = run(app, "show").stdout
    assert "port = 1234" in shown
    again = tmp_path / "again.toml"
    again.write_text(shown)
    assert run(app, "check", str(again)).exit_code == 0
    assert msgspec.json.decode(run(app, "show", "--json").stdout)["server"]["port"] == 1234


def test_check_says_good_with_the_digest(run, home):
    file = write(home, "")
    result = run(app, "check")
    assert result.exit_code == 0
    assert str(file) in result.stdout
    assert msgspec.json.decode(run(app, "check", "--json").stdout)["digest"] in result.stdout


def test_check_names_every_mistake(run, home):
    write(home, "[server]\nport = 'x'\nprot = 1\n")
    result = run(app, "check")
    assert result.exit_code == 2
    assert "line 2: server.port" in result.stderr
    assert "line 3: server.prot" in result.stderr
    told = msgspec.json.decode(run(app, "check", "--json").stdout)
    assert [c["key"] for c in told["complaints"]] == ["server.prot", "server.port"]


def test_the_printed_example_is_good(run, tmp_path):
    file = tmp_path / "zhongshu.toml"
    file.write_text(run(app, "example").stdout, encoding="utf-8")
    assert run(app, "check").exit_code == 0


def test_path(run, home):
    file = write(home, "")
    places = msgspec.json.decode(run(app, "path", "--json").stdout)
    assert places["settings"] == str(file)
    assert places["home"] == str(home)
    assert run(app, "path").exit_code == 0


LACKS = Complaint("worker-1", "worker-1", "upstreams.a.key", "", "the variable A is not set", "环境变量 A 未设置")


@pytest.fixture
def supervisor(home):
    """A server of this home that is this process: SIGHUP has it do what the test sets, `said` is what it then notes."""
    write(home, "")
    (home / "run").mkdir()
    (home / "run" / RUNNING_FILE).write_bytes(msgspec.json.encode(Running("http://127.0.0.1:1", os.getpid())))

    class Supervisor:
        said: Standing | None = None
        heard = 0

        def notes(self, **how) -> None:
            standing.write(home / "run", how_all_stand(**how))

        def hear(self, number, frame) -> None:
            self.heard += 1
            if self.said is not None:
                standing.write(home / "run", self.said)

    made = Supervisor()
    before = signal.signal(signal.SIGHUP, made.hear)
    yield made
    signal.signal(signal.SIGHUP, before)


def how_all_stand(asked=1, answered=1, generation=1, runs=(1, 1), refused=(), waits=()):
    workers = tuple(
        Stands(f"worker-{number}", it, () if it == generation else refused) for number, it in enumerate(runs)
    )
    return Standing(
        generation=generation, digest="abc", asked=asked, answered=answered, refused=refused, waits=waits, workers=workers
    )  # fmt: skip


def test_reload_tells_a_running_server_that_says_nothing(run, supervisor):
    assert run(app, "reload", "--json").exit_code == 0
    result = run(app, "reload")
    assert (result.exit_code, supervisor.heard) == (0, 2)
    assert "older version" in result.stdout


def test_reload_says_what_is_in_force_and_what_waits(run, supervisor):
    supervisor.notes()
    supervisor.said = how_all_stand(2, 2, 2, (2, 2), waits=("server.port",))
    result = run(app, "reload")
    assert (result.exit_code, "Generation 2 is in force" in result.stdout) == (0, True)
    assert "Only after a restart: server.port" in result.stdout
    supervisor.said = how_all_stand(3, 3, 3, (3, 3))
    told = msgspec.json.decode(run(app, "reload", "--json").stdout)
    assert (told["taken"], told["generation"], [one["in_force"] for one in told["workers"]]) == (True, 3, [True, True])


def test_reload_that_a_worker_refuses_names_the_field_and_fails(run, supervisor, monkeypatch):
    supervisor.notes()
    supervisor.said = how_all_stand(2, 2, 1, (1, 1), refused=(LACKS,))
    result = run(app, "reload")
    assert result.exit_code == 2
    assert "worker-1: upstreams.a.key: the variable A is not set" in result.stderr
    assert "generation 1 goes on" in result.stderr
    supervisor.said = how_all_stand(3, 3, 1, (1, 1), refused=(LACKS,))
    told = run(app, "reload", "--json")
    shown = msgspec.json.decode(told.stdout)
    assert (told.exit_code, shown["taken"], shown["refused"][0]["key"]) == (2, False, "upstreams.a.key")
    monkeypatch.setenv("ZHONGSHU_LANG", "zh")
    supervisor.said = how_all_stand(4, 4, 1, (1, 1), refused=(LACKS,))
    assert "upstreams.a.key：环境变量 A 未设置" in run(app, "reload").stderr


def test_reload_that_not_all_have_answered(run, supervisor):
    supervisor.notes()
    supervisor.said = how_all_stand(2, 1, 1, (2, 1))
    result = run(app, "reload", "--wait", "0.1")
    assert (result.exit_code, "config workers" in result.stderr) == (1, True)


def test_reload_that_leaves_one_behind_fails_and_shows_it(run, supervisor, monkeypatch):
    monkeypatch.setattr(reloading, "_GO_BACK_S", 0.1)
    supervisor.notes()
    supervisor.said = how_all_stand(2, 2, 2, (2, 1))
    result = run(app, "reload")
    assert (result.exit_code, "other settings than those in force" in result.stdout) == (1, True)


def test_workers(run, supervisor):
    assert run(app, "workers").exit_code == 1
    supervisor.notes(asked=2, answered=2, refused=(LACKS,), runs=(1, 0))
    result = run(app, "workers")
    assert (result.exit_code, "in force" in result.stdout, "not ready" in result.stdout) == (0, True, True)
    assert "upstreams.a.key: the variable A is not set" in result.stderr
    told = msgspec.json.decode(run(app, "workers", "--json").stdout)
    assert [(one["name"], one["in_force"]) for one in told["workers"]] == [("worker-0", True), ("worker-1", False)]


@pytest.mark.parametrize("note", [None, b"not json", msgspec.json.encode(Running("http://127.0.0.1:1", 2**22 + 1))])
def test_reload_without_a_server(run, home, note):
    write(home, "")
    if note is not None:
        (home / "run").mkdir()
        (home / "run" / RUNNING_FILE).write_bytes(note)
    for command in ("reload", "workers"):
        result = run(app, command)
        assert result.exit_code == 1
        assert "zhongshu up" in result.stderr


def test_reload_with_mistakes_tells_nobody(run, home):
    write(home, "prot = 1")
    assert run(app, "reload").exit_code == 2


def test_check_takes_the_file_by_option_too(run, home, tmp_path):
    file = tmp_path / "other.toml"
    file.write_text("prot = 1\n")
    result = run(app, "check", "--config", str(file))
    assert (result.exit_code, "line 1: prot" in result.stderr) == (2, True)
