"""Samples of routing in the state database: turns that both kinds of model answered, and how right each was.

No text is kept here: what was said stands in the journal, under the two trace ids.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import func, select, update
from sqlalchemy.dialects.sqlite import insert

from zhongshu.catalog.tables import route_samples
from zhongshu.core.clock import Clock
from zhongshu.core.problems import Said, fault
from zhongshu.storage.database import Database

DAY_NS = 86_400 * 10**9
KEPT_NS = 400 * DAY_NS


class Sample(msgspec.Struct, frozen=True):
    """A turn, and the unseen one beside it. went: to the reasoning model. release: who answered; other: who was asked
    beside. gain: what deep thought was expected to add. *_nano: cost at home, of the answer, the other one, the judging.

    state: "judged"; "open" (nobody could judge it); "failed" (the other one did not answer). general, reasoning: how
    right each was, 0 to 1. by: "agreement", "judge: MODEL" or "label: WHO".
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


class SampleBook:
    """The samples. Blocking; an async caller uses a thread."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def keep(self, sample: Sample) -> None:
        """Keep a sample; a judgement that somebody has given meanwhile stays. The oldest, past 400 days, go."""
        row = msgspec.structs.asdict(sample)
        row["release_name"], row["other_name"] = row.pop("release"), row.pop("other")
        old = route_samples.c.at_ns < self._clock.now_ns() - KEPT_NS
        with self._database.write() as db:
            db.execute(insert(route_samples).values(row).on_conflict_do_nothing())
            db.execute(route_samples.delete().where(old))

    def spent_today_nano(self) -> int:
        """What samples and their judging have cost since midnight, UTC."""
        today = self._clock.now_ns() // DAY_NS * DAY_NS
        cost = func.sum(route_samples.c.other_nano + route_samples.c.judge_nano)
        with self._database.read() as db:
            return int(db.execute(select(cost).where(route_samples.c.at_ns >= today)).scalar_one() or 0)

    def find(
        self,
        since_ns: int = 0,
        until_ns: int | None = None,
        tenant: str | None = None,
        limit: int | None = None,
        state: str | None = None,
    ) -> Sequence[Sample]:
        """The samples of turns asked in a time, newest first."""
        found = select(route_samples).where(route_samples.c.at_ns >= since_ns)
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
            found = db.execute(select(route_samples).where(mine)).first()
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
            found = db.execute(update(route_samples).where(mine).values(said).returning(*route_samples.c)).first()
        if found is None:
            raise fault("sample_not_found", trace=trace)
        return Sample(*found)
