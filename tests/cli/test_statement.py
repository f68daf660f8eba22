"""`zhongshu statement` and `zhongshu budgets` on an installation that has answered turns."""

from __future__ import annotations

import csv
import functools
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.running import Platform, over, platform
from zhongshu.cli.main import build
from zhongshu.upstreams.scripted.serve import serving

TURNS = {"ann": 3, "bob": 1}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Four answered turns of two users, one that failed, and one of another tenant."""
    with serving() as upstream:
        models = {"m": "mock", "broken": "mock-500"}
        with platform(tmp_path_factory.mktemp("statement"), over(upstream.port, models)) as made:
            month()
            for user, turns in TURNS.items():
                for _ in range(turns):
                    assert made.chat("m", user=user)[0] == 200
            assert made.chat("broken", user="ann")[0] == 502
            made.cli("tenants", "create", "acme")
            key = json.loads(made.cli("keys", "create", "worker", "--tenant", "acme", "--json"))["secret"]
            assert made.chat("m", key=key)[0] == 200
            yield made


@functools.cache
def month() -> str:
    """The month the turns were asked in, whatever month it is by now."""
    return f"{datetime.now(UTC):%Y-%m}"


def invoke(running: Platform, *words: str) -> Result:
    """A command in this process; in another it takes most of a second."""
    return CliRunner(env=running.environ).invoke(build(words[0]), list(words))


def shown(running: Platform, *words: str) -> str:
    done = invoke(running, *words)
    assert done.exit_code == 0, done.output
    return done.stdout


def statement(running: Platform, *more: str, tenant: str = "default") -> dict:
    return json.loads(shown(running, "statement", "--tenant", tenant, "--month", month(), *more, "--json"))


def test_a_statement_is_the_sum_of_the_turns(running: Platform) -> None:
    said = statement(running, "--by", "user")
    assert {line["name"]: (line["turns"], line["not_answered"]) for line in said["lines"]} == {
        "ann": (4, 1),
        "bob": (1, 0),
    }
    (total,) = said["totals"]
    assert total["cost_nano"] == sum(line["cost_nano"] for line in said["lines"]) > 0
    each = {line["name"]: line["cost_nano"] / TURNS[line["name"]] for line in said["lines"]}
    assert each["ann"] == each["bob"], "what failed cost nothing"
    assert [line["turns"] for line in statement(running, tenant="acme")["totals"]] == [1]


def test_the_csv_and_the_table_say_the_same(running: Platform, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    given = ("statement", "--tenant", "default", "--month", month(), "--by", "user")
    assert shown(running, *given, "--csv", str(file)).strip() == str(file)
    rows = list(csv.DictReader(io.StringIO(file.read_text("utf-8-sig"))))
    assert [(row["kind"], row["name"], row["turns"]) for row in rows] == [
        ("line", "ann", "4"),
        ("line", "bob", "1"),
        ("total", "", "5"),
    ]
    said = statement(running, "--by", "user")
    assert Decimal(rows[2]["cost_exact"]) == Decimal(said["totals"][0]["cost_nano"]) / 10**9
    table = running.cli(*given)
    assert "ann" in table
    assert "total" in table


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--tenant", "default", "--month", "2026-13"), 2, "2026-11"),
        (("--tenant", "default", "--month", "2026-11", "--by", "colour"), 2, "key, user, model or day"),
        (("--tenant", "nobody", "--month", "2026-11"), 1, "nobody"),
        (("--month", "2026-11"), 2, "--tenant"),
        (("--tenant", "default", "--month", "2020-01"), 0, ""),
    ],
)
def test_what_is_wrong_with_a_statement_is_said(
    running: Platform, words: tuple[str, ...], code: int, says: str
) -> None:
    done = invoke(running, "statement", *words)
    assert (done.exit_code, says in done.stderr) == (code, True)


def test_budgets_are_set_hold_and_are_taken_away(running: Platform) -> None:
    user = ("--tenant", "default", "--user", "ann")
    spent = next(line for line in statement(running, "--by", "user")["lines"] if line["name"] == "ann")["cost_nano"]
    made = json.loads(shown(running, "budgets", "set", "0.000001", *user, "--json"))
    assert (made["scope"], made["whose"], made["tenant"]) == ("user", "ann", "default")
    assert Decimal(made["spending"]["spent"]) * 10**9 == spent, "what the month has cost is counted"
    shown(running, "budgets", "set", "20", "--tenant", "*", "--model", "m", "--period", "total")
    listed = json.loads(shown(running, "budgets", "list", "--json"))
    assert sorted((row["tenant"], row["scope"], row["whose"]) for row in listed) == [
        ("*", "model", "m"),
        ("default", "user", "ann"),
    ]
    assert "ann" in shown(running, "budgets", "list")
    assert json.loads(shown(running, "budgets", "list", "--tenant", "acme", "--json")) == []
    assert json.loads(shown(running, "budgets", "set", "none", *user, "--json")) == {"removed": True}
    assert json.loads(shown(running, "budgets", "set", "none", *user, "--json")) == {"removed": False}
    assert isinstance(json.loads(shown(running, "budgets", "alerts", "--json")), list)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("set", "5", "--tenant", "default"), 2, "--user or --model"),
        (("set", "5", "--tenant", "default", "--user", "a", "--model", "m"), 2, "--user or --model"),
        (("set", "-5", "--tenant", "default", "--user", "a"), 2, "-5"),
        (("set", "five", "--tenant", "default", "--user", "a"), 2, "12.50"),
        (("set", "5", "--tenant", "nobody", "--user", "a"), 1, "nobody"),
        (("set", "5", "--tenant", "default", "--user", "a", "--period", "year"), 1, "period"),
        (("set", "5", "--tenant", "default", "--user", "a", "--currency", "EUR"), 1, "currency"),
        (("set", "5", "--tenant", "default", "--model", "*"), 1, "whose"),
        (("alerts", "--limit", "0"), 2, "--limit"),
    ],
)
def test_what_is_wrong_with_a_budget_is_said(running: Platform, words: tuple[str, ...], code: int, says: str) -> None:
    done = invoke(running, "budgets", *words)
    assert (done.exit_code, says in done.stderr) == (code, True)
