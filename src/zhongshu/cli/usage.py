"""A command that was typed wrongly, told in Chinese: the sentences of the command line's library, by their form.

Knows the library's sentences only, not its classes, which are its own: a sentence that is not known stays English.
"""

from __future__ import annotations

import re

from typer.exceptions import TyperException

from zhongshu.cli.output import err

_SENTENCES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), chinese)
    for pattern, chinese in (
        (r"Missing command\.", "缺少子命令。"),
        (r"Missing argument (.+?)\.", r"缺少参数 \1。"),
        (r"Missing (?:option|parameter) (.+?)\.", r"缺少选项 \1。"),
        (r"No such command (.+?)\. Did you mean (.+)\?", r"没有命令 \1。您是不是想用 \2？"),
        (r"No such command (.+)\.", r"没有命令 \1。"),
        (r"No such option: (\S+) \(Possible options: (.+)\)", r"没有选项 \1。相近的选项：\2。"),
        (r"No such option: (.+)", r"没有选项 \1。"),
        (r"Got unexpected extra argument\(s\) \((.+)\)", r"多余的参数：\1。"),
        (r"Option (.+) requires an argument\.", r"选项 \1 需要一个值。"),
        (r"Option (.+) requires (\d+) arguments\.", r"选项 \1 需要 \2 个值。"),
        (r"Option (.+) does not take a value\.", r"选项 \1 不带值。"),
        (r"Argument (.+) takes (\d+) values\.", r"参数 \1 需要 \2 个值。"),
    )
)
_VALUES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), chinese)
    for pattern, chinese in (
        (r"Input should be a valid integer.*", "请填写整数"),
        (r"Input should be a valid number.*", "请填写数字"),
        (r"Input should be a valid boolean.*", "请填写 true 或 false"),
        (r"Input should be less than or equal to (.+)", r"不能大于 \1"),
        (r"Input should be greater than or equal to (.+)", r"不能小于 \1"),
        (r"Input should be less than (.+)", r"须小于 \1"),
        (r"Input should be greater than (.+)", r"须大于 \1"),
        (r"(?:Value error, )?(.+) is not one of (.+)\.", r"\1 不在可选值之中：\2"),
        (r"\S+ (.+) does not exist\.", r"\1 不存在"),
        (r"\S+ (.+) is a file\.", r"\1 是文件，不是目录"),
        (r"\S+ (.+) is a directory\.", r"\1 是目录，不是文件"),
        (r"\S+ (.+) is not readable\.", r"\1 不可读"),
        (r"\S+ (.+) is not writable\.", r"\1 不可写"),
    )
)
_WRONG_VALUE = re.compile(r"Invalid value for (.+?): (.+)", re.DOTALL)


def in_chinese(sentence: str) -> str:
    """The library's sentence in Chinese; as it is when its form is not known."""
    if wrong := _WRONG_VALUE.fullmatch(sentence):
        return f"{wrong[1]} 的值无效：{_by_form(_VALUES, wrong[2])}。"
    return _by_form(_SENTENCES, sentence)


def explain_usage(error: TyperException) -> int:
    """Say on standard error, in Chinese, what was typed wrongly; the exit code."""
    if type(error).__name__ == "NoArgsIsHelpError":  # its help page has been shown
        return error.exit_code
    context = getattr(error, "ctx", None)
    lines = [in_chinese(error.format_message())]
    if context is not None:
        usage = context.get_usage().removeprefix("Usage: ")
        lines = [f"用法：{usage}", f"详见 {context.command_path} {context.help_option_names[0]}", *lines]
    err.print("\n".join(lines), style="red", highlight=False, markup=False, soft_wrap=True)
    return error.exit_code


def _by_form(rows: tuple[tuple[re.Pattern[str], str], ...], sentence: str) -> str:
    for pattern, chinese in rows:
        if found := pattern.fullmatch(sentence):
            return found.expand(chinese)
    return sentence
