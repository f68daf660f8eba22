"""Soft alerts: a budget that has reached a share of itself is noted once a period, and told to whoever listens.

Notes are rows of the state database; telling is an HTTP POST that one process makes (`app/alerting.py`). An alert says
whose budget it is and what is spent: never a word of what anybody asked.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

import msgspec
from sqlalchemy import insert, select, update

from zhongshu.access.budgets import BudgetDesk, Held
from zhongshu.access.tables import budget_alerts
from zhongshu.core.clock import Clock
from zhongshu.core.ids import trace_id
from zhongshu.core.money import money_text
from zhongshu.core.times import SECOND_NS
from zhongshu.storage.database import Database

WAITING, SENT, PASSED, GIVEN_UP, UNTOLD = "waiting", "sent", "passed over", "given up", "not told"
_FIRST_PAUSE_S = 5
_LONGEST_PAUSE_S = 3600
_TRIES = 30


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A budget that had reached `percent` of itself at `at_ns`. Money in billionths of `currency`, in which the budget
    was given. state: waiting, sent, given up, not told (nobody listens), or passed over (a higher share was reached at
    the same time). trouble: why it was not taken the last time, a status or the name of an error."""

    id: str
    purse: str
    percent: int
    budget_nano: int
    spent_nano: int
    currency: str
    scope: str
    tenant: str
    whose: str
    period: str
    at_ns: int
    state: str
    tries: int = 0
    next_ns: int = 0
    trouble: str = ""


class AlertBook:
    """Notes alerts and what became of them."""

    def __init__(self, database: Database, budgets: BudgetDesk, clock: Clock) -> None:
        self._database = database
        self._budgets = budgets
        self._clock = clock

    def look(self, percents: Sequence[int], *, listening: bool) -> list[Alert]:
        """Note every share that a budget has newly reached. Of several at once only the highest is told."""
        reached: list[Alert] = []
        now_ns = self._clock.now_ns()
        for held in self._budgets.held():
            crossed = [p for p in sorted(set(percents)) if held.limit_nano and _reached(held, p)]
            for percent in crossed:
                told = WAITING if listening else UNTOLD
                reached.append(self._alert(held, percent, told if percent == crossed[-1] else PASSED, now_ns))
        return self._note(reached) if reached else []

    def due(self) -> list[Alert]:
        """Alerts to be told now, oldest first."""
        found = (
            select(budget_alerts)
            .where(budget_alerts.c.state == WAITING, budget_alerts.c.next_ns <= self._clock.now_ns())
            .order_by(budget_alerts.c.at_ns)
        )
        with self._database.read() as db:
            return [Alert(**row) for row in db.execute(found).mappings()]

    def told(self, alert: Alert, trouble: str = "") -> Alert:
        """It was told (trouble ""), or it is to be told again after a pause that doubles, for about a day."""
        tries = alert.tries + 1
        if not trouble:
            state, next_ns = SENT, 0
        elif tries >= _TRIES:
            state, next_ns = GIVEN_UP, 0
        else:
            pause_s = min(_FIRST_PAUSE_S * 2 ** (tries - 1), _LONGEST_PAUSE_S)
            state, next_ns = WAITING, self._clock.now_ns() + pause_s * SECOND_NS
        after = msgspec.structs.replace(alert, state=state, tries=tries, next_ns=next_ns, trouble=trouble)
        changes = {"state": state, "tries": tries, "next_ns": next_ns, "trouble": trouble}
        with self._database.write() as db:
            db.execute(update(budget_alerts).where(budget_alerts.c.id == alert.id).values(changes))
        return after

    def all(self, tenant: str | None = None, limit: int = 100) -> list[Alert]:
        """Alerts, newest first; those passed over are left out."""
        found = select(budget_alerts).where(budget_alerts.c.state != PASSED)
        if tenant is not None:
            found = found.where(budget_alerts.c.tenant == tenant)
        found = found.order_by(budget_alerts.c.at_ns.desc(), budget_alerts.c.percent.desc()).limit(limit)
        with self._database.read() as db:
            return [Alert(**row) for row in db.execute(found).mappings()]

    def _alert(self, held: Held, percent: int, state: str, now_ns: int) -> Alert:
        spent = self._budgets.in_its_currency(held, now_ns)
        return Alert(
            id=trace_id(),
            purse=held.purse,
            percent=percent,
            budget_nano=held.budget_nano,
            spent_nano=spent,
            currency=held.currency,
            scope=held.scope,
            tenant=held.tenant,
            whose=held.whose,
            period=held.period,
            at_ns=now_ns,
            state=state,
        )

    def _note(self, alerts: Sequence[Alert]) -> list[Alert]:
        """Keep those that are new: a share alerts once for each purse (which is a period's) and size of the budget."""
        known = select(budget_alerts.c.purse, budget_alerts.c.percent, budget_alerts.c.budget_nano).where(
            budget_alerts.c.purse.in_({alert.purse for alert in alerts})
        )
        with self._database.read() as db:
            seen = {tuple(row) for row in db.execute(known)}
        new = [alert for alert in alerts if (alert.purse, alert.percent, alert.budget_nano) not in seen]
        if new:
            with self._database.write() as db:
                db.execute(insert(budget_alerts).prefix_with("OR IGNORE"), [msgspec.structs.asdict(a) for a in new])
        return new


def body_of(alert: Alert) -> bytes:
    """What is posted: JSON, money as exact decimal texts."""
    return msgspec.json.encode(
        {
            "type": "budget.alert",
            "id": alert.id,
            "at_ns": alert.at_ns,
            "scope": alert.scope,
            "tenant": alert.tenant,
            "name": alert.whose,
            "percent": alert.percent,
            "budget": money_text(alert.budget_nano),
            "spent": money_text(alert.spent_nano),
            "currency": alert.currency,
            "period": alert.period,
        }
    )


def signature(secret: bytes, at_s: int, body: bytes) -> str:
    """`t=<seconds>,v1=<hex>`: HMAC-SHA256 of "<seconds>.<body>", so that a copy cannot be sent again much later."""
    return f"t={at_s},v1={hmac.digest(secret, b'%d.%b' % (at_s, body), 'sha256').hex()}"


def _reached(held: Held, percent: int) -> bool:
    return held.spent_nano * 100 >= held.limit_nano * percent
