"""Who asks, and within which limits: the words of access that other rooms use."""

from __future__ import annotations

import msgspec

from zhongshu.core.dials import Preference


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant or key may use. None means no limit. `budget_nano` is money in billionths of `currency`, spent
    over `budget_period` ("day", "month" or "total", in UTC). priority: the class of its turns ("low", "normal", "high"),
    which a request may only lower; None leaves it to the request. "high" of a tenant counts among tenants, of a key among
    its tenant's."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrency: int | None = None
    budget_nano: int | None = None
    budget_period: str = "month"
    currency: str = "CNY"
    priority: str | None = None


PRIORITIES = ("low", "normal", "high")
"""Classes of waiting turns, last served first."""


def priority_of(asked: str | None, most: str | None) -> str:
    """The class of a turn: what its request asks for, but no higher than what its key and tenant have."""
    if most is None:
        return asked or "normal"
    return most if asked is None else min(asked, most, key=PRIORITIES.index)


class Caller(msgspec.Struct, frozen=True):
    """Who asks. `key_id` names the key and is safe to write down; the key itself is kept nowhere.

    models: names this key may ask for, empty for all. roles: "user" may ask, "admin" may manage. prefers: how its turns
    are weighed where they do not say; None for nothing. priority: the class of its turns; None leaves it to them.
    first: its tenant's class is "high", so that its turns of that class are served before other tenants'.
    """

    tenant: str
    key_id: str
    role: str = "user"
    models: tuple[str, ...] = ()
    prefers: Preference | None = None
    priority: str | None = None
    first: bool = False


class Ask(msgspec.Struct, frozen=True):
    """What a turn may come to at most, to be reserved: tokens in and out, money in billionths of the currency that
    budgets are counted in. user: the end user it names; model: the name it asks for. Both may have budgets."""

    tokens: int
    cost_nano: int
    user: str | None = None
    model: str = ""


class LimitState(msgspec.Struct, frozen=True):
    """What is left of one limit, for the standard rate-limit headers. `reset_s`: seconds until it is whole again."""

    limit: int
    remaining: int
    reset_s: float
