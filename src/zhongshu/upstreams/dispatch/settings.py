"""Settings of asking: how replicas are chosen, how often is asked again, when an upstream is left alone."""

from __future__ import annotations

from typing import Literal

import msgspec

Strategy = Literal["conversation", "weighted", "least-busy", "fastest"]


class DispatchSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[dispatch]` in the TOML. Seconds; shares from 0 to 1.

    balance: how one of a model's replicas is chosen. retries: tries after the first, for each model of the fallback
    chain; retry_share: of an upstream's turns that may be tried again, beside one a second. backoff_s: bound of
    the first random pause before the same replica is asked again, doubled each time up to backoff_max_s;
    retry_after_max_s: an upstream that asks for a longer pause is not asked again by this turn. deadline_s: no try
    after the first outlasts this, counted from the turn's first try, waiting included.
    breaker: whether failing upstreams are left alone: after `failures` in a row, or `error_rate` of at least
    `min_tries` within window_s, for cool_down_s (doubled while trials fail, up to cool_down_max_s, which also bounds
    an upstream's own Retry-After); then `trials` turns at a time may try, and as many successes close it.
    """

    balance: Strategy = "conversation"
    retries: int = 2
    retry_share: float = 0.2
    backoff_s: float = 0.2
    backoff_max_s: float = 5.0
    retry_after_max_s: float = 10.0
    deadline_s: float = 600.0
    breaker: bool = True
    failures: int = 5
    error_rate: float = 0.5
    min_tries: int = 20
    window_s: float = 30.0
    cool_down_s: float = 10.0
    cool_down_max_s: float = 120.0
    trials: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.retries <= 10:
            raise ValueError("retries: give 0 to 10", "retries: 请填写 0 到 10")
        for field in ("retry_share", "error_rate"):
            if not 0 <= getattr(self, field) <= 1:
                raise ValueError(f"{field}: give a share from 0 to 1", f"{field}: 请填写 0 到 1 之间的比例")
        for field in ("backoff_s", "backoff_max_s", "retry_after_max_s"):
            if not 0 <= getattr(self, field) <= 3600:
                raise ValueError(f"{field}: give 0 to 3600 seconds", f"{field}: 请填写 0 到 3600 秒")
        for field in ("deadline_s", "window_s", "cool_down_s", "cool_down_max_s"):
            if not 0 < getattr(self, field) <= 86_400:
                raise ValueError(f"{field}: give seconds, above 0 and at most 86400", f"{field}: 请填写 0 到 86400 秒")
        for field in ("failures", "min_tries", "trials"):
            if getattr(self, field) < 1:
                raise ValueError(f"{field}: give at least 1", f"{field}: 至少为 1")


ONE_TRY = DispatchSettings(retries=0, breaker=False)
"""Asking once and no more: what a dispatcher does that was told nothing else."""
