"""The last border before a person: whatever a command did not foresee becomes a sentence, never a stack trace.

Knows no command. A place in the program is named by module and line only: the text of an exception may hold what a
user typed, so it is left out unless the exception is one of ours.
"""

from __future__ import annotations

import errno
import os
import traceback
from pathlib import Path

from zhongshu.cli.output import err
from zhongshu.cli.words import chinese, reason, t
from zhongshu.core.problems import Fault

_DEBUG = "ZHONGSHU_DEBUG"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def explain(error: Exception) -> int:
    """Say on standard error what went wrong and what to do; the exit code. `ZHONGSHU_DEBUG=1` adds the trace."""
    err.print(_sentence(error), style="red", highlight=False, markup=False, soft_wrap=True)
    if os.environ.get(_DEBUG):
        err.print("".join(traceback.format_exception(error)), highlight=False, markup=False, soft_wrap=True)
    return 1


def _sentence(error: Exception) -> str:
    if isinstance(error, Fault):
        return error.problem.message_zh if chinese() else error.problem.message
    if isinstance(error, OSError) and error.filename and error.strerror:
        return t(
            f"{error.filename}: {error.strerror}. Check that the path is right and that this user may use it.",
            f"{error.filename}：{reason(error)}。请检查路径是否正确、当前用户是否有权限。",
        )
    if isinstance(error, UnicodeError):
        return t(
            "What was typed, piped in or read here is not text in UTF-8. Convert it first, for example with iconv.",
            "输入、管道或读取的内容不是 UTF-8 文本。请先转换，例如用 iconv。",
        )
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return t(
            f"The output could not be written: {error.strerror}. What was printed is not whole.",
            f"无法写出结果：{reason(error)}。已输出的内容不完整。",
        )
    place = _place(error)
    return t(
        f"This should not have happened: {type(error).__name__} at {place}. `zhongshu doctor` checks this machine; "
        f"{_DEBUG}=1 before the command shows the details to report.",
        f"出现意外错误：{type(error).__name__}，位于 {place}。`zhongshu doctor` 可检查本机；"
        f"在命令前加 {_DEBUG}=1 可显示供报告用的详情。",
    )


def _place(error: Exception) -> str:
    """The innermost line of ours, such as `cli/up.py:72`."""
    ours = Path(__file__).parent.parent
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).is_relative_to(ours)]
    return f"{Path(frames[-1].filename).relative_to(ours)}:{frames[-1].lineno}" if frames else "?"
