"""Every setting is explained, and every setting does something."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from zhongshu.app.example import rows
from zhongshu.app.meanings import EXAMPLES, GROUPS, MEANINGS

SOURCE = Path(__file__).parents[2] / "src" / "zhongshu"
ROWS = rows()


def test_the_explanations_are_those_of_the_settings() -> None:
    places = {row.place for row in ROWS}
    assert set(MEANINGS) == places
    assert set(EXAMPLES) <= places
    assert set(GROUPS) == {row.group for row in ROWS if row.group}
    assert len(places) > 80


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ".".join(map(str, row.place)))
def test_both_languages_are_there(row) -> None:
    assert row.meaning.en.endswith(".")
    assert re.search(r"[一-鿿]|CNY|AI", row.meaning.zh)


def _reading_code(file: Path) -> str:
    """A file's code without the functions that only check a value."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            node.body = [
                part for part in node.body if not getattr(part, "name", "").startswith(("__post_init", "_check"))
            ]
    return ast.unparse(tree)


@cache
def _code() -> str:
    """All of it. Not when tests are collected: that is done in every process, and this takes seconds."""
    return "\n".join(_reading_code(file) for file in sorted(SOURCE.rglob("*.py")))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ".".join(map(str, row.place)))
def test_something_reads_it(row) -> None:
    """A setting that nothing reads would be a lie."""
    assert re.search(rf"\.{row.place[-1]}\b", _code())


def test_a_setting_that_nothing_reads_would_be_found() -> None:
    assert not re.search(r"\.no_such_setting_s\b", _code())
