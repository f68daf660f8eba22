"""From labelled outcomes to the odds of a pair: by kind of task, how often each of two models is wrong. Pure.

Few rows say little, so each count is drawn towards what is taken where nothing was counted, by as much as some rows
would. Kinds with fewer rows than that are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from zhongshu.router.difficulty.linear import Odds
from zhongshu.router.difficulty.training import Labelled
from zhongshu.router.estimate import odds_of
from zhongshu.router.task import Task, mark

PULL = 8
"""The rows that what is usual counts for, and the fewest of a kind that say anything."""


def counted(rows: Sequence[Labelled]) -> dict[str, Odds]:
    """The odds of every kind of task of which there are rows enough."""
    by_task: dict[Task, list[Labelled]] = {}
    for row in rows:
        by_task.setdefault(mark(row.prompt).task, []).append(row)
    return {task: _of(task, found) for task, found in sorted(by_task.items()) if len(found) >= PULL}


def _of(task: Task, rows: Sequence[Labelled]) -> Odds:
    usual = odds_of(task)
    wrong = [row for row in rows if not row.weak_correct]
    right = [row for row in rows if row.weak_correct]
    wrong_at_all = _drawn(len(wrong), len(rows), usual.wrong)
    plain = [row.strong_plain_correct for row in rows if row.strong_plain_correct is not None]
    return Odds(
        wrong=wrong_at_all,
        rest=_drawn(sum(not row.strong_correct for row in wrong), len(wrong), usual.rest),
        harm=_drawn(sum(not row.strong_correct for row in right), len(right), usual.harm),
        rows=len(rows),
        # Without thought the strong model is taken to be no better than the weak one until it has shown that it is.
        plain=_drawn(plain.count(False), len(plain), wrong_at_all) if len(plain) >= PULL else None,
    )


def _drawn(times: int, of: int, usual: float) -> float:
    return round((times + PULL * usual) / (of + PULL), 4)
