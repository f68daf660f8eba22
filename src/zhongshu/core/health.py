"""How the places that answer are, as values: what breakers, queues and counts say of each. Knows no rule of theirs."""

from __future__ import annotations

from typing import Literal

import msgspec

State = Literal["closed", "open", "half-open"]
Forced = Literal["auto", "open", "closed"]


class ReplicaHealth(msgspec.Struct, frozen=True, array_like=True):
    """One model at one upstream, or the upstream as a whole (`model` empty), as one worker sees it.

    state: closed (turns pass), open (kept away from), half-open (a few trial turns pass). forced: what an operator has
    set. why: the problem code that opened it; until_ns: when trials begin (wall clock, UTC). in_flight, waiting: turns
    now; limit: how many this worker may have in flight. answered, failed, retried: tries since the start. first_us,
    token_us: moving averages of the time to the first content and of each piece after it; 0 while unknown.
    """

    upstream: str
    model: str
    state: State = "closed"
    forced: Forced = "auto"
    why: str = ""
    until_ns: int = 0
    in_flight: int = 0
    waiting: int = 0
    limit: int | None = None
    answered: int = 0
    failed: int = 0
    retried: int = 0
    first_us: int = 0
    token_us: int = 0
