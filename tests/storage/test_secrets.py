"""Secrets are made once, kept to their owner, and never repeated in an error."""

import base64
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from zhongshu.storage.secrets import SecretError, load_or_create_secret, read_secret


def test_made_once_then_the_same(tmp_path: Path):
    path = tmp_path / "secrets" / "a.key"
    first = load_or_create_secret(path)
    assert len(first) == 32
    assert load_or_create_secret(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["a.key"]


def test_several_processes_get_the_same(tmp_path: Path):
    path = tmp_path / "secrets" / "a.key"
    line = (
        "from pathlib import Path; from zhongshu.storage.secrets import load_or_create_secret;"
        f"print(load_or_create_secret(Path({str(path)!r})).hex())"
    )
    started = [subprocess.Popen([sys.executable, "-c", line], stdout=subprocess.PIPE) for _ in range(4)]
    values = {process.communicate(timeout=60)[0] for process in started}
    assert len(values) == 1
    assert values != {b""}


@pytest.mark.parametrize("where", ["file", "folder"])
def test_one_that_others_may_open_is_refused(tmp_path: Path, where: str):
    path = tmp_path / "secrets" / "a.key"
    value = load_or_create_secret(path)
    loose, remedy = (path, "chmod 600") if where == "file" else (path.parent, "chmod 700")
    loose.chmod(loose.stat().st_mode | 0o040)
    with pytest.raises(SecretError, match=f"Run: {remedy}") as caught:
        load_or_create_secret(path)
    assert value.hex() not in str(caught.value)


def test_one_of_the_wrong_size_is_refused(tmp_path: Path):
    path = tmp_path / "a.key"
    path.write_bytes(b"short")
    path.chmod(0o600)
    with pytest.raises(SecretError, match="holds 5 bytes, not 32"):
        load_or_create_secret(path)


@pytest.mark.parametrize("encode", [bytes.hex, lambda value: base64.b64encode(value).decode()])
def test_the_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encode):
    value = bytes(range(32))
    monkeypatch.setenv("A_SECRET", encode(value))
    assert load_or_create_secret(tmp_path / "a.key", env="A_SECRET") == value
    assert not (tmp_path / "a.key").exists()


@pytest.mark.parametrize("bad", ["short", "zz" * 32, "!" * 44])
def test_an_unusable_variable_is_refused_without_its_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: str):
    monkeypatch.setenv("A_SECRET", bad)
    with pytest.raises(SecretError, match="A_SECRET must be 32 bytes") as caught:
        load_or_create_secret(tmp_path / "a.key", env="A_SECRET")
    assert bad not in str(caught.value)


def test_read_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("UPSTREAM_KEY", " sk-1 \n")
    assert read_secret("env:UPSTREAM_KEY") == "sk-1"


def test_read_from_a_file(tmp_path: Path):
    path = tmp_path / "key"
    path.write_text("sk-2\n")
    path.chmod(0o600)
    assert read_secret(f"file:{path}") == "sk-2"


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("env:NOT_SET_ANYWHERE", "NOT_SET_ANYWHERE is not set"),
        ("env:", "named as env:NAME"),
        ("sk-in-the-settings", "named as env:NAME"),
        ("file:/nowhere/at/all", "no such file"),
        ("file:", "named as env:NAME"),
    ],
)
def test_what_cannot_be_read_says_why(source: str, says: str):
    with pytest.raises(SecretError, match=says) as caught:
        read_secret(source)
    assert "sk-in" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [(b"", 0o600, "is empty"), (b"\xff\xfe", 0o600, "not UTF-8"), (b"sk-3", 0o644, "chmod 600")],
)
def test_an_unusable_file_says_why(tmp_path: Path, content: bytes, mode: int, says: str):
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(mode)
    with pytest.raises(SecretError, match=says):
        read_secret(f"file:{path}")
