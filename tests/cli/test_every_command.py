"""What docs/cli.md says of every command: it has examples, and JSON for scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
import typer
from typer.exceptions import TyperException

from zhongshu.cli.main import build
from zhongshu.cli.usage import in_chinese

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


def mistyped(command: click.Command) -> Iterator[list[str]]:
    """Every way of typing a command wrongly that its parameters allow; some of these lines are right, too."""
    yield from ([], ["--no-such-option"], ["x"] * 8, ["nonsense"], ["-1"], ["/nowhere/file"])
    for parameter in command.params:
        option = parameter.opts[0]
        if parameter.param_type_name != "option":
            continue
        if getattr(parameter, "is_flag", False):
            yield [f"{option}=5"]
        else:
            yield [option]
            yield from ([f"{option}={value}"] for value in ("nonsense", "-99999999", "99999999999", "/nowhere/file"))


def refused(command: click.Command, line: list[str]) -> str | None:
    """The parser's sentence; None for a line that it takes. Nothing is run."""
    try:
        command.make_context("it", list(line))
    except TyperException as error:
        return error.format_message()
    except typer.Exit:
        pass
    return None


@pytest.mark.parametrize("name", COMMANDS)
def test_what_was_typed_wrongly_is_told_in_chinese_too(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = {tuple(line): said for line in mistyped(COMMANDS[name]) if (said := refused(COMMANDS[name], line))}
    assert told, "an option that is not there is refused"
    for line, said in told.items():
        shown = in_chinese(said)
        bare = re.sub(r"'[^']*'|--?[a-z-]+|/\S*", "", shown)  # names and values stay as they were typed
        assert re.search(r"[\u4e00-\u9fff]", shown), (line, said)
        assert not re.search(r"[A-Za-z]{2,} [A-Za-z]{2,}", bare), (line, shown)
