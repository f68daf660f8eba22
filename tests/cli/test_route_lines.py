"""`zhongshu route score` and `check`: any file of JSON lines in, the same lines with more fields out."""

from __future__ import annotations

import gzip
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from zhongshu.cli.route import app
from zhongshu.router.difficulty.linear import dump, load


def run(*words: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=stdin)


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHONGSHU_LANG", "en")


@pytest.mark.parametrize(
    "rest",
    [
        '"n": 1e400',
        '"n": -1E+5, "m": 1.10, "k": 123456789012345678901234567890.0000000000001',
        '"n": ' + "9" * 5000,
        '"n": {"a": [1, {"b": 2.50}, "]}"], "c": {}}, "m": []',
        '"\\u952e": "\\u503c \\ud800", "值": "键, \\"}"',
        '"n": null, "m":true',
    ],
)
def test_what_nobody_asked_about_goes_out_as_it_came(rest: str) -> None:
    done = run("score", "-", stdin=f'{{ "prompt" : "a" , {rest} }}\n'.encode())
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(f'{{"prompt" : "a", {rest}, "score": ')
    json.loads(done.stdout, parse_constant=pytest.fail, parse_int=str)


def test_a_line_that_was_scored_before_is_scored_anew() -> None:
    once = run("score", "-", stdin=b'{"prompt":"a","score":"old","x":1,"x":2}\n').stdout
    assert once == run("score", "-", stdin=once.encode()).stdout
    assert once.count('"score"') == once.count('"x"') == 1
    assert json.loads(once)["x"] == 2


def test_line_ends_marks_and_gaps_are_no_part_of_a_line() -> None:
    done = run("score", "-", stdin=b'\xef\xbb\xbf{"prompt": "a"}\r\n\r\n  \r\n{"prompt": "\xe4\xbd\xa0"}')
    assert [json.loads(line)["prompt"] for line in done.stdout.split("\n")[:-1]] == ["a", "你"]


@pytest.mark.parametrize(
    ("command", "line", "en", "zh"),
    [
        ("score", b'{"prompt": "a", "n": NaN}', "not JSON in UTF-8; give one JSON object a line", "每行一个 JSON 对象"),
        ("score", b'{"prompt": "a", "n": -Infinity}', "not JSON in UTF-8", "不是 UTF-8 编码的 JSON"),
        ("score", gzip.compress(b'{"prompt": "a"}\n', mtime=0), "not JSON in UTF-8", "不是 UTF-8 编码的 JSON"),
        ("score", '{"prompt": "a"}'.encode("utf-16"), "not JSON in UTF-8", "不是 UTF-8 编码的 JSON"),
        ("score", b'{"prompt": "a", "n": ' + b"[" * 5000 + b"]" * 5000 + b"}", "it is nested too deep", "嵌套过深"),
        ("score", b'["prompt"]', "no JSON object; give one JSON object a line", "不是 JSON 对象；请每行一个 JSON 对象"),
        ("score", b"{}", "the field `prompt` is missing; give it as one string", "字段 `prompt` 缺失"),
        ("score", b'{"prompt": 5}', "the field `prompt` is no text; give it as one string", "字段 `prompt` 不是文本"),
        ("score", b'{"prompt": [{"role": "user", "content": "SECRET"}]}', "`prompt` is no text", "请以一个字符串填写"),
        ("check", b'{"prompt": "SECRET"}', "the field `weak_response` is missing", "字段 `weak_response` 缺失"),
        ("check", b'{"prompt": "a", "weak_response": null}', "`weak_response` is no text", "`weak_response` 不是文本"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, line: bytes, en: str, zh: str
) -> None:
    good = b'{"prompt": "fine", "weak_response": "fine"}\n\n'
    (tmp_path / "some.jsonl").write_bytes(good + line)
    for lang, words, where in (("en", en, "some.jsonl, line 3: "), ("zh", zh, "some.jsonl 第 3 行：")):
        monkeypatch.setenv("ZHONGSHU_LANG", lang)
        done = run(command, str(tmp_path / "some.jsonl"))
        said = "".join(done.stderr.split())
        assert (done.exit_code, "".join(words.split()) in said) == (2, True), done.stderr
        assert said.startswith("".join(where.split()))
        assert "SECRET" not in said
        assert [json.loads(out)["prompt"] for out in done.stdout.splitlines()] == ["fine"]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    done = run("score", str(tmp_path / "empty"))
    assert (done.exit_code, done.output) == (0, "")


@pytest.mark.parametrize("spoiled", ["names", "fewer", "odds"])
def test_a_model_of_other_features_or_impossible_odds_is_refused(tmp_path: Path, spoiled: str) -> None:
    model = json.loads(dump(load()))
    if spoiled == "names":
        names = model["free"]["names"]
        names[0], names[1] = names[1], names[0]
    elif spoiled == "fewer":
        for each in ("names", "means", "scales", "weights"):
            model["free"][each].pop()
    else:
        model["tasks"] = {"code": {"wrong": -3, "rest": 0.5, "harm": 0.5}}
    (tmp_path / "m.json").write_text(json.dumps(model))
    done = run("score", "--model-file", str(tmp_path / "m.json"), "-", stdin=b'{"prompt": "a"}\n')
    assert (done.exit_code, "zhongshu route train" in " ".join(done.stderr.split())) == (2, True), done.output


def test_a_bar_that_somebody_watches_is_no_part_of_the_lines(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_text('{"prompt": "a"}\n' * 50)
    ours, theirs = pty.openpty()
    try:
        command = [sys.executable, "-m", "zhongshu.cli", "route", "score", str(tmp_path / "f.jsonl")]
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=theirs, env={**os.environ, "TERM": "xterm"}, check=False
        )
        assert (done.returncode, b"f.jsonl" in os.read(ours, 100_000)) == (0, True)
    finally:
        os.close(ours)
        os.close(theirs)
    assert [json.loads(line)["prompt"] for line in done.stdout.splitlines()] == ["a"] * 50


def test_a_directory_is_no_file_of_lines(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zhongshu.cli", "route", "score", str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "ZHONGSHU_LANG": "en"}, check=False
    )
    assert (done.returncode, "Is a directory" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
