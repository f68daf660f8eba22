"""The ledger's commands, over a real journal."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from zhongshu.cli import ledger_views
from zhongshu.cli.ledger import app
from zhongshu.core.answers import Usage
from zhongshu.core.clock import SystemClock
from zhongshu.core.records import Record
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.payloads import Happening
from zhongshu.ledger.segments import segment_path, stream_folder
from zhongshu.ledger.settings import LedgerSettings

TRACE = "0" * 31


def record(number: int) -> Record:
    return Record(
        trace=f"{TRACE}{number}",
        at_ns=1_700_000_000_000_000_000 + number,
        outcome="answered" if number else "failed",
        tenant="acme",
        key_id="k1",
        asked="auto",
        release="qwen@1",
        usage=Usage(10, 20),
        cost_nano=1_500_000,
        label="1",
        prompt=b'{"messages":[]}',
        answer='[{"text":"你好"}]'.encode(),
    )


async def write(home: Path) -> None:
    journal = open_journal(LedgerSettings(min_free_bytes=0), home, "w0", SystemClock())
    for number in range(5):
        await journal.write(record(number))
    await journal.aclose()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("ZHONGSHU_HOME", str(home))
    monkeypatch.setenv("ZHONGSHU_LANG", "en")
    monkeypatch.chdir(tmp_path)
    asyncio.run(write(home))
    return home


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def told(*words: str) -> object:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_tail_lists_whole_trace_ids(home: Path) -> None:
    shown = run("tail", "-n", "2").stdout
    assert f"{TRACE}4" in shown
    assert f"{TRACE}2" not in shown
    assert [row["trace"][-1] for row in told("tail", "-n", "2")] == ["3", "4"]  # type: ignore[attr-defined]


def test_show_opens_texts_only_when_asked(home: Path) -> None:
    closed = told("show", f"{TRACE}1")
    opened = told("show", f"{TRACE}1", "--text")
    assert isinstance(closed, dict)
    assert isinstance(opened, dict)
    assert "answer" not in closed
    assert opened["answer"] == [{"text": "你好"}]
    assert opened["AIGC"]["ProduceID"] == f"{TRACE}1"
    assert "你好" in run("show", f"{TRACE}1", "--text").stdout


def test_a_trace_that_is_not_there_names_the_remedy(home: Path) -> None:
    missing = run("show", "nothing")
    assert missing.exit_code == 1
    assert "zhongshu ledger tail" in missing.stderr


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (["--tenant", "acme"], 5),
        (["--outcome", "failed"], 1),
        (["--model", "qwen", "-n", "2"], 2),
        (["--since", "2h"], 0),
        (["--until", "2023-11-15"], 5),
        (["--text", "你好"], 5),
        (["--text", "再见"], 0),
    ],
)
def test_find_filters(home: Path, words: list[str], count: int) -> None:
    assert len(told("find", *words)) == count  # type: ignore[arg-type]


def test_a_bad_time_names_its_option(home: Path) -> None:
    bad = run("find", "--since", "yesterday")
    assert bad.exit_code == 2
    assert "--since yesterday" in bad.stderr


@pytest.mark.parametrize(
    ("words", "count"),
    [
        (("--since", "999999w"), 5),
        (("--since", "0001-01-01"), 5),
        (("--since", "9999-12-31"), 0),
        (("--until", "9999-12-31T23:59:59+14:00"), 5),
        (("--until", "0001-01-01T00:00:00+14:00"), 0),
    ],
)
def test_times_that_no_clock_shows(words: tuple[str, ...], count: int, home: Path) -> None:
    assert len(told("find", *words)) == count  # type: ignore[arg-type]


@pytest.mark.parametrize("command", [("tail",), ("find",), ("find", "--text", "x"), ("events",)])
def test_more_rows_than_there_can_be_are_refused(command: tuple[str, ...], home: Path) -> None:
    refused = run(*command, "-n", "9" * 30)
    assert refused.exit_code == 2
    assert "1000000000" in refused.stderr


@pytest.mark.parametrize(("language", "says"), [("en", "restore it"), ("zh", "请恢复 secrets/text.key")])
def test_another_text_key_is_named(language: str, says: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "secrets" / "text.key").write_bytes(bytes(32))
    monkeypatch.setenv("ZHONGSHU_LANG", language)
    assert says in run("show", f"{TRACE}1", "--text").stderr
    (home / "secrets" / "text.key").chmod(0o644)
    erase = ("erase", "--tenant", "acme", "--month", "2023-11", "--reason", "x", "--yes")
    assert "chmod 600" in run(*erase).stderr


def test_verify_says_whole_and_then_what_was_changed(home: Path, tmp_path: Path) -> None:
    signed = told("checkpoint")
    assert isinstance(signed, dict)
    key = signed["public_key"]
    assert run("verify", "--public-key", key).exit_code == 0
    path = segment_path(stream_folder(home, "w0"), 1)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    broken = run("verify")
    assert broken.exit_code == 1
    assert "journal/w0/00000001.zsj: frame 5" in broken.stdout
    assert json.loads(run("verify", "--json").stdout)["findings"][0]["frame"] == 5
    assert run("verify", "--anchor", str(tmp_path / "none")).exit_code == 2


def test_stats_sum_up(home: Path) -> None:
    assert told("stats", "--by", "model,outcome") == [
        {
            "model": "qwen", "outcome": outcome, "currency": "CNY", "turns": turns, "failed": failed,
            "prompt_tokens": 10 * turns, "completion_tokens": 20 * turns, "cached_tokens": 0, "thinking_tokens": 0,
            "cost_nano": 1_500_000 * turns, "took_us": 0, "slowest_us": 0,
            "saved_nano": 0, "saved_us": 0, "queued_us": 0,
        }
        for outcome, turns, failed in (("answered", 4, 0), ("failed", 1, 1))
    ]  # fmt: skip
    assert "0.006 CNY" in run("stats", "--by", "outcome").stdout
    assert "--by colour" in run("stats", "--by", "colour").stderr


def test_export_labels_texts(home: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in run("export", "--text").stdout.splitlines()]
    assert len(lines) == 5
    assert all(line["AIGC"]["Label"] == "1" for line in lines)
    target = tmp_path / "out.csv"
    written = told("export", "--format", "csv", "-o", str(target))
    assert written == {"file": str(target), "bytes": target.stat().st_size, "unread": []}
    assert target.read_bytes().count(b"\n") == 6


def test_erase_is_final_and_asks_first(home: Path) -> None:
    assert run("erase", "--tenant", "acme", "--month", "2023-11", "--reason", "ended").exit_code == 1
    assert run("erase", "--tenant", "acme", "--month", "2023-11", "--reason", "ended", "--json").exit_code == 2
    assert told("erase", "--tenant", "acme", "--month", "2023-11", "--reason", "ended", "--yes") == {
        "tenant": "acme", "month": "2023-11", "erased_keys": 1,
    }  # fmt: skip
    assert told("show", f"{TRACE}1", "--text")["text"] == "erased"  # type: ignore[index]
    assert run("erase", "--tenant", "acme", "--month", "2023-11", "--reason", "x", "-y").exit_code == 1
    assert run("erase", "--tenant", "acme", "--month", "soon", "--reason", "x", "-y").exit_code == 2


def test_the_lock_holds_for_this_month(home: Path) -> None:
    refused = run("erase", "--tenant", "acme", "--month", "2099-01", "--reason", "x", "-y")
    assert refused.exit_code == 1
    assert "--lawful-request" in refused.stderr


def test_without_a_journal_the_remedy_is_named(home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZHONGSHU_HOME", str(tmp_path / "empty"))
    for words in (["tail"], ["verify"], ["checkpoint"], ["export"]):
        done = run(*words)
        assert done.exit_code == 1
        assert "zhongshu up" in done.stderr


def test_it_speaks_chinese(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHONGSHU_LANG", "zh")
    assert "日志完整" in run("verify").stdout


def test_an_outcome_that_there_is_not(home: Path) -> None:
    result = run("find", "--outcome", "perhaps")
    assert (result.exit_code, "answered, refused, failed, left, cut" in result.output) == (2, True)


def test_events_of_every_stream_are_listed(home: Path) -> None:
    journal = open_journal(LedgerSettings(min_free_bytes=0), home, "worker-7", SystemClock())

    async def note() -> None:
        await journal.note(Happening("managed", 1_800_000_000_000_000_000, {"by": "k_1", "path": "/admin/v1/keys"}))
        await journal.aclose()

    asyncio.run(note())
    assert told("events", "--name", "managed") == [
        {
            "stream": "worker-7",
            "name": "managed",
            "at_ns": 1_800_000_000_000_000_000,
            "facts": {"by": "k_1", "path": "/admin/v1/keys"},
        }
    ]
    assert "by=k_1 path=/admin/v1/keys" in run("events").stdout
    assert told("events", "--name", "nothing") == []


@pytest.mark.parametrize("command", ["tail", f"show {TRACE}1", "stats", "events", "find", "export", "checkpoint"])
def test_people_see_that_the_ledger_is_read(command: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told_of: list[str] = []
    status = ledger_views.err.status
    monkeypatch.setattr(ledger_views.err, "status", lambda said: told_of.append(said) or status(said))
    assert run(*command.split()).exit_code == 0
    assert told_of == ["Reading the ledger"]


def test_an_export_goes_on_past_what_is_damaged_and_says_so(home: Path, tmp_path: Path) -> None:
    assert run("checkpoint").exit_code == 0  # the index knows where each stands
    path = segment_path(stream_folder(home, "w0"), 1)
    whole = path.read_bytes()
    at = whole.index(f"{TRACE}2".encode())
    path.write_bytes(whole[: at - 20] + b"\xff" * 20 + whole[at:])
    out = tmp_path / "out.jsonl"
    done = run("export", "--text", "--output", str(out))
    assert done.exit_code == 1
    assert f"1 records cannot be read and are not among them, the first is {TRACE}2" in " ".join(done.stderr.split())
    assert [json.loads(line)["trace"][-1] for line in out.read_text().splitlines()] == ["0", "1", "3", "4"]
