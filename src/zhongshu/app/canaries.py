"""Judges the canaries that are under way: reads what became of their turns, and moves them on or back.

Runs beside the supervisor, in one process only (a lock in the home says which). Nothing it knows is kept but the plan
itself: after a kill it reads the present step's turns from the ledger again and goes on. While no canary is under way
it costs a look at a number a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path

import msgspec

from zhongshu.access.build import STATE
from zhongshu.app.settings import Settings
from zhongshu.catalog.changing import ReleaseDesk
from zhongshu.catalog.intervals import Spread
from zhongshu.catalog.judging import Judgement, judge, look_number
from zhongshu.catalog.plans import Canary, Change
from zhongshu.catalog.tallies import Tally
from zhongshu.core.clock import Clock, SystemClock
from zhongshu.core.problems import Fault
from zhongshu.ledger.index import Index
from zhongshu.ledger.journal import SlotTaken, open_journal
from zhongshu.ledger.payloads import Happening
from zhongshu.ledger.rows import TurnRow
from zhongshu.ledger.settings import LedgerSettings
from zhongshu.pipeline.outcomes import rows_of, seen
from zhongshu.storage.database import Database, open_database

log = logging.getLogger("zhongshu.canaries")

EVERY_S = 1.0
SLOT = "releases"


class _Watched:
    """One canary's present step."""

    def __init__(self, model: str, canary: Canary) -> None:
        self.model = model
        self.canary = canary
        self.name = f"{model}@{canary.release}"
        self.mine, self.others = Tally(), Tally()
        self.looked = 0
        self.last: Judgement | None = None
        self._read: dict[str, tuple[int, int]] = {}

    @property
    def releases(self) -> tuple[str, ...]:
        """The canary and those it is compared with."""
        return tuple([f"{self.model}@{version}" for version in self.canary.compared()])

    def take(self, row: TurnRow) -> None:
        """Count a turn of this step, once."""
        place = (row.segment, row.frame)
        if row.at_ns < self.canary.step_ns or place <= self._read.get(row.stream, (-1, -1)):
            return
        found = seen(row)
        if found is None or found.rule != "canary" or found.assigned not in self.releases:
            return
        (self.mine if found.assigned == self.name else self.others).add(found)

    def catch_up(self, index: Index) -> None:
        """Count what the ledger has of this step already."""
        read: dict[str, tuple[int, int]] = {}
        for row in rows_of(index, self.releases, self.canary.step_ns, rules=("canary",)):
            self.take(row)
            read[row.stream] = max(read.get(row.stream, (-1, -1)), (row.segment, row.frame))
        self._read = read

    def score(self, desk: ReleaseDesk) -> None:
        """Scores may come late and may change, so they are read anew."""
        if self.canary.checks.score is None:
            return
        self.mine.score, self.others.score = Spread(), Spread()
        for score in desk.scores(self.model, self.canary.step_ns).values():
            if score.release in self.releases:
                tally = self.mine if score.release == self.name else self.others
                tally.score.add(score.group, score.score)


class CanaryJudge:
    """Looks, decides, and changes plans by the desk. Blocking; `look` may come from any one thread at a time."""

    def __init__(self, home: Path, desk: ReleaseDesk, database: Database, clock: Clock) -> None:
        self._home = home
        self._desk = desk
        self._clock = clock
        self._changed = database.watch()
        self._canaries: dict[str, Canary] = {}
        self._watched: dict[str, _Watched] = {}
        self._index = Index(home)
        self._news: Iterator[TurnRow | None] | None = None
        self._lock: int | None = None

    def look(self) -> list[Change]:
        """Take in new turns, judge what is due, and give what was changed."""
        if self._lock is None and not self._take_lock():
            return []
        if self._changed.changed():
            self._canaries = self._under_way()
        if not self._canaries:
            self._watched, self._news = {}, None
            return []
        try:
            self._follow()
        except Exception:
            self._watched, self._news = {}, None  # read the step again: a reader that broke would stay silent
            raise
        made = [change for watched in self._watched.values() if (change := self._decide(watched))]
        return made

    def close(self) -> None:
        """Let another process judge."""
        self._changed.close()
        if self._lock is not None:
            os.close(self._lock)

    def _under_way(self) -> dict[str, Canary]:
        return {model: made.plan.canary for model, made in self._desk.plans().items() if made.plan.canary}

    def _follow(self) -> None:
        if self._news is None:
            self._news = self._index.follow()
        for row in self._news:
            if row is None:
                break
            for watched in self._watched.values():
                watched.take(row)
        for model in [*self._watched]:
            if self._watched[model].canary != self._canaries.get(model):
                del self._watched[model]
        for model, canary in self._canaries.items():
            if model not in self._watched:
                self._watched[model] = _Watched(model, canary)
                self._watched[model].catch_up(self._index)

    def _decide(self, watched: _Watched) -> Change | None:
        canary, number = watched.canary, look_number(watched.mine.turns)
        if number > watched.looked:
            watched.looked = number
            watched.score(self._desk)
            watched.last = judge(canary, watched.mine, watched.others)
        last = watched.last
        if last is None or last.action == "wait":
            return None
        if last.action == "back":
            return self._desk.give_up(watched.model, "canary", canary, last.en, last.zh)
        if self._clock.now_ns() - canary.step_ns < canary.step_s * 1e9:
            return None
        return self._desk.step(watched.model, "canary", canary, last.en, last.zh)

    def _take_lock(self) -> bool:
        folder = self._home / "run"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(folder / "canaries.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            return False
        self._lock = fd
        return True


@contextlib.asynccontextmanager
async def judging(settings: Callable[[], Settings]) -> AsyncGenerator[None]:
    """Judge canaries in the background while the block runs."""
    clock, home = SystemClock(), settings().home
    database = await asyncio.to_thread(open_database, home / STATE)
    judge = CanaryJudge(home, ReleaseDesk(database, clock, tuple), database, clock)
    task = asyncio.create_task(_keep_judging(judge, settings, clock), name="canaries")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        judge.close()
        database.close()


async def _keep_judging(judge: CanaryJudge, settings: Callable[[], Settings], clock: Clock) -> None:
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            for change in await asyncio.to_thread(judge.look):
                log.info("canary of %s: %s: %s", change.model, change.what, change.why)
                await note_change(change, settings().ledger, settings().home, clock)
        except Exception as error:  # noqa: BLE001 - a border: this task must outlive a full or broken disk
            log.error("canaries could not be judged, will try again: %s", type(error).__name__)


async def note_change(change: Change, ledger: LedgerSettings, home: Path, clock: Clock, slot: str = SLOT) -> bool:
    """Write a change into the journal, by a process that has none open. False when it cannot be: the change stands
    in its own history all the same."""
    try:
        journal = await asyncio.to_thread(open_journal, ledger, home, slot, clock)
    except (SlotTaken, OSError):
        return False
    try:
        await journal.note(Happening("release_changed", change.at_ns, facts_of(change)))
    except Fault:
        return False
    finally:
        await journal.aclose()
    return True


def facts_of(change: Change) -> dict[str, str]:
    """A change as the journal's facts."""
    before, after = (msgspec.json.encode(plan).decode() for plan in (change.before, change.after))
    return {
        "number": str(change.number),
        "model": change.model,
        "by": change.by,
        "what": change.what,
        "before": before,
        "after": after,
        "why": change.why,
    }
