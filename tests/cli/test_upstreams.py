"""`zhongshu upstreams`, typed as a user types it."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from zhongshu.cli.upstreams import app
from zhongshu.upstreams.rows import ROWS
from zhongshu.upstreams.scripted.serve import serving


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHONGSHU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZHONGSHU_LANG", "en")
    monkeypatch.delenv("ZHONGSHU_CONFIG", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def config(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "zhongshu.toml"
    file.write_text('profile = "none"\n' + text, encoding="utf-8")
    return ["--config", str(file)]


def test_list_and_show(tmp_path: Path) -> None:
    where = config(tmp_path, '[[upstreams]]\nname = "openai"\nmodels = ["gpt-x"]\n[[upstreams]]\nname = "ollama"\n')
    rows: Any = json.loads(run("list", "--json", *where).stdout)
    assert [(row["name"], row["key"], row["key_found"]) for row in rows] == [
        ("openai", "env:OPENAI_API_KEY", False),
        ("ollama", "none", True),
    ]
    assert "not set" in run("list", *where).stdout
    assert json.loads(run("show", "openai", "--json", *where).stdout)["address"] == "https://api.openai.com/v1"
    assert "gpt-x" in run("show", "openai", *where).stdout
    assert "There are: openai, ollama" in " ".join(run("show", "gone", *where, code=1).stderr.split())


def test_nothing_set_up(tmp_path: Path) -> None:
    where = config(tmp_path, "")
    assert "zhongshu upstreams known" in " ".join(run("list", *where).stdout.split())
    assert json.loads(run("list", "--json", *where).stdout) == []
    assert "None is set up. Add one" in " ".join(run("show", "nope", *where, code=1).stderr.split())
    run("check", *where)


def test_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as served:
        row = f'[[upstreams]]\nname = "mine"\nbase_url = "{served.base_url}"\n'
        where = config(tmp_path, row)
        assert "mine: reached in" in run("check", *where).stdout
        where = config(tmp_path, row + '[[upstreams]]\nname = "openai"\n')
        assert "export OPENAI_API_KEY=" in run("check", *where, code=1).stderr
        run("check", "mine", *where)
        found = json.loads(run("check", "--json", *where, code=1).stdout)
        assert [(probe["name"], probe["ok"]) for probe in found] == [("mine", True), ("openai", False)]
        monkeypatch.setenv("ZHONGSHU_LANG", "zh")
        assert "未设置" in run("check", *where, code=1).stderr


def test_known() -> None:
    assert list(json.loads(run("known", "--json").stdout)) == list(ROWS)
    text = run("known").stdout
    assert all(row.base_url in text for row in ROWS.values())


def test_mock_lists_and_refuses(tmp_path: Path) -> None:
    assert "mock-429" in json.loads(run("mock", "--models", "--json").stdout)
    assert "mock-hang" in run("mock", "--models").stdout
    bad = tmp_path / "bad.toml"
    bad.write_text("[models.x]\nno_such_field = 1\n")
    assert "no_such_field" in run("mock", "--script", str(bad), code=1).stderr
    with serving() as served:
        assert "--port" in run("mock", "--port", str(served.port), code=1).stderr


def test_mock_runs() -> None:
    command = [sys.executable, "-m", "zhongshu.cli", "upstreams", "mock", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            text = ""
            while not text.endswith("}\n"):
                text += running.stdout.readline()
            with urllib.request.urlopen(f"{json.loads(text)['base_url']}/models", timeout=60) as reply:
                assert b"mock-429" in reply.read()
        finally:
            running.terminate()


ROW = '[[upstreams]]\nname = "lab"\nkind = "openai-compatible"\nbase_url = "http://127.0.0.1:9/v1"\nkey = "none"\nmodels = ["m"]\n'


def test_switches_and_health_without_a_server(tmp_path: Path) -> None:
    at = config(tmp_path, ROW)
    assert "no turn is sent there" in run("open", "lab", *at).output
    assert json.loads(run("close", "lab", "--model", "m", "--json", *at).output)["forced"] == "closed"
    rows = json.loads(run("health", "--json", *at).output)
    forced = {(row["upstream"], row["model"]): row["forced"] for row in rows}
    assert forced == {("embedded", ""): "auto", ("lab", ""): "open", ("lab", "m"): "closed"}
    shown = run("health", "lab", *at).output
    assert "open" in shown
    assert "No server is running" in shown
    run("auto", "lab", *at)
    run("auto", "lab", "--model", "m", *at)
    assert {row["forced"] for row in json.loads(run("health", "--json", *at).output)} == {"auto"}


def test_switches_of_what_is_not_there(tmp_path: Path) -> None:
    at = config(tmp_path, ROW)
    assert "There is no upstream `nobody`. There are: embedded, lab" in run("open", "nobody", *at, code=1).output
    assert "Its models are: m" in run("open", "lab", "--model", "x", *at, code=1).output
    assert "There is no upstream" in run("health", "nobody", *at, code=1).output
