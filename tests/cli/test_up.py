"""`zhongshu up`: what it prints works when pasted; what stops it is said."""

from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest

from tests.api.conftest import whole
from tests.running import environment
from zhongshu.app.loading import load
from zhongshu.app.supervisor import Ready, releases_of
from zhongshu.cli.up import _announce, app, curl_line, python_line


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


RELEASES = """
profile = "none"
[[upstreams]]
name = "a"
kind = "openai-compatible"
base_url = "http://127.0.0.1:9/v1"
key = "KEY"
[[upstreams]]
name = "b"
kind = "openai-compatible"
base_url = "http://127.0.0.1:9/v1"
key = "none"
[[models]]
name = "m"
upstream = "a"
[[models]]
name = "m"
upstream = "b"
[[models]]
name = "m"
version = "2"
upstream = "a"
[[models]]
name = "n"
upstream = "a"
"""


def test_a_model_is_listed_once_with_its_releases_whatever_replicas_it_has(home, capsys, monkeypatch):
    home.mkdir()
    file = home / "zhongshu.toml"
    file.write_text(RELEASES.replace("KEY", "none"))
    settings = load(file)
    releases = releases_of(settings)
    assert releases == {"m": ("m@1", "m@2"), "n": ("n@1",)}
    ready = Ready("http://127.0.0.1:7", 1, None, tuple(releases), releases)
    _announce(ready, settings, as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert (shown["models"], shown["releases"]) == (["m", "n"], {"m": ["m@1", "m@2"], "n": ["n@1"]})
    for language, line in (("en", "Models: auto, m (m@1, m@2), n"), ("zh", "模型：auto、m（m@1、m@2）、n")):
        monkeypatch.setenv("ZHONGSHU_LANG", language)
        _announce(ready, settings, as_json=False)
        assert line in capsys.readouterr().out


@pytest.mark.parametrize(("language", "said"), [("en", "upstreams.a.key"), ("zh", "环境变量 NOT_THERE 未设置")])
def test_a_key_that_is_not_there_is_named_when_it_cannot_start(home, language, said):
    home.mkdir()
    (home / "zhongshu.toml").write_text(RELEASES.replace("KEY", "env:NOT_THERE"))
    environ = environment(home, home / "zhongshu.toml") | {"ZHONGSHU_LANG": language}
    command = [sys.executable, "-m", "zhongshu.cli", "up", "--port", "0", "--no-pull"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, said in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr
    assert "worker-0" in done.stderr


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


@pytest.mark.parametrize(("profile", "hello"), [("none", "你好！你是谁？"), ("tiny", "Hello! Who are you?")])
def test_a_model_without_chinese_is_greeted_in_english(profile, hello, home, monkeypatch, capsys):
    monkeypatch.setenv("ZHONGSHU_LANG", "zh")
    _announce(Ready("http://127.0.0.1:1", 1, "zs_x", (), {}), load(options={"profile": profile}), as_json=False)
    said = capsys.readouterr().out
    assert "中枢已就绪" in said
    assert said.count(hello) == 3
