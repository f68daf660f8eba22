"""`zhongshu up`: what it prints works when pasted; what stops it is said."""

from __future__ import annotations

import socket
import subprocess

import pytest

from tests.api.conftest import whole
from zhongshu.cli.up import app, curl_line, python_line


@pytest.mark.parametrize("line", [curl_line, python_line])
@pytest.mark.parametrize("known", [True, False])
def test_the_printed_lines_work_when_pasted(serve, tmp_path, line, known):
    server = serve(whole())
    file = tmp_path / "cli.key"
    file.write_text("zs_test\n")
    pasted = line(server.url, "zs_test" if known else None, file, "Hello! Who are you?").replace('"auto"', '"small"')
    done = subprocess.run(["bash", "-c", pasted], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "hi" in done.stdout
    assert server.house.seen[-1].outcome == "answered"


def test_wrong_settings_stop_the_start(run, home):
    home.mkdir()
    (home / "zhongshu.toml").write_text("[server]\nprot = 1\n")
    result = run(app)
    assert result.exit_code == 2
    assert "line 2: server.prot" in result.stderr


def test_wrong_options_are_named_like_settings(run):
    result = run(app, "--port", "99999", "--profile", "huge")
    assert result.exit_code == 2
    assert "--port: server.port = 99999" in result.stderr
    assert '--profile: profile = "huge"' in result.stderr


def test_a_port_in_use_is_said_before_anything_starts(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run(app, "--profile", "none", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 1
    assert "zhongshu up --port" in result.stderr
