"""Every problem speaks both languages and names what to do."""

import re
import string
from pathlib import Path

import pytest

from zhongshu.core import problems


def blanks(template):
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("code", problems.codes())
def test_both_languages_fill_from_the_same_facts(code):
    row = problems._ROWS[code]
    # A fact that is itself a sentence comes in both languages: {why} and {why_zh}.
    assert {name.removesuffix("_zh") for name in blanks(row.zh)} <= blanks(row.en)
    facts = dict.fromkeys(blanks(row.en) | blanks(row.zh), 1)
    made = problems.problem(code, **facts)
    assert made.message
    assert re.search("[\u4e00-\u9fff]", made.message_zh)
    assert 400 <= made.status < 600


def test_a_fault_says_its_code_and_nothing_of_its_facts():
    assert str(problems.fault("invalid_value", field="x", why="the user wrote 身份证")) == "invalid_value"


def test_every_code_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
    missing = [code for code in problems.codes() if f"`{code}`" not in text]
    assert not missing
    print(f"compared {len(problems.codes())} codes")
