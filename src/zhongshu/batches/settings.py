"""Settings of the batches room: `[batches]` in the TOML."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

Count = Annotated[int, Meta(ge=1)]


class BatchSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How batches run. concurrency: requests of batches that one worker has asked at once. yield_to: while so many
    live turns are in flight in a worker, it begins no request of a batch. max_requests, max_line_bytes: of an input
    file. attempts: how often a request is tried whose upstream fails."""

    concurrency: Count = 4
    yield_to: Count = 16
    max_requests: Count = 50_000
    max_line_bytes: Annotated[int, Meta(ge=1024)] = 4 * 1024 * 1024
    attempts: Annotated[int, Meta(ge=1, le=20)] = 3
