"""Every sentence that a strategy may leave in the record can be told in Chinese, as it would have been said then."""

import ast
from pathlib import Path

import pytest

from zhongshu.pipeline.strategies import retelling
from zhongshu.pipeline.strategies.retelling import in_chinese

FOLDER = Path(retelling.__file__).parent


def filled(node: ast.expr, repairs: int) -> str:
    """The text of a string or an f-string: `repairs` and figures in its fields, whatever they hold."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    assert isinstance(node, ast.JoinedStr)
    parts = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        elif isinstance(part.value, ast.IfExp):
            parts.append("" if repairs == 1 else "s")
        else:
            parts.append(str(repairs))
    return "".join(parts)


def sentences():
    for file in sorted(FOLDER.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Told", "_unchecked", "_unaccepted"):
                en, zh = node.args[-2:]
                if isinstance(en, ast.Constant | ast.JoinedStr):
                    yield from ((filled(en, number), filled(zh, number)) for number in (1, 2))


def test_every_sentence_of_the_strategies_is_told_as_it_was_said():
    whole = parts = 0
    for en, zh in sentences():
        if en.endswith("."):
            whole += 1
            assert in_chinese(en) == zh
        elif en:
            parts += 1
            asked = f"The answer was not accepted by a check: {en} after 2 repairs."
            assert in_chinese(asked) == f"回答未经检查认可：{zh}（已修订 2 次）。"
    assert whole >= 50
    assert parts >= 20


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (
            "The reasoning model answered, as the draft looked doubtful (chance of being wrong 0.61, at least 0.50).",
            "草稿可疑（出错概率 0.61，不低于 0.50），改由推理模型回答。",
        ),
        (
            "The general model's answer stands though the general model was unsure of its words (0.31): the reasoning model "
            "failed (upstream_timeout).",
            "通用模型对其措辞把握不足（0.31），但推理模型失败（upstream_timeout），仍采用通用模型的回答。",
        ),
        ("The caller named this model.", "调用方指定了该模型。"),
        ("", ""),
        ("Nobody says this: {}.", "Nobody says this: {}."),
    ],
)
def test_a_reason_in_chinese(reason, told):
    assert in_chinese(reason) == told
