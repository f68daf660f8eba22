"""Hands new settings to all workers or to none, and keeps the books of who runs which.

New settings are offered to every worker. Once all have taken them they are in force: whoever starts later gets them. One
that refuses (an environment variable it lacks, say) has the others go back to those in force, so that no two turns are
answered by different settings for longer than that takes. Knows workers by name and how to tell them; no process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence

import msgspec

from zhongshu.app.changes import Change, diff
from zhongshu.app.complaints import Complaint
from zhongshu.app.settings import Settings
from zhongshu.app.standing import Standing, Stands, Verdict

log = logging.getLogger("zhongshu.supervisor")

WITHIN_S = 20.0
"""A worker that has said nothing by then is waited for no longer: it will have read its line, or be started again."""

Tell = Callable[[str, int, Settings], bool]
"""Tell a worker settings of a generation; whether there is somebody to tell."""


class Generations:
    """The settings of one installation over time.

    taken: called with settings that have come into force. changed: called with how all stand, whenever that has changed.
    """

    def __init__(
        self,
        settings: Settings,
        workers: Sequence[str],
        tell: Tell,
        taken: Callable[[Settings], None],
        changed: Callable[[Standing], None],
    ) -> None:
        self.settings = settings
        self.number = 1
        self._started = settings
        self._workers = {name: Stands(name) for name in workers}
        self._tell = tell
        self._taken = taken
        self._changed = changed
        self._asked = self._answered = 1
        self._refused: tuple[Complaint, ...] = ()
        self._waits: tuple[Change, ...] = ()
        self._offered: Settings | None = None
        self._pending: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def standing(self) -> Standing:
        """How all stand now."""
        return Standing(
            generation=self.number,
            digest=self.settings.digest,
            asked=self._asked,
            answered=self._answered,
            refused=self._refused,
            waits=tuple(change.key for change in self._waits),
            workers=tuple(self._workers.values()),
        )

    def begin(self) -> None:
        """Settings are about to be read anew."""
        self._asked += 1
        self._withdraw()
        self._say()

    def refuse(self, complaints: tuple[Complaint, ...]) -> None:
        """What was read cannot be used, and nobody was told of it."""
        self._bring(self._workers.values())
        self._over(complaints)

    def offer(self, settings: Settings) -> None:
        """Have every worker take these."""
        self._offered = settings
        self._workers = {name: Stands(name, worker.generation) for name, worker in self._workers.items()}
        self._pending = {name for name in self._workers if self._tell(name, self._asked, settings)}
        self._timer = asyncio.get_running_loop().call_later(WITHIN_S, self._settle)
        if not self._pending:
            self._settle()

    def heard(self, name: str, verdict: Verdict) -> None:
        """What a worker says."""
        self._workers[name] = Stands(name, verdict.runs, _signed(name, verdict.refused))
        if self._offered is not None and verdict.told == self._asked:
            self._pending.discard(name)
            if not self._pending:
                return self._settle()
        elif self._offered is None and verdict.told != self.number:  # it was told before these came into force
            self._tell(name, self.number, self.settings)
        self._say()

    def died(self, name: str) -> None:
        """A worker is gone; its successor will be told the settings in force."""
        self._workers[name] = Stands(name)
        self._pending.discard(name)
        if self._offered is not None and not self._pending:
            return self._settle()
        self._say()

    def _settle(self) -> None:
        """Everybody has said, or need not be waited for."""
        offered, asked = self._offered, self._asked
        self._withdraw()
        if offered is None:
            return
        refused = [worker for worker in self._workers.values() if worker.refused and worker.generation != asked]
        if not refused:
            self.settings, self.number = offered, asked
            self._waits = diff(self._started, offered).restart
            self._taken(offered)
        self._bring(worker for worker in self._workers.values() if worker not in refused)
        self._over(self.standing.complaints if refused else ())

    def _bring(self, workers: Iterable[Stands]) -> None:
        """Those that run others go over to the settings in force."""
        for worker in workers:
            if worker.generation != self.number:
                self._tell(worker.name, self.number, self.settings)

    def _over(self, refused: tuple[Complaint, ...]) -> None:
        self._answered, self._refused = self._asked, refused
        if refused:
            said = "\n".join(complaint.sentence() for complaint in refused)
            log.error("reload refused, nothing changed: %s", said)
        else:
            log.info("settings reloaded: generation %d, %s", self.number, self.settings.digest)
        for change in () if refused else self._waits:
            log.warning("%s waits for a restart: %s -> %s", change.key, change.before, change.after)
        self._say()

    def _withdraw(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._offered = None
        self._pending = set()

    def _say(self) -> None:
        self._changed(self.standing)


def _signed(name: str, complaints: tuple[Complaint, ...]) -> tuple[Complaint, ...]:
    """Complaints with whose they are."""
    return tuple(msgspec.structs.replace(one, where=name, where_zh=name) for one in complaints)
