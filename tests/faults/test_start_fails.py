"""A start that cannot be: what is in its way is named with the remedy, no trace is shown, and nothing is used up."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import environment

COMMAND = [sys.executable, "-m", "zhongshu.cli", "up", "--no-pull", "--json", "--port", "0"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (tmp_path / "zhongshu.toml").write_text('profile = "none"\n')
    return home


def environ(home: Path, language: str = "en") -> dict[str, str]:
    found = {**environment(home, home.parent / "zhongshu.toml"), "ZHONGSHU_LANG": language}
    del found["ZHONGSHU_FIRST_KEY"]
    return found


def refused(home: Path, language: str = "en") -> str:
    done = subprocess.run(
        COMMAND, env=environ(home, language), capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert "should not have happened" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("name", ["state.db", "counters.db"])
def test_a_database_that_is_none_is_named(home: Path, name: str) -> None:
    (home / name).write_text("garbage")
    (home / name).chmod(0o600)
    assert f"{home / name} cannot be read" in refused(home)
    assert f"{home / name} 无法读取" in refused(home, "zh")


def test_a_start_that_fails_does_not_use_up_the_first_key(home: Path) -> None:
    secrets = home / "secrets"
    secrets.mkdir(mode=0o700)
    (secrets / "text.key").write_bytes(bytes(32))
    (secrets / "text.key").chmod(0o644)
    said = refused(home)
    assert f"{secrets / 'text.key'} is open to other users" in said
    assert f"chmod go= {secrets / 'text.key'}" in said
    (secrets / "text.key").chmod(0o600)
    with subprocess.Popen(COMMAND, env=environ(home), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        text = b""
        while not text.endswith(b"\n}\n"):
            text += process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 0
    assert json.loads(text)["first_key"].startswith("zs_")
