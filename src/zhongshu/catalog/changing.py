"""Changing traffic plans: what an administrator, the command line or a canary's judge may do to a model's releases.

Every change is one transaction: the plan, its buckets, the line of history and the number by which workers notice.
Blocking; an async caller uses a thread. Raises Faults that name the field and the remedy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

import msgspec
from sqlalchemy import Connection

from zhongshu.catalog import store
from zhongshu.catalog.buckets import assign
from zhongshu.catalog.checks import check_canary, check_percent, check_rules, check_shares
from zhongshu.catalog.plans import (
    Canary,
    Change,
    Checks,
    Plan,
    Rule,
    Shadow,
    Sticky,
    What,
    first_plan,
    mixed,
    releases_of,
)
from zhongshu.catalog.releases import Planned
from zhongshu.catalog.samples import SampleBook
from zhongshu.core.clock import Clock
from zhongshu.core.models import Offer
from zhongshu.core.problems import Said, fault
from zhongshu.storage.database import Database

NO_CHECKS = Checks()


class ReleaseDesk:
    """Plans of every model. offers: what can be asked for now. samples: turns that two models answered."""

    def __init__(self, database: Database, clock: Clock, offers: Callable[[], Iterable[Offer]]) -> None:
        self._database = database
        self._clock = clock
        self._offers = offers
        self.samples = SampleBook(database, clock)

    # --- looking

    def models(self) -> dict[str, tuple[tuple[str, float | None], ...]]:
        """Every model and its releases."""
        return releases_of(self._offers())

    def plans(self) -> dict[str, Planned]:
        """The plans that somebody has made."""
        with self._database.read() as db:
            return store.all_plans(db)

    def plan(self, model: str) -> Plan:
        """The plan in force."""
        with self._database.read() as db:
            return self._plan(db, model).plan

    def history(self, model: str, limit: int = -1) -> tuple[Change, ...]:
        """Changes, newest first. Also of a model that is no longer there."""
        with self._database.read() as db:
            found = store.history(db, model, limit)
        if not found:
            self._versions(model)
        return found

    # --- changing

    def split(
        self,
        model: str,
        by: str,
        *,
        shares: Mapping[str, float] | None = None,
        rules: tuple[Rule, ...] | None = None,
        sticky: Sticky | None = None,
    ) -> Change:
        """Set shares (weights of any sum), rules or what sticks; None leaves it. Not the shares of a canary's model."""

        def after(plan: Plan) -> Plan:
            if shares is not None and plan.canary:
                raise fault("canary_running", model=model, release=plan.canary.release)
            return Plan(
                shares=plan.shares if shares is None else dict(check_shares(shares)),
                rules=plan.rules if rules is None else check_rules(rules),
                canary=plan.canary,
                shadow=plan.shadow,
                sticky=sticky or plan.sticky,
            )

        return self._change(model, by, "split", after)

    def canary(
        self,
        model: str,
        by: str,
        release: str,
        *,
        steps: tuple[float, ...] = (5.0, 20.0, 50.0),
        checks: Checks = NO_CHECKS,
        min_turns: int = 200,
        step_s: float = 600.0,
        confidence: float = 0.95,
        sticky: Sticky | None = None,
    ) -> Change:
        """Let a release take over step by step, judged against those that have the turns now."""

        def after(plan: Plan) -> Plan:
            if plan.canary:
                raise fault("canary_running", model=model, release=plan.canary.release)
            if set(plan.percents()) == {release}:
                _refuse("release", f"{model}@{release} has all turns already", f"{model}@{release} 已承担全部流量")
            now_ns = self._clock.now_ns()
            canary = Canary(
                release=release, before=plan.shares, steps=steps, checks=checks, min_turns=min_turns, step_s=step_s,
                confidence=confidence, began_ns=now_ns, step_ns=now_ns,
            )  # fmt: skip
            check_canary(canary)
            shares = mixed(plan.shares, release, steps[0])
            return msgspec.structs.replace(plan, shares=shares, canary=canary, sticky=sticky or plan.sticky)

        return self._change(model, by, "canary", after)

    def step(self, model: str, by: str, canary: Canary, why: str, why_zh: str) -> Change | None:
        """The canary passed its step: go on to the next, or to all. None when the plan is no longer as it was judged."""

        def after(plan: Plan) -> Plan | None:
            if plan.canary != canary:
                return None
            number = canary.step + 1
            if number >= len(canary.steps) or canary.steps[number] >= 100:
                return msgspec.structs.replace(plan, shares={canary.release: 100.0}, canary=None)
            stepped = msgspec.structs.replace(canary, step=number, step_ns=self._clock.now_ns())
            shares = mixed(canary.before, canary.release, canary.steps[number])
            return msgspec.structs.replace(plan, shares=shares, canary=stepped)

        last = canary.step + 1 >= len(canary.steps) or canary.steps[canary.step + 1] >= 100
        return self._try(model, by, "promote" if last else "step", after, why, why_zh)

    def give_up(self, model: str, by: str, canary: Canary, why: str, why_zh: str) -> Change | None:
        """The canary is worse: everybody goes back. None when the plan is no longer as it was judged."""
        return self._try(
            model, by, "rollback", lambda plan: _before_canary(plan) if plan.canary == canary else None, why, why_zh
        )

    def promote(self, model: str, by: str, release: str | None = None) -> Change:
        """Give a release all turns now: this one, or the canary."""

        def after(plan: Plan) -> Plan:
            chosen = release or (plan.canary.release if plan.canary else None)
            if chosen is None:
                _refuse(
                    "release",
                    "no canary is under way; name the release to promote",
                    "没有正在进行的灰度发布；请指定要提升的版本",
                )
            return msgspec.structs.replace(plan, shares={chosen: 100.0}, canary=None)

        return self._change(model, by, "promote", after)

    def rollback(self, model: str, by: str, to: int | None = None) -> Change:
        """Go back to before the last change that was not taken back yet, or to what change `to` had made.

        A canary under way ends, and a canary's steps count as one change.
        """
        undoes: int | None = None

        def after(plan: Plan, db: Connection) -> Plan:
            nonlocal undoes
            if to is not None:
                change = store.change_by_number(db, model, to)
                if change is None:
                    raise fault("nothing_to_roll_back", model=model)
                return _before_canary(change.after)
            if plan.canary:
                return _before_canary(plan)
            undoes, back = self._last_undone(db, model, plan)
            return back

        with self._database.write() as db:
            planned = self._plan(db, model)
            wanted = after(planned.plan, db)
            return self._put(db, model, by, "rollback", planned, wanted, undoes=undoes)

    def shadow(self, model: str, by: str, release: str | None, percent: float = 100.0) -> Change:
        """Have a release answer a part of the turns unseen; None ends it."""

        def after(plan: Plan) -> Plan:
            shadow = None if release is None else Shadow(release, check_percent(percent))
            return msgspec.structs.replace(plan, shadow=shadow)

        return self._change(model, by, "shadow", after)

    # --- scores

    def score(self, score: store.Score) -> None:
        """Keep a turn's score, in the place of the one before."""
        if not 0 <= score.score <= 1:
            _refuse("score", "give a number from 0 to 1", "请填写 0 到 1 的数")
        with self._database.write() as db:
            store.put_score(db, score)

    def drop_score(self, trace: str) -> bool:
        """Take a turn's score back; False when it had none."""
        with self._database.write() as db:
            return store.drop_score(db, trace)

    def scores(self, model: str, since_ns: int, until_ns: int | None = None) -> dict[str, store.Score]:
        """The scores of a model's turns that were asked in a time, by trace."""
        with self._database.read() as db:
            return store.scores_of(db, model, since_ns, until_ns)

    # --- how

    def _last_undone(self, db: Connection, model: str, now: Plan) -> tuple[int, Plan]:
        changes = store.history(db, model)
        taken_back = {change.undoes for change in changes}
        for change in changes:
            if change.what == "rollback" or change.number in taken_back:
                continue
            before = _before_canary(change.before)
            if before != now:
                return change.number, before
        raise fault("nothing_to_roll_back", model=model)

    def _versions(self, model: str) -> tuple[tuple[str, float | None], ...]:
        versions = self.models().get(model)
        if versions is None:
            raise fault("model_not_found", param="model", model=model)
        return versions

    def _plan(self, db: Connection, model: str) -> Planned:
        versions = self._versions(model)
        found = store.plan_of(db, model)
        if found is not None:
            return found
        plan = first_plan(versions)
        return Planned(plan, assign(plan.shares))

    def _change(self, model: str, by: str, what: What, after: Callable[[Plan], Plan]) -> Change:
        with self._database.write() as db:
            planned = self._plan(db, model)
            return self._put(db, model, by, what, planned, after(planned.plan))

    def _try(
        self, model: str, by: str, what: What, after: Callable[[Plan], Plan | None], why: str, why_zh: str
    ) -> Change | None:
        with self._database.write() as db:
            planned = store.plan_of(db, model)
            wanted = after(planned.plan) if planned else None
            if planned is None or wanted is None:
                return None
            return self._put(db, model, by, what, planned, wanted, why, why_zh)

    def _put(
        self,
        db: Connection,
        model: str,
        by: str,
        what: What,
        before: Planned,
        after: Plan,
        why: str = "",
        why_zh: str = "",
        undoes: int | None = None,
    ) -> Change:
        if by != "canary":
            self._check_named(model, after.named() - before.plan.named())
        change = store.add_change(
            db,
            Change(
                number=0, model=model, at_ns=self._clock.now_ns(), by=by, what=what, before=before.plan, after=after,
                why=why, why_zh=why_zh, undoes=undoes,
            ),
        )  # fmt: skip
        store.put_plan(db, model, Planned(after, assign(after.shares, before.buckets)))
        return change

    def _check_named(self, model: str, named: set[tuple[str, str]]) -> None:
        """What is newly spoken of must be there; what has gone from the settings meanwhile stops nobody."""
        known = [version for version, _ in self._versions(model)]
        for name in sorted({version for _, version in named} - set(known)):
            raise fault("release_not_found", param="release", release=f"{model}@{name}", known=", ".join(known))


def _before_canary(plan: Plan) -> Plan:
    return msgspec.structs.replace(plan, shares=plan.canary.before, canary=None) if plan.canary else plan


def _refuse(field: str, en: str, zh: str) -> NoReturn:
    raise fault("invalid_value", param=field, field=field, why=Said(en, zh))
