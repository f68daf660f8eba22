"""`zhongshu prices`: what holds now, and the rows that say so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from zhongshu.cli.prices import app

SETTINGS = """
profile = "none"
[[upstreams]]
name = "up"
base_url = "http://127.0.0.1:9/v1"
key = "none"
[[models]]
name = "plain"
upstream = "up"
price = { input = 2.0, output = 8.0, cached_input = 0.5 }
[[models]]
name = "free"
upstream = "up"
[[models]]
name = "dated"
upstream = "up"
[[models]]
name = "dated"
version = "2"
upstream = "up"
[[prices]]
model = "dated"
input = 1.0
output = 2.0
[[prices]]
model = "dated"
since = "2026-01-01"
input = 3.0
output = 4.0
source = "a page"
[[prices]]
model = "dated"
since = "2026-01-01"
over = 1000
input = 30.0
output = 40.0
[[prices]]
model = "dated"
since = "2999-01-01"
input = 5.0
output = 6.0
[[prices]]
model = "dated@2"
since = "2999-01-01"
input = 7.0
output = 9.0
"""


@pytest.fixture
def told(run: Callable[..., Result], home: Path, tmp_path: Path) -> Callable[..., Result]:
    (tmp_path / "zhongshu.toml").write_text(SETTINGS)
    return lambda *words: run(app, *words)


def test_what_holds_now_and_why(told: Callable[..., Result]) -> None:
    found = {each["release"]: each for each in json.loads(told("--json").stdout)}
    assert {name: (each["now"]["input"], each["now"]["output"]) for name, each in found.items()} == {
        "plain@1": (2.0, 8.0),
        "free@1": (0.0, 0.0),
        "dated@1": (3.0, 4.0),
        "dated@2": (7.0, 9.0),  # the oldest row holds before its own beginning too
    }
    assert found["plain@1"]["now"]["cached_input"] == 0.5
    assert found["plain@1"]["rows"] == []
    rows = found["dated@1"]["rows"]
    assert [(row["since"], row["over"], row["holds"]) for row in rows] == [
        ("2999-01-01", 0, False),
        ("2026-01-01", 1000, True),
        ("2026-01-01", 0, True),
        ("", 0, False),
    ]
    assert rows[2]["source"] == "a page"
    assert [row["holds"] for row in found["dated@2"]["rows"]] == [True]


def test_the_table_and_one_model(told: Callable[..., Result]) -> None:
    shown = told().stdout
    assert all(name in shown for name in ("plain@1", "free@1", "dated@1", "dated@2"))
    assert {each["model"] for each in json.loads(told("dated", "--json").stdout)} == {"dated"}
    wrong = told("nope")
    assert (wrong.exit_code, "no model `nope`" in wrong.stderr) == (1, True)
