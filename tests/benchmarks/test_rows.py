"""Rows, their table and their file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.rows import Reference, Row

from benchmarks import rows


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (Row(name="a", value=10_000, unit="requests/s", target=rows.at_least(10_000)), True),
        (Row(name="a", value=9_999, unit="requests/s", target=rows.at_least(10_000)), False),
        (Row(name="a", value=5.0, unit="ms", target=rows.at_most(5)), True),
        (Row(name="a", value=5.1, unit="ms", target=rows.at_most(5)), False),
        (Row(name="a", value=60, unit="x", reference=Reference("b", 10), target=rows.ratio_at_least(6)), True),
        (Row(name="a", value=59, unit="x", reference=Reference("b", 10), target=rows.ratio_at_least(6)), False),
        (Row(name="a", value=60, unit="x", reference=Reference("b", None), target=rows.ratio_at_least(6)), None),
        (Row(name="a", value=None, unit="ms", target=rows.at_most(5)), None),
        (Row(name="a", value=1.0, unit="ms"), None),
    ],
)
def test_target(row: Row, met: bool | None) -> None:
    assert row.met is met


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (12345.6, "12,346"), (123.45, "123.5"), (1.234, "1.23"), (0.0621, "0.062"), (0.0, "0"), (6, "6")],
)
def test_figures_for_people(value: float | None, text: str) -> None:
    assert rows.figure(value) == text


def test_table_lines_up_and_says_what_was_not_measured() -> None:
    found = [
        Row(
            name="ours", value=12_000, unit="requests/s", reference=Reference("theirs", 2_000), target=rows.at_least(1)
        ),
        Row(name="skipped", value=None, unit="ms", target=rows.at_most(5), note="nginx is missing"),
    ]

    heading, rule, *lines = rows.table(found).splitlines()

    assert heading.startswith("what")
    assert rule.startswith("---")
    assert "12,000" in lines[0]
    assert "6.00" in lines[0]
    assert "yes" in lines[0]
    assert "not measured" in lines[1]
    assert "nginx is missing" in lines[1]


def test_file_holds_every_field_of_every_row(tmp_path: Path) -> None:
    found = [Row(name="ours", value=3.0, unit="ms", reference=Reference("theirs", 1.5), target=rows.at_most(5))]

    path = rows.write("trial", found, "a machine", tmp_path)

    (kept,) = json.loads(path.read_text())
    assert path.name == "trial.json"
    assert kept.pop("date")
    assert kept == {
        "name": "ours",
        "value": 3.0,
        "unit": "ms",
        "reference": "theirs",
        "reference_value": 1.5,
        "ratio": 2.0,
        "target": "<= 5",
        "met": True,
        "note": "",
        "machine": "a machine",
    }
