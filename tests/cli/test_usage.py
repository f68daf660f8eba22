"""What was typed wrongly is told in the user's language, whoever words it."""

from __future__ import annotations

import re
import sys

import pytest

from zhongshu.cli.main import run as run_command
from zhongshu.cli.usage import in_chinese


@pytest.fixture
def typed(home, monkeypatch, capsys):
    """`typed("zh", "doctor", "--nope")`: the exit code and standard error of the real entry point."""

    def run(language: str, *words: str) -> tuple[int, str]:
        monkeypatch.setenv("ZHONGSHU_LANG", language)
        monkeypatch.setenv("COLUMNS", "300")
        monkeypatch.setattr(sys, "argv", ["zhongshu", *words])
        return run_command(), capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("words", "said", "in_english"),
    [
        (("statement",), "缺少选项 '--tenant' / '-t'。", "Missing option"),
        (("batches", "show"), "缺少参数 'batch'。", "Missing argument"),
        (("modls",), "没有命令 'modls'。您是不是想用 'models'？", "Did you mean"),
        (("zzz",), "没有命令 'zzz'。", "No such command"),
        (("doctor", "--nope"), "没有选项 --nope。", "No such option"),
        (("upstreams", "mock", "--prt", "5"), "没有选项 --prt。相近的选项：--port, --script。", "Possible options"),
        (("doctor", "more"), "多余的参数：more。", "unexpected extra argument"),
        (("statement", "--tenant"), "选项 '--tenant' 需要一个值。", "requires an argument"),
        (("doctor", "--json=5"), "选项 '--json' 不带值。", "does not take a value"),
        (("upstreams", "mock", "--port", "many"), "'--port' 的值无效：请填写整数。", "valid integer"),
        (("upstreams", "mock", "--port", "99999"), "'--port' 的值无效：不能大于 65535。", "less than or equal"),
        (
            ("ledger", "export", "--format", "xml"),
            "'--format' 的值无效：'xml' 不在可选值之中：'jsonl', 'csv'。",
            "is not one of",
        ),
        (("budgets", "alerts", "-n", "0"), "'--limit' / '-n' 的值无效：不能小于 1。", "greater than or equal"),
    ],
)
def test_wrong_use(typed, words: tuple[str, ...], said: str, in_english: str) -> None:
    code, shown = typed("zh", *words)
    assert (code, shown.splitlines()[-1]) == (2, said)
    code, shown = typed("en", *words)
    assert (code, in_english in shown) == (2, True)
    assert not re.search(r"[\u4e00-\u9fff]", shown)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize(
    ("words", "code"),
    [(("--version",), 0), (("upstreams", "known", "--json"), 0), (("upstreams",), 2), (("upstreams", "show", "x"), 1)],
)
def test_exit_codes_are_the_same_in_both_languages(typed, language: str, words: tuple[str, ...], code: int) -> None:
    assert typed(language, *words)[0] == code


def test_a_sentence_of_unknown_form_stays() -> None:
    assert in_chinese("Something new.") == "Something new."
    assert in_chinese("Invalid value for '--x': something new") == "'--x' 的值无效：something new。"
