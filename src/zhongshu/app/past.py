"""What the ledger says of money, in the words of budgets: what a period has cost, and what a dead worker's turns did."""

from __future__ import annotations

from datetime import datetime

from zhongshu.access.admin import Spend
from zhongshu.access.budgets import Past, Spent
from zhongshu.app.pricing import exchange
from zhongshu.app.settings import Settings
from zhongshu.core.money import Exchange
from zhongshu.core.times import ns_of
from zhongshu.ledger.index import open_index
from zhongshu.ledger.rows import Filter


def past_of(settings: Settings) -> Past:
    """Asks the ledger of this installation what the turns of a budget have cost so far. Shadows are not charged."""

    def past(asked: Spent) -> int:
        wanted = _filter(asked)
        sums = open_index(settings.ledger, settings.home).stats(("day",), wanted)
        rates = exchange(settings)
        return sum(
            rates.to_home(row.cost_nano, row.currency, _noon_ns(row.group[0]))
            for row in sums
            if rates.knows(row.currency)
        )

    return past


def spends_of(settings: Settings, stream: str, since_ns: int, rates: Exchange) -> list[Spend]:
    """What one writer's turns since a time cost, by day, key, user and model: one sum each, however many turns."""
    found = open_index(settings.ledger, settings.home).spent(stream, since_ns)
    return [
        Spend(
            row.tenant,
            row.key_id,
            _noon_ns(row.day),
            rates.to_home(row.cost_nano, row.currency, _noon_ns(row.day)),
            row.user,
            row.asked,
        )
        for row in found
        if rates.knows(row.currency)
    ]


def _filter(asked: Spent) -> Filter:
    match asked.scope:
        case "tenant":
            return Filter(tenant=asked.whose, since_ns=asked.since_ns, shadow=False)
        case "key":
            return Filter(key=asked.whose, since_ns=asked.since_ns, shadow=False)
        case "user":
            return Filter(tenant=asked.tenant, user=asked.whose, since_ns=asked.since_ns, shadow=False)
        case _:
            tenant = None if asked.tenant == "*" else asked.tenant
            return Filter(tenant=tenant, asked=asked.whose, since_ns=asked.since_ns, shadow=False)


def _noon_ns(day: str) -> int:
    return ns_of(datetime.fromisoformat(day).replace(hour=12))
