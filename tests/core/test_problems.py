"""Every problem speaks both languages and names what to do."""

import ast
import re
import string
from pathlib import Path

import pytest

from zhongshu.core import problems
from zhongshu.core.problems import reasons


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


def reasons_in_the_source():
    """Every `why` that the source gives a problem as a plain text or one with blanks, and where; names are followed
    within their function."""
    for file in sorted((Path(__file__).parents[2] / "src" / "zhongshu").rglob("*.py")):
        for function in ast.walk(ast.parse(file.read_text())):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            named = {}
            for node in ast.walk(function):
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    named.setdefault(node.targets[0].id, []).append(node.value)
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("fault", "problem"):
                    given = [keyword.value for keyword in node.keywords if keyword.arg == "why"]
                    for value in given:
                        for one in named.get(value.id, []) if isinstance(value, ast.Name) else [value]:
                            if isinstance(one, ast.Constant | ast.JoinedStr):
                                yield f"{file.name}:{node.lineno}", one


def test_every_reason_is_said_in_chinese_too():
    compared = 0
    for place, value in reasons_in_the_source():
        parts = [value] if isinstance(value, ast.Constant) else value.values
        why = "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in parts)
        assert re.search("[\u4e00-\u9fff]", reasons.in_chinese(why) or ""), f"{place}: {why}"
        compared += 1
    assert compared > 40
    print(f"compared {compared} reasons")


def test_a_reason_keeps_its_numbers_and_one_without_a_row_stays_as_it_is():
    made = problems.problem("upstream_malformed", upstream="x", why="one event is over 65536 bytes")
    assert "单个事件超过 65536 字节" in made.message_zh
    assert (
        "the provider's own words"
        in problems.problem("upstream_refused", upstream="x", why="the provider's own words").message_zh
    )
