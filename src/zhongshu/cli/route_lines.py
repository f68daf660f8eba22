"""JSON lines in, the same lines with more fields out: what `zhongshu route score` and `check` do to a file.

Knows nothing of routing. Values that nobody asked about go out as the characters they came as: a number that no float
holds (1e400), a long integer and half a surrogate pair are somebody else's data.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, cast

from zhongshu.cli.bad_lines import refuse_depth, refuse_json
from zhongshu.cli.ledger_views import progress
from zhongshu.cli.output import err, fail
from zhongshu.cli.words import t

Line = dict[str, Any]
_BETWEEN = re.compile(r"[\s,:]*")


def extend(file: str, fields: tuple[str, ...], add: Callable[[Line], Line]) -> None:
    """Print each line of `file` ("-": standard input) with what `add` makes of it in place of fields of that name. fields:
    what each must hold, as text. Leaves with the first that cannot be used."""
    name = t("standard input", "标准输入") if file == "-" else Path(file).name
    stream = sys.stdin.buffer if file == "-" else Path(file).open("rb")  # noqa: SIM115 - closed with the process
    write = sys.stdout.write  # of now: a bar takes what is printed while it is shown for its own terminal
    for number, text in _texts(name, stream, 0 if file == "-" else Path(file).stat().st_size):
        line = _read(name, number, text)
        for field in fields:
            if not isinstance(line.get(field), str):
                _refuse_field(name, number, field, there=field in line)
        added = {field: f'"{field}": {json.dumps(value)}' for field, value in add(line).items()}
        whole = {**dict(_members(text)), **added}
        write("{" + ", ".join(whole.values()) + "}\n")


def _texts(name: str, stream: BinaryIO, size: int) -> Iterator[tuple[int, str]]:
    """Each line that is not empty, with its number. A bar tells how far it is, where somebody looks."""
    shown = err.is_terminal and not sys.stdout.isatty() and size > 0
    with progress(name, size, shown=shown) as advance:
        for number, raw in enumerate(stream, 1):
            advance(len(raw))
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError:
                refuse_json(name, number)
            if text:
                yield number, text


def _read(name: str, number: int, text: str) -> Line:
    try:
        line: object = _READ.decode(text)
    except RecursionError:
        refuse_depth(name, number)
    except ValueError:
        refuse_json(name, number)
    if not isinstance(line, dict):
        fail(
            f"{name}, line {number}: it is no JSON object; give one JSON object a line.",
            f"{name} 第 {number} 行：不是 JSON 对象；请每行一个 JSON 对象。",
            code=2,
        )
    return cast("Line", line)


def _members(text: str) -> Iterator[tuple[str, str]]:
    """The fields of a JSON object that has been read, each as it stands there: `"name": value`."""
    at = _after(text, text.index("{") + 1)
    while text[at] != "}":
        field, end = _READ.raw_decode(text, at)
        _, end = _READ.raw_decode(text, _after(text, end))
        yield field, text[at:end]
        at = _after(text, end)


def _after(text: str, at: int) -> int:
    """Where the next thing begins."""
    found = _BETWEEN.match(text, at)
    return at if found is None else found.end()


def _refuse_field(name: str, number: int, field: str, *, there: bool) -> NoReturn:
    en, zh = ("is no text", "不是文本") if there else ("is missing", "缺失")
    fail(
        f"{name}, line {number}: the field `{field}` {en}; give it as one string.",
        f"{name} 第 {number} 行：字段 `{field}` {zh}；请以一个字符串填写。",
        code=2,
    )


def _not_json(word: str) -> NoReturn:
    """NaN and its like, which Python reads and no other."""
    raise ValueError(word)


def _number(_: str) -> None:
    """What no command here looks at: numbers may be longer than Python converts."""


_READ = json.JSONDecoder(parse_constant=_not_json, parse_float=_number, parse_int=_number)
