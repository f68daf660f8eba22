"""The `zhongshu` command. A command is a row here and a file beside this one."""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import suppress
from pathlib import Path

import typer
from typer.exceptions import TyperException

from zhongshu import __version__
from zhongshu.app.leaving import leave
from zhongshu.cli.border import explain
from zhongshu.cli.output import err
from zhongshu.cli.words import chinese, t

# Each module holds a typer app called `app`; one with a single command of its own name is mounted as that command.
_COMMANDS = (
    "up",
    "ask",
    "chat",
    "models",
    "keys",
    "tenants",
    "budgets",
    "statement",
    "prices",
    "releases",
    "route",
    "ledger",
    "cache",
    "files",
    "batches",
    "sessions",
    "upstreams",
    "config",
    "doctor",
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"zhongshu {__version__}")
        raise typer.Exit


def build(only: str | None = None) -> typer.Typer:
    """The command tree; with `only`, just that command's branch, so that its start does not pay for the others."""
    root = typer.Typer(
        name="zhongshu",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        help=t("Many models, one system.", "中枢：众多模型，一个系统。"),
    )

    @root.callback()
    def _root(  # pyright: ignore[reportUnusedFunction]
        version: bool = typer.Option(
            False, "--version", callback=_version, is_eager=True, help=t("Print the version.", "显示版本。")
        ),
    ) -> None: ...

    for name in (only,) if only in _COMMANDS else _COMMANDS:
        command = importlib.import_module(f"zhongshu.cli.{name}").app
        registered = command.registered_commands
        if len(registered) == 1 and registered[0].name == name:
            row = registered[0]
            root.command(name=name, help=row.help, epilog=row.epilog)(row.callback)
        else:
            root.add_typer(command, name=name)
    return root


def _run_in_chinese(root: typer.Typer) -> int:
    """Run the command; what was typed wrongly is told in Chinese. The exit code."""
    try:
        left = root(standalone_mode=False)  # a command's own exit comes back as its code
    except typer.Abort:
        err.print("已中止。", style="red")
        return 1
    except TyperException as error:
        from zhongshu.cli.usage import explain_usage

        return explain_usage(error)
    return left if isinstance(left, int) else 0


def _open_what_is_closed() -> None:
    """Let nobody meet a stream that the shell has closed (`>&-`): what goes there is for nobody."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - for as long as the process lives


def run() -> int:
    """Run the command that was typed. The exit code."""
    _open_what_is_closed()
    root = build(sys.argv[1] if len(sys.argv) > 1 else None)
    try:
        try:
            left = _run_in_chinese(root) if chinese() else root()
        except SystemExit as leaving:
            left = leaving.code
        with suppress(BrokenPipeError):  # a reader who has seen enough is no error
            sys.stdout.flush()
    except Exception as error:  # noqa: BLE001 - the last border: a person gets a sentence, never a trace
        left = explain(error)
    return left if isinstance(left, int) else int(left is not None)


def main() -> None:
    """Entry point of the `zhongshu` script."""
    leave(run())
