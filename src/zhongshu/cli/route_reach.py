"""How `zhongshu route explain`, `report`, `tune` and `samples` reach what they look back at: the ledger, scores, samples,
labels, and the router as the settings have it now."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from zhongshu.cli.ledger_views import moment_ns
from zhongshu.cli.managing import settings
from zhongshu.cli.output import fail

if TYPE_CHECKING:
    from zhongshu.app.settings import Settings
    from zhongshu.pipeline.routings import Period, Routings, Weighing
    from zhongshu.router.proving.report import Label

_NUMBERS = ("weak_correct", "strong_correct", "weak_cost", "strong_cost")


def weighing(found: Settings) -> Weighing:
    """The router as these settings have it, and the offers that `auto` stands for when it writes text."""
    from zhongshu.app.build import offers
    from zhongshu.app.pricing import exchange_between
    from zhongshu.catalog.catalog import ModelCatalog
    from zhongshu.core.models import AUTO
    from zhongshu.pipeline.routings import Weighing
    from zhongshu.router.decision import Decider

    catalog, between = ModelCatalog(offers(found)), exchange_between(found)
    able = tuple([offer for offer in catalog.find(AUTO) if "chat" in offer.card.abilities])
    return Weighing(Decider(found.router, cards=catalog.cards(), exchange=between), able, between, found.assistants)


@contextmanager
def routings(config: Path | None, *, ledger_needed: bool = True) -> Generator[Routings]:
    """The routing of this installation, whether or not its server runs. Leaves with what is wrong with the ledger."""
    from zhongshu.cli.ledger_reach import home_of
    from zhongshu.cli.releases_reach import desk
    from zhongshu.core.clock import SystemClock
    from zhongshu.ledger.index import open_index
    from zhongshu.pipeline.routings import Routings

    found = settings(config)
    if ledger_needed:
        home_of(found)
    with desk(config) as (_, releases):
        try:
            index = open_index(found.ledger, found.home)
            yield Routings(weighing(found), index, releases, releases.samples, SystemClock())
        except LookupError as error:
            fail(
                f"{error}. `zhongshu ledger verify` says what happened to the journal.",
                f"{error}。请用 `zhongshu ledger verify` 检查日志。",
            )


def period(since: str | None, until: str | None, tenant: str | None, assistant: str | None = None) -> Period:
    """The period that the options amount to, of `auto` or of an assistant."""
    from zhongshu.pipeline.routings import Period

    return Period(moment_ns("--since", since), moment_ns("--until", until), tenant, assistant or "auto")


def labels_of(file: Path) -> list[Label]:
    """The rows of a file of labels, JSON lines or CSV with a head; leaves with the first that cannot be used."""
    from zhongshu.cli.bad_lines import refuse_row
    from zhongshu.router.proving.report import Label

    found: list[Label] = []
    for number, row in _rows(file):
        try:
            label = msgspec.convert(row, Label)
        except msgspec.ValidationError as error:
            refuse_row(Label, file.name, number, str(error))
        if not (label.trace or label.prompt) or not all(
            0 <= x <= 1 for x in (label.weak_correct, label.strong_correct)
        ):
            fail(
                f"{file.name}, line {number}: give `trace` or `prompt`, and how right each is from 0 to 1.",
                f"{file.name} 第 {number} 行：须有 `trace` 或 `prompt`，且对错为 0 到 1。",
                code=2,
            )
        if not all(0 <= cost < math.inf for cost in (label.weak_cost, label.strong_cost)):
            fail(
                f"{file.name}, line {number}: a cost is a number, 0 or more.",
                f"{file.name} 第 {number} 行：费用须为不小于 0 的数。",
                code=2,
            )
        found.append(label)
    return found


def _rows(file: Path) -> Iterable[tuple[int, Any]]:
    """Each row of the file with the number of its line."""
    from zhongshu.cli.bad_lines import refuse_depth, refuse_file, refuse_json

    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        refuse_file("--labels ", file, error)
    except UnicodeDecodeError:
        fail(
            f"--labels {file}: it is not UTF-8; save it so.",
            f"--labels {file}：不是 UTF-8 编码，请另存为 UTF-8。",
            code=2,
        )
    if file.suffix.lower() == ".csv":
        # As long as a prompt may be. The limit is the whole process's: it is raised, never lowered for other readers.
        csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        try:
            for row in reader:
                yield reader.line_num, _typed(file, reader.line_num, row)
        except csv.Error:
            fail(
                f"{file.name}, line {reader.line_num}: a quotation mark is not closed, or stands in the wrong place.",
                f"{file.name} 第 {reader.line_num} 行：引号未闭合或位置有误。",
                code=2,
            )
        return
    for number, line in enumerate(text.split("\n"), 1):  # a text may hold other ends of lines
        if line.strip():
            try:
                yield number, json.loads(line)
            except RecursionError:
                refuse_depth(file.name, number)
            except ValueError:
                refuse_json(file.name, number)


def _typed(file: Path, number: int, row: dict[str | None, Any]) -> dict[str, Any]:
    """A row of a CSV file, its numbers as numbers."""
    typed: dict[str, Any] = {}
    for name, text in row.items():
        if name is None or text is None or text == "":
            continue
        typed[name] = text
        if name in _NUMBERS:
            try:
                typed[name] = float(text)
            except ValueError:
                fail(
                    f"{file.name}, line {number}: `{name}` is no number.",
                    f"{file.name} 第 {number} 行：`{name}` 不是数字。",
                    code=2,
                )
    return typed
