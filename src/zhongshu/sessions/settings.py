"""Settings of the sessions room: whether turns are remembered, and how long."""

from __future__ import annotations

import msgspec


class SessionsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """keep: whether turns are remembered at all, where a protocol asks for it. retention_days: how long; a fraction is
    a part of a day. longest_chain: how many earlier turns one may go back to."""

    keep: bool = True
    retention_days: float = 30.0
    longest_chain: int = 1000

    def __post_init__(self) -> None:
        if not 0 < self.retention_days <= 36_500:
            raise ValueError(
                "retention_days: give days, above 0 and at most 36500", "retention_days: 请填写 0 到 36500 天"
            )
        if self.longest_chain < 1:
            raise ValueError("longest_chain: give at least 1", "longest_chain: 至少为 1")
