"""No stack trace reaches a person: what a command did not foresee becomes a sentence with a remedy."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from zhongshu.cli.border import explain
from zhongshu.core.problems import fault


def _raised(error: Exception) -> Exception:
    try:
        raise error
    except type(error) as caught:
        return caught


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file or directory", "/nope/x"), "/nope/x: No such file or directory. Check"),
        (fault("not_found"), "There is nothing at this address"),
        (RuntimeError("what the user typed"), "RuntimeError at "),
        (UnicodeEncodeError("utf-8", "what the user typed", 0, 1, "no"), "is not text in UTF-8"),
        (OSError(28, "No space left on device"), "could not be written: No space left on device"),
    ],
)
def test_a_sentence(error, said, monkeypatch, capsys):
    monkeypatch.setattr("zhongshu.cli.words.chinese", lambda: False)
    monkeypatch.delenv("ZHONGSHU_DEBUG", raising=False)
    assert explain(_raised(error)) == 1
    shown = capsys.readouterr().err
    assert said in shown
    assert "Traceback" not in shown
    assert "what the user typed" not in shown


def test_the_system_speaks_chinese_too(monkeypatch, capsys):
    monkeypatch.setenv("ZHONGSHU_LANG", "zh")
    explain(_raised(PermissionError(13, "Permission denied", "/nope/x")))
    assert "/nope/x：权限不足。" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("up", "--profile", "none", "--port", "0"), "ZHONGSHU_HOME"),
        (("ask", "--url", "nowhere", "hi"), "is not an address"),
        (("upstreams", "mock", "--port", "99999"), "--port"),
        (("up", "--host", "300.1.1.1", "--profile", "none"), "no address of this machine"),
    ],
)
def test_wrong_use_of_the_real_command(command, said, tmp_path):
    home = tmp_path / "home"
    home.write_text("not a directory")
    environ = {
        **os.environ,
        "ZHONGSHU_HOME": str(home),
        "ZHONGSHU_LANG": "en",
        "ZHONGSHU_KEY": "zs_x",
        "COLUMNS": "300",
    }
    for name in ("ZHONGSHU_CONFIG", "ZHONGSHU_FIRST_KEY"):
        environ.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-m", "zhongshu.cli", *command],
        env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("shell", "code", "said"),
    [
        ("{} config path --json > /dev/full", 1, "could not be written: No space left on device"),
        ("{} config path --json >&-", 0, ""),
        ("{} config example | head -1; exit ${{PIPESTATUS[0]}}", 0, ""),
        ("{} ask $'caf\\xe9'", 1, "is not text in UTF-8"),
        ("printf '\\xff' | {} ask hello", 1, "is not text in UTF-8"),
    ],
)
def test_what_the_shell_gives_and_takes(shell, code, said, tmp_path):
    (tmp_path / "journal").mkdir()
    environ = {**os.environ, "ZHONGSHU_HOME": str(tmp_path), "ZHONGSHU_LANG": "en", "ZHONGSHU_KEY": "zs_x"}
    environ |= {"ZHONGSHU_URL": "http://127.0.0.1:9", "PYTHONUNBUFFERED": "", "PYTHONUTF8": "1"}
    command = shell.format(f"{sys.executable} -m zhongshu.cli")
    done = subprocess.run(
        ["bash", "-c", command], env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_first_key_that_is_too_short_is_refused(run, home, monkeypatch):
    from zhongshu.cli.up import app

    monkeypatch.setenv("ZHONGSHU_FIRST_KEY", "short")
    result = run(app, "--profile", "none", "--port", "0")
    assert (result.exit_code, "16 to 256" in result.stderr) == (2, True)
