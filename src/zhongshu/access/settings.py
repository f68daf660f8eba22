"""Settings of the access room: what applies to those who have no limit of their own."""

from __future__ import annotations

import msgspec

from zhongshu.core.access import Limits

PERIODS = ("day", "month", "total")


class AccessSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """key_*, tenant_*: limits of every key or tenant that has none of its own; None is no limit.

    poll_s: how soon a worker notices a revoked key or a changed limit (at most 1). settle_s: how often a worker
    accounts for what was spent; a power cut loses no more than that. cached_keys: keys a worker remembers.
    thoughts_hidden_from: tenants and ids of keys that are shown no thoughts, "*" for all.
    """

    key_requests_per_minute: int | None = None
    key_tokens_per_minute: int | None = None
    key_concurrency: int | None = None
    tenant_requests_per_minute: int | None = None
    tenant_tokens_per_minute: int | None = None
    tenant_concurrency: int | None = None
    poll_s: float = 0.25
    settle_s: float = 1.0
    cached_keys: int = 10_000
    thoughts_hidden_from: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in self.__struct_fields__:
            value = getattr(self, field)
            if field.startswith(("key_", "tenant_")) and value is not None and value < 0:
                raise ValueError(
                    f"{field}: give a number that is not negative, or leave it out for no limit",
                    f"{field}: 请填写非负数，或省略表示不限",
                )
        for field in ("poll_s", "settle_s"):
            if not 0.01 <= getattr(self, field) <= 1:
                raise ValueError(f"{field}: give between 0.01 and 1 second", f"{field}: 请填写 0.01 到 1 秒")
        if self.cached_keys < 1:
            raise ValueError("cached_keys: give at least 1", "cached_keys: 请填写至少 1")

    @property
    def key_limits(self) -> Limits:
        """What holds for a key."""
        return Limits(
            requests_per_minute=self.key_requests_per_minute,
            tokens_per_minute=self.key_tokens_per_minute,
            concurrency=self.key_concurrency,
        )

    @property
    def tenant_limits(self) -> Limits:
        """What holds for a tenant."""
        return Limits(
            requests_per_minute=self.tenant_requests_per_minute,
            tokens_per_minute=self.tenant_tokens_per_minute,
            concurrency=self.tenant_concurrency,
        )
