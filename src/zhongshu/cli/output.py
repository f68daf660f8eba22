"""How commands speak: tables for people, JSON for scripts, and errors that name the remedy."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

from zhongshu.cli.words import chinese, t
from zhongshu.core.problems import Problem

out = Console()
err = Console(stderr=True)

JsonOption = typer.Option(False, "--json", help=t("Print JSON instead of text.", "输出 JSON 而非文本。"))


def print_json(value: Any) -> None:
    """One JSON document on standard output, unformatted by the terminal."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def print_table(columns: Sequence[str | Column], rows: Sequence[Sequence[object]], *, title: str | None = None) -> None:
    """A table; empty rows print a line that says so."""
    if not rows:
        out.print(t("Nothing to show.", "没有内容。"))
        return
    whole = [Column(column, overflow="fold") if isinstance(column, str) else column for column in columns]
    table = Table(*whole, title=title, header_style="bold", show_edge=False)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    out.print(table)


def print_done(value: Any, sentence: str, as_json: bool) -> None:
    """What came of a command that changes something: the thing as JSON, or a sentence."""
    if as_json:
        print_json(value)
    else:
        out.print(sentence, markup=False, highlight=False)


def fail(en: str, zh: str, *, code: int = 1) -> NoReturn:
    """Say what is wrong and how to mend it, on standard error, and leave."""
    err.print(t(en, zh), style="red", highlight=False, markup=False)
    raise typer.Exit(code)


def fail_with(problem: Problem, *, code: int = 1) -> NoReturn:
    """Leave with a problem's sentence in the user's language."""
    err.print(problem.message_zh if chinese() else problem.message, style="red", highlight=False, markup=False)
    raise typer.Exit(code)
