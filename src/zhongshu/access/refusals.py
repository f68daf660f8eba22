"""How a limit says no: which one, whose, and when it will do again."""

from __future__ import annotations

import math

from zhongshu.core.money import money_text
from zhongshu.core.problems import Problem, Refusal, Said, problem
from zhongshu.storage.leases import Denied, Purse, Rate, Seats

STAGE = "admit"

_SCOPES = {
    "key": Said("key", "密钥"),
    "tenant": Said("tenant", "租户"),
    "user": Said("user", "用户"),
    "model": Said("model", "模型"),
}
_REMEDIES = {
    "key": "`zhongshu keys set-limits`",
    "tenant": "`zhongshu tenants set-budget`",
    "user": "`zhongshu budgets set`",
    "model": "`zhongshu budgets set`",
}

MISSING = Refusal(STAGE, problem("missing_key"))
INVALID = Refusal(STAGE, problem("invalid_api_key"))
UNAVAILABLE = Refusal(STAGE, problem("limits_unavailable", retry_after_s=1.0))


def refusal(denied: Denied, ends_in_s: float | None, cost_nano: int = 0, currency: str = "CNY") -> Refusal:
    """The refusal of a counter that could not be passed. `ends_in_s`: until its budget's period ends; `cost_nano`: what
    the turn may come to."""
    if isinstance(denied.counter, Purse):
        return Refusal(STAGE, _over_budget(denied, denied.counter, ends_in_s, cost_nano, currency))
    return Refusal(STAGE, _problem(denied))


def unpriced(currency: str, home: str) -> Refusal:
    """A budget in a currency that nothing says the worth of: it cannot be kept, so nothing is let through."""
    return Refusal(STAGE, problem("budget_without_rate", currency=currency, home=home))


def too_many_tokens(tokens: int, limit: int) -> Refusal:
    """One turn alone may come to more than a minute allows: waiting would not help."""
    return Refusal(STAGE, problem("tokens_over_limit", param="max_tokens", needed=tokens, limit=limit))


def _over_budget(denied: Denied, purse: Purse, ends_in_s: float | None, cost_nano: int, currency: str) -> Problem:
    """Three cases: the budget is spent, and only its next period helps; what is left is too little for this turn, and
    only asking for less helps; or what is left is reserved by turns in flight, and a moment helps."""
    name = purse.name.partition("/")[0]
    scope, remedy = _SCOPES[name], _REMEDIES[name]
    unspent = purse.limit - denied.settled
    if unspent <= 0:
        return problem("insufficient_quota", retry_after_s=ends_in_s, scope=scope, remedy=remedy)
    needed = f"{money_text(cost_nano)} {currency}"
    if cost_nano > unspent:
        left = f"{money_text(unspent)} {currency}"
        return problem("budget_too_small", param="max_tokens", scope=scope, remedy=remedy, needed=needed, left=left)
    return problem("budget_reserved", retry_after_s=1.0, scope=scope, needed=needed)


def _problem(denied: Denied) -> Problem:
    counter = denied.counter
    scope, _, rest = counter.name.partition("/")
    match counter:
        case Rate():
            what = rest.rpartition("/")[2]
            return problem(
                "rate_limit_exceeded",
                retry_after_s=float(math.ceil(denied.wait_s or 1.0)),  # rounded up: a moment too early is refused
                scope=_SCOPES[scope],
                limit=_per_minute(what, counter.limit),
            )
        case Seats():
            return problem("concurrency_exceeded", retry_after_s=1.0, scope=_SCOPES[scope], limit=counter.limit)
        case _:
            raise AssertionError("budgets are refused above")


def _per_minute(what: str, limit: int) -> Said:
    if what == "requests":
        return Said(f"{limit} requests per minute", f"每分钟 {limit} 次请求")
    return Said(f"{limit} tokens per minute", f"每分钟 {limit} 个词元")
