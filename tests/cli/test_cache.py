"""`zhongshu cache`, over a real journal and a real file of answers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from tests.caches.test_store import ROOMY, entry
from tests.cli.test_ledger import record
from zhongshu.caches.store import FILE, Store
from zhongshu.cli.cache import app
from zhongshu.core.clock import SystemClock
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.settings import LedgerSettings


async def write(home: Path) -> None:
    journal = open_journal(LedgerSettings(min_free_bytes=0), home, "w0", SystemClock())
    for number in range(1, 5):
        more = {"cache": "exact", "saved_nano": 2_000, "saved_us": 1_500_000} if number > 2 else {}
        await journal.write(msgspec.structs.replace(record(number), **more))
    await journal.aclose()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("ZHONGSHU_HOME", str(home))
    monkeypatch.setenv("ZHONGSHU_LANG", "en")
    monkeypatch.chdir(tmp_path)
    asyncio.run(write(home))
    store = Store(home / FILE)
    store.keep([entry(1, "acme"), entry(2, "acme", user="ann"), entry(1, "b")], {}, ROOMY, 1)
    store.close()
    return home


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words))


def told(*words: str) -> dict[str, object]:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_what_was_spared(home: Path) -> None:
    report = told("stats", "--by", "tenant,model")
    (row,) = report["data"]
    assert (row["tenant"], row["model"], row["turns"], row["exact"], row["hit_rate"]) == ("acme", "qwen", 4, 2, 0.5)
    assert (row["tokens_saved"], row["saved_nano"], row["seconds_saved"]) == (60, 4_000, 3.0)
    assert [size["tenant"] for size in report["held"]] == ["acme", "b"]
    shown = run("stats").stdout
    assert "50.0%" in shown
    assert "3 answers" in shown


def test_filters_and_unknown_groups(home: Path) -> None:
    assert told("stats", "--tenant", "nobody")["data"] == []
    wrong = run("stats", "--by", "colour")
    assert wrong.exit_code == 2
    assert "tenant" in wrong.stderr


def test_clearing_by_tenant_and_user(home: Path) -> None:
    assert told("clear", "--tenant", "acme", "--user", "ann") == {"removed": 1}
    assert told("clear", "--tenant", "acme") == {"removed": 1}
    assert told("clear", "--model", "m@1") == {"removed": 1}


def test_clearing_everything_wants_a_yes(home: Path) -> None:
    assert run("clear", "--json").exit_code == 2
    assert run("clear", "--user", "ann").exit_code == 2
    assert CliRunner().invoke(app, ["clear"], input="n\n").exit_code == 1
    assert told("clear", "--yes") == {"removed": 3}
