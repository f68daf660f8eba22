"""What every benchmark's command line shares: its options, progress lines, the table at the end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import msgspec

from benchmarks import machine, rows
from benchmarks.rows import Row


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options every benchmark takes."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--json", action="store_true", help="print the rows as JSON instead of a table")
    return made


def parsed(made: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options; the machine is looked at now, before the load begins."""
    given = made.parse_args(arguments)
    machine.describe()
    return given


def say(line: str) -> None:
    """A line of progress; it goes to standard error, so that the table or the JSON stands alone."""
    print(line, file=sys.stderr, flush=True)


def finish(name: str, found: Sequence[Row], given: argparse.Namespace, *, keep: bool = True) -> int:
    """Print the rows, keep them if this was the whole benchmark; the exit status is 1 if a target was missed."""
    about = machine.describe()
    if keep:
        say(f"written to {rows.write(name, found, about)}")
    if given.json:
        plain = [
            {"name": row.name, "value": row.value, "unit": row.unit, "met": row.met, "note": row.note} for row in found
        ]
        print(msgspec.json.encode(plain).decode())
    else:
        print(f"{about}; {_where()}\n")
        print(rows.table(found))
    return 1 if any(row.met is False for row in found) else 0


def _where() -> str:
    cores = machine.cores()
    if not cores.apart:
        return "one core only: load and server share it, so nothing here can be compared"
    return f"mock upstream and load on core {cores.load}, server under test on core {cores.server}"
