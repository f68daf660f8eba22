"""`zhongshu config`."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import msgspec
import pytest

from zhongshu.app.running import RUNNING_FILE, Running
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


def test_reload_tells_the_running_server(run, home):
    write(home, "")
    (home / "run").mkdir()
    (home / "run" / RUNNING_FILE).write_bytes(msgspec.json.encode(Running("http://127.0.0.1:1", os.getpid())))
    heard: list[int] = []
    before = signal.signal(signal.SIGHUP, lambda number, frame: heard.append(number))
    try:
        result = run(app, "reload", "--json")
    finally:
        signal.signal(signal.SIGHUP, before)
    assert result.exit_code == 0
    assert heard == [signal.SIGHUP]


@pytest.mark.parametrize("note", [None, b"not json", msgspec.json.encode(Running("http://127.0.0.1:1", 2**22 + 1))])
def test_reload_without_a_server(run, home, note):
    write(home, "")
    if note is not None:
        (home / "run").mkdir()
        (home / "run" / RUNNING_FILE).write_bytes(note)
    result = run(app, "reload")
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
