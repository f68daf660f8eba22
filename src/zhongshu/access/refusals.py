"""How a limit says no: which one, whose, and when it will do again."""

from __future__ import annotations

from zhongshu.core.problems import Problem, Refusal, Said, problem
from zhongshu.storage.leases import Denied, Purse, Rate, Seats

STAGE = "admit"

_SCOPES = {"key": Said("key", "密钥"), "tenant": Said("tenant", "租户")}
_REMEDIES = {"key": "`zhongshu keys set-limits`", "tenant": "`zhongshu tenants set-budget`"}

MISSING = Refusal(STAGE, problem("missing_key"))
INVALID = Refusal(STAGE, problem("invalid_api_key"))
UNAVAILABLE = Refusal(STAGE, problem("limits_unavailable", retry_after_s=1.0))


def refusal(denied: Denied, ends_in_s: float | None) -> Refusal:
    """The refusal of a counter that could not be passed. `ends_in_s`: until its budget's period ends."""
    return Refusal(STAGE, _problem(denied, ends_in_s))


def too_many_tokens(tokens: int, limit: int) -> Refusal:
    """One turn alone may come to more than a minute allows: waiting would not help."""
    return Refusal(STAGE, problem("tokens_over_limit", param="max_tokens", needed=tokens, limit=limit))


def _problem(denied: Denied, ends_in_s: float | None) -> Problem:
    counter = denied.counter
    scope, _, rest = counter.name.partition("/")
    match counter:
        case Rate():
            what = rest.rpartition("/")[2]
            return problem(
                "rate_limit_exceeded",
                retry_after_s=denied.wait_s or 1.0,
                scope=_SCOPES[scope],
                limit=_per_minute(what, counter.limit),
            )
        case Seats():
            return problem("concurrency_exceeded", retry_after_s=1.0, scope=_SCOPES[scope], limit=counter.limit)
        case Purse():
            return problem("insufficient_quota", retry_after_s=ends_in_s, scope=_SCOPES[scope], remedy=_REMEDIES[scope])


def _per_minute(what: str, limit: int) -> Said:
    if what == "requests":
        return Said(f"{limit} requests per minute", f"每分钟 {limit} 次请求")
    return Said(f"{limit} tokens per minute", f"每分钟 {limit} 个词元")
