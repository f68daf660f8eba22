"""`zhongshu doctor`: looks at everything that can be wrong and says how to mend it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zhongshu.cli.output import JsonOption, err, out, print_json
from zhongshu.cli.words import chinese, reason_zh, t

if TYPE_CHECKING:
    from rich.console import Console

    from zhongshu.app.checkup.finding import Finding
    from zhongshu.app.settings import Settings

app = typer.Typer()

EPILOG = t(
    """
Examples:

- `zhongshu doctor`
- `zhongshu doctor --json | jq '.findings[] | select(.state != "ok")'`

Exit code: 0 when nothing failed, 1 when something did.
""",
    """
示例：

- `zhongshu doctor`
- `zhongshu doctor --json | jq '.findings[] | select(.state != "ok")'`

退出码：没有失败项为 0，有失败项为 1。
""",
)
CONFIG = t("The settings file.", "设置文件。")
_MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "red")}


@app.command(
    "doctor",
    help=t("Check machine, settings, models, journal and server.", "检查机器、设置、模型、日志与服务。"),
    epilog=EPILOG,
)
def doctor(
    config: Annotated[Path | None, typer.Option("--config", "-c", help=CONFIG)] = None,
    as_json: bool = JsonOption,
) -> None:
    from zhongshu.app.checkup.finding import ok
    from zhongshu.app.checkup.machine import check_machine
    from zhongshu.app.checkup.service import check_service
    from zhongshu.app.checkup.state import check_state
    from zhongshu.app.complaints import SettingsError
    from zhongshu.app.loading import find, load

    findings: list[Finding] = []
    try:
        settings = load(config)
    except SettingsError as error:
        findings += _complaints(error)
    else:
        file = find(config)
        findings.append(ok("settings", str(file or "built-in defaults"), str(file or "内置默认值")))
        for check in (check_machine, check_state, check_service):
            findings += _looked(check, settings)
    failed = any(finding.state == "fail" for finding in findings)
    if as_json:
        print_json({"ok": not failed, "findings": findings})
    else:
        show(findings, out)
        bad = sum(finding.state == "fail" for finding in findings)
        if bad:
            err.print(t(f"{bad} failed.", f"{bad} 项失败。"), style="red", highlight=False)
    raise typer.Exit(1 if failed else 0)


def _looked(check: Callable[[Settings], Iterable[Finding]], settings: Settings) -> Iterator[Finding]:
    """What a part finds, up to what this user may not look at."""
    from zhongshu.app.checkup.finding import fail

    try:
        yield from check(settings)
    except OSError as error:
        yield fail(
            "access",
            f"{error.filename} cannot be looked at: {error.strerror}",
            f"无法查看 {error.filename}：{reason_zh(error)}",
            "Run this as the user whose it is, give it to this user (chown), or set ZHONGSHU_HOME to one of yours.",
            "请以其所有者身份运行，或将其交给当前用户（chown），或将 ZHONGSHU_HOME 设为自己的目录。",
        )


def _complaints(error: ValueError) -> list[Finding]:
    from zhongshu.app.checkup.finding import fail
    from zhongshu.app.complaints import SettingsError

    assert isinstance(error, SettingsError)
    return [
        fail("settings", complaint.sentence(), complaint.sentence(chinese=True), "Mend the line.", "请修正该处。")
        for complaint in error.complaints
    ]


def show(findings: Sequence[Finding], console: Console) -> None:
    """Each finding on a line, and its remedy on the next."""
    width = max((len(finding.check) for finding in findings), default=0)
    for finding in findings:
        mark, style = _MARKS[finding.state]
        said = finding.zh if chinese() else finding.en
        console.print(
            f"{mark} {finding.check:<{width}}  {said}", style=style, markup=False, highlight=False, soft_wrap=True
        )
        mend = finding.mend_zh if chinese() else finding.mend_en
        if mend:
            console.print(f"  {'':<{width}}  → {mend}", markup=False, highlight=False, soft_wrap=True)
