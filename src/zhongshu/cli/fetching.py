"""Progress bars for models on their way, one a model; in a pipe or a log, a line when one begins and one for each note."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from zhongshu.app.settings import Settings
from zhongshu.cli.output import err
from zhongshu.cli.words import t
from zhongshu.engine.models import pull, rows, sources, store
from zhongshu.engine.models.rows import LocalModel
from zhongshu.engine.models.settings import ModelSourceSettings


class Lines:
    """Says what a log should hold: that a model is being fetched, and what went wrong on the way."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._said = False

    def start(self, total: int, done: int = 0) -> None:
        if not self._said:
            self._said = True
            self.note(
                f"Fetching {self._name}: {total / 1e6:.1f} MB, {done / 1e6:.1f} MB of it here.",
                f"正在获取 {self._name}：共 {total / 1e6:.1f} MB，已有 {done / 1e6:.1f} MB。",
            )

    def advance(self, n: int) -> None: ...

    def note(self, en: str, zh: str) -> None:
        err.print(t(en, zh), markup=False, highlight=False, soft_wrap=True)

    def done(self) -> None: ...


class Bar:
    """Shows one model's progress; told by the fetching thread."""

    def __init__(self, bars: Progress, name: str) -> None:
        self._bars = bars
        self._task = bars.add_task(name, total=None)

    def start(self, total: int, done: int = 0) -> None:
        self._bars.update(self._task, total=total, completed=done)

    def advance(self, n: int) -> None:
        self._bars.advance(self._task, n)

    def note(self, en: str, zh: str) -> None:
        self._bars.console.print(t(en, zh), style="dim", markup=False, highlight=False)

    def done(self) -> None:
        task = self._bars.tasks[self._task]
        self._bars.update(self._task, completed=task.total or 0)


def missing(settings: Settings) -> tuple[LocalModel, ...]:
    """The shipped local models that the settings name and whose verified files are not here."""
    named = {row.upstream_model or row.name for row in settings.models if row.upstream == "embedded"}
    cache = settings.model_sources.folder()
    return tuple(row for row in rows.SHIPPED if row.name in named and store.find(row, cache) is None)


def fetch(models: Iterable[LocalModel], settings: ModelSourceSettings) -> tuple[Path, ...]:
    """Bring each model here, with a bar. Raises Fault when one cannot be had."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    found = sources.build(settings)
    if not err.is_terminal:
        return tuple(pull.pull(row, found, settings.folder(), Lines(row.name)) for row in models)
    with Progress(*columns, console=err) as bars:
        return tuple(pull.pull(row, found, settings.folder(), Bar(bars, row.name)) for row in models)
