"""Settings of the answer cache: `[cache]` in the TOML. Which model is cached how stands in the model's own row."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Reuse = Literal["off", "exact", "semantic"]
Bytes = Annotated[int, Meta(ge=0)]

THRESHOLD = 0.93
"""Chosen on the held-out half of benchmarks/data/cache_pairs.jsonl: docs/caches.md."""


class CacheSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How answers given before are kept and found again.

    models: what models do whose row does not say. sampled: whether an answer that was drawn by chance (temperature
    not 0 and no seed, or n above 1) may be given again - "explicit": for models whose own row says `cache`.
    scope: who shares answers - a whole tenant, or only the turns of one `user`. ttl_s: how long an answer holds.
    max_bytes, max_entries: of the file that all workers share; tenant_share: at most this part of either for one
    tenant. entry_bytes, request_bytes: larger answers are not kept, larger requests not looked for. memory_bytes: what
    each worker keeps at hand. embedder: the local model that tells whether two questions mean the same; threshold:
    from which cosine on they do. embed_wait_s: a turn waits no longer for it.
    """

    models: Reuse = "off"
    sampled: Literal["explicit", "always", "never"] = "explicit"
    scope: Literal["tenant", "user"] = "tenant"
    ttl_s: Annotated[float, Meta(gt=0)] = 3600.0
    max_bytes: Bytes = 256 * 1024 * 1024
    max_entries: Annotated[int, Meta(ge=0)] = 100_000
    tenant_share: Annotated[float, Meta(gt=0, le=1)] = 0.5
    entry_bytes: Bytes = 256 * 1024
    request_bytes: Bytes = 256 * 1024
    memory_bytes: Bytes = 32 * 1024 * 1024
    embedder: str = "multilingual-e5-small"
    threshold: Annotated[float, Meta(gt=0, le=1)] = THRESHOLD
    embed_wait_s: Annotated[float, Meta(gt=0)] = 1.0
