"""What a benchmark reports: rows, the table they print as, and the file they are kept in. Knows nothing of servers."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

RESULTS = Path(__file__).parent / "results"


class Target(msgspec.Struct, frozen=True):
    """A bound on a row's value or on its ratio to the reference."""

    sense: Literal[">=", "<="]
    bound: float
    of: Literal["value", "ratio"] = "value"

    def met(self, measured: float | None) -> bool | None:
        """Whether `measured` keeps the bound; None when nothing was measured."""
        if measured is None:
            return None
        return measured >= self.bound if self.sense == ">=" else measured <= self.bound

    def text(self) -> str:
        return f"{'ratio ' if self.of == 'ratio' else ''}{self.sense} {figure(self.bound)}"


class Reference(msgspec.Struct, frozen=True):
    """What a row is compared with, measured in the same run."""

    name: str
    value: float | None


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measured thing. `value` is None when it could not be measured; `note` then says why."""

    name: str
    value: float | None
    unit: str
    reference: Reference | None = None
    target: Target | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Value over reference."""
        if self.value is None or self.reference is None or not self.reference.value:
            return None
        return self.value / self.reference.value

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target or without a measurement."""
        if self.target is None:
            return None
        return self.target.met(self.ratio if self.target.of == "ratio" else self.value)


def at_least(bound: float) -> Target:
    return Target(">=", bound)


def at_most(bound: float) -> Target:
    return Target("<=", bound)


def ratio_at_least(bound: float) -> Target:
    return Target(">=", bound, "ratio")


def ratio_at_most(bound: float) -> Target:
    return Target("<=", bound, "ratio")


def figure(value: float | None) -> str:
    """A number for people: thousands separated, three or four digits that count."""
    if value is None:
        return "-"
    size = abs(value)
    if size >= 1000 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 100 else f"{value:.2f}" if size >= 1 else f"{value:.3f}"


WIDEST_NOTE = 90
HEADINGS = ("what", "value", "unit", "reference", "ratio", "target", "met", "note")


def table(rows: Sequence[Row]) -> str:
    """The rows as lines of text with aligned columns."""
    lines = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    numbers = {1, 4}

    def laid_out(line: tuple[str, ...]) -> str:
        cells = (text.rjust(widths[at]) if at in numbers else text.ljust(widths[at]) for at, text in enumerate(line))
        return "  ".join(cells).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([laid_out(lines[0]), rule, *(laid_out(line) for line in lines[1:])])


def _cells(row: Row) -> tuple[str, ...]:
    reference = f"{row.reference.name} {figure(row.reference.value)}" if row.reference else ""
    met = {True: "yes", False: "NO", None: "" if row.target is None else "not measured"}[row.met]
    return (
        row.name,
        figure(row.value),
        row.unit,
        reference,
        f"{row.ratio:.2f}" if row.ratio is not None else "",
        row.target.text() if row.target else "",
        met,
        row.note if len(row.note) <= WIDEST_NOTE else row.note[: WIDEST_NOTE - 3] + "...",
    )


def plain(rows: Sequence[Row], machine: str, at: datetime.datetime) -> list[dict[str, object]]:
    """The rows as they are kept: plain values, each with the machine and the time (UTC)."""
    return [
        {
            "name": row.name,
            "value": row.value,
            "unit": row.unit,
            "reference": row.reference.name if row.reference else None,
            "reference_value": row.reference.value if row.reference else None,
            "ratio": row.ratio,
            "target": row.target.text() if row.target else None,
            "met": row.met,
            "note": row.note,
            "machine": machine,
            "date": at.isoformat(timespec="seconds"),
        }
        for row in rows
    ]


def write(name: str, rows: Sequence[Row], machine: str, folder: Path = RESULTS) -> Path:
    """Keep the rows in `folder`/NAME.json and return the path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    now = datetime.datetime.now(datetime.UTC)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(plain(rows, machine, now)), indent=2) + b"\n")
    return path
