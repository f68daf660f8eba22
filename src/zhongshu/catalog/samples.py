"""Samples of routing in the state database: turns that were answered in both ways, and how right each was.

No text is kept here: what was said stands in the journal, under the two trace ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.sqlite import insert

from zhongshu.catalog.tables import route_samples
from zhongshu.core.clock import Clock
from zhongshu.core.problems import Said, fault
from zhongshu.core.times import DAY_NS
from zhongshu.storage.database import Database

KEPT_NS = 400 * DAY_NS


class Sample(msgspec.Struct, frozen=True):
    """A turn, and the unseen one beside it. went: to the reasoning model, or with thought where one model does both.
    release: who answered; other: who was asked beside. gain: what deep thought was expected to add. *_nano: cost at home,
    of the answer, of what was asked beside, of the judging.

    state: "judged"; "open" (nobody could judge it); "failed" (one asked beside did not answer). general, reasoning: how
    right each was, 0 to 1. by: "agreement", "judge: MODEL" or "label: WHO". asked: "auto", or the assistant. done: how
    right the answer given was, where it is an assistant's own and neither model's; None: as right as the one it went to.
    general_nano, reasoning_nano: what each model's answer by itself cost; None where cost_nano and other_nano say it.
    """

    trace: str
    sample: str
    tenant: str
    at_ns: int
    went: bool
    release: str
    other: str
    task: str
    gain: float
    cost_nano: int
    other_nano: int
    judge_nano: int
    state: str
    general: float | None = None
    reasoning: float | None = None
    by: str = ""
    asked: str = "auto"
    done: float | None = None
    general_nano: int | None = None
    reasoning_nano: int | None = None


_RESERVED = "under way"


_OVER = route_samples.c.state != _RESERVED


def _row(sample: Sample) -> dict[str, Any]:
    row = msgspec.structs.asdict(sample)
    row["release_name"], row["other_name"] = row.pop("release"), row.pop("other")
    return row


def _cost_of(day_ns: int) -> Select[Any]:
    """What the samples of the turns of a day cost."""
    of_day = route_samples.c.at_ns >= day_ns, route_samples.c.at_ns < day_ns + DAY_NS
    return select(func.sum(route_samples.c.other_nano + route_samples.c.judge_nano)).where(*of_day)


class SampleBook:
    """The samples. Blocking; an async caller uses a thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def reserve(self, trace: str, at_ns: int, most_nano: int, ceiling_nano: int) -> bool:
        """Whether what a turn's sample may come to at most is still free in the day (UTC) of that turn; then it is set
        aside, for all workers, until the sample is kept. A worker that dies leaves it set aside."""
        day = at_ns // DAY_NS * DAY_NS
        mine = Sample(trace, "", "", at_ns, False, "", "", "", 0.0, 0, most_nano, 0, _RESERVED)
        with self._database.write() as db:
            spent = int(db.execute(_cost_of(day)).scalar_one() or 0)
            if spent + most_nano > ceiling_nano:
                return False
            return db.execute(insert(route_samples).values(_row(mine)).on_conflict_do_nothing()).rowcount > 0

    def keep(self, sample: Sample) -> None:
        """Keep a sample, in the place of what was reserved for it; a judgement that somebody has given meanwhile stays.
        The oldest, past 400 days, go."""
        row, reserved = _row(sample), route_samples.c.state == _RESERVED
        old = route_samples.c.at_ns < self._clock.now_ns() - KEPT_NS
        kept = insert(route_samples).values(row).on_conflict_do_update(["trace"], set_=row, where=reserved)
        with self._database.write() as db:
            db.execute(kept)
            db.execute(route_samples.delete().where(old))

    def find(
        self,
        since_ns: int = 0,
        until_ns: int | None = None,
        tenant: str | None = None,
        limit: int | None = None,
        state: str | None = None,
        asked: str | None = None,
    ) -> Sequence[Sample]:
        """The samples of turns asked in a time, newest first. asked: of "auto" or of one assistant."""
        found = select(route_samples).where(route_samples.c.at_ns >= since_ns, _OVER)
        if asked is not None:
            found = found.where(route_samples.c.asked == asked)
        if until_ns is not None:
            found = found.where(route_samples.c.at_ns < until_ns)
        if tenant is not None:
            found = found.where(route_samples.c.tenant == tenant)
        if state is not None:
            found = found.where(route_samples.c.state == state)
        found = found.order_by(route_samples.c.at_ns.desc(), route_samples.c.trace)
        with self._database.read() as db:
            return tuple(Sample(*row) for row in db.execute(found if limit is None else found.limit(limit)))

    def of(self, trace: str) -> Sample | None:
        """The sample of a turn, by its own trace or by that of the unseen one; None when none was taken."""
        mine = (route_samples.c.trace == trace) | (route_samples.c.sample == trace)
        with self._database.read() as db:
            found = db.execute(select(route_samples).where(mine, _OVER)).first()
        return None if found is None else Sample(*found)

    def judge(self, trace: str, general: float, reasoning: float, who: str) -> Sample:
        """Somebody says how right both were, in place of what was said before. trace: of either turn."""
        for field, value in (("general", general), ("reasoning", reasoning)):
            if not 0 <= value <= 1:
                why = Said("give a number from 0 (wrong) to 1 (right)", "请填写 0（错）到 1（对）之间的数")
                raise fault("invalid_value", param=field, field=field, why=why)
        mine = (route_samples.c.trace == trace) | (route_samples.c.sample == trace)
        said = {"state": "judged", "general": general, "reasoning": reasoning, "by": f"label: {who}"}
        with self._database.write() as db:
            found = db.execute(
                update(route_samples).where(mine, _OVER).values(said).returning(*route_samples.c)
            ).first()
        if found is None:
            raise fault("sample_not_found", trace=trace)
        return Sample(*found)
