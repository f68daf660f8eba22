"""What is wrong with a line of a file of labels, in both languages: the file, the line, the field, and what it takes."""

from __future__ import annotations

from typing import NoReturn

from zhongshu.api.openai.unusable import unusable
from zhongshu.cli.output import fail
from zhongshu.router.difficulty.training import NOT_JSON, TOO_DEEP, BadLine, Labelled


def refuse_line(bad: BadLine) -> NoReturn:
    """Leave with what is wrong with a line that `read_lines` could not use."""
    if bad.why == NOT_JSON:
        refuse_json(bad.name, bad.number)
    if bad.why == TOO_DEEP:
        refuse_depth(bad.name, bad.number)
    refuse_row(Labelled, bad.name, bad.number, bad.why)


def refuse_json(name: str, number: int) -> NoReturn:
    """Leave: the line holds something else."""
    fail(
        f"{name}, line {number}: it is not JSON in UTF-8; give one JSON object a line.",
        f"{name} 第 {number} 行：不是 UTF-8 编码的 JSON；请每行一个 JSON 对象。",
        code=2,
    )


def refuse_depth(name: str, number: int) -> NoReturn:
    """Leave: the line holds lists or objects in one another by the thousand."""
    fail(
        f"{name}, line {number}: it is nested too deep to be read; give one JSON object a line, with flat fields.",
        f"{name} 第 {number} 行：嵌套过深，无法读取；请每行一个 JSON 对象，字段不要层层嵌套。",
        code=2,
    )


def refuse_row(kind: type, name: str, number: int, why: str) -> NoReturn:
    """Leave with the decoder's complaint `why` about a row that is to be of this type."""
    said = unusable(kind, why).problem
    fail(f"{name}, line {number}: {said.message}", f"{name} 第 {number} 行：{said.message_zh}", code=2)


def refuse_file(option: str, file: object, error: OSError) -> NoReturn:
    """Leave: a file cannot be read or written."""
    fail(
        f"{option}{file}: {error.strerror}. Check that the path is right and that this user may use it.",
        f"{option}{file}：无法使用（{error.strerror}）。请检查路径是否正确、当前用户是否有权限。",
        code=2,
    )


def refuse_model(error: ValueError) -> NoReturn:
    """Leave: what `--model-file` names holds no difficulty model."""
    why = str(error).partition(":")[0]
    fail(
        f"--model-file: {why}; make one with `zhongshu route train`, or leave it out.",
        "--model-file：不是本版本可用的难度模型；请用 `zhongshu route train` 训练，或不填写。",
        code=2,
    )
