"""What docs/cli.md says of every command: it has examples, and JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
import typer

from zhongshu.cli.main import build

# These print JSON lines, or a file as it is, whatever is asked for.
PRINT_DATA = {"route score", "route check", "files content", "batches output"}


def commands(group: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    children: dict[str, click.Command] = getattr(group, "commands", {})
    if not children:
        yield path, group
    for name, child in children.items():
        yield from commands(child, f"{path} {name}".strip())


COMMANDS = dict(commands(typer.main.get_command(build())))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_shows_how_it_is_used(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert f"zhongshu {name}" in (command.epilog or "")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_speaks_json(name: str) -> None:
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert ("--json" in options) is (name not in PRINT_DATA)
