"""Progress bars for models on their way, one a model."""

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
    with Progress(*columns, console=err) as bars:
        return tuple(pull.pull(row, found, settings.folder(), Bar(bars, row.name)) for row in models)
