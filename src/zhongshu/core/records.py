"""What is kept about a turn. The journal stores it; everything that looks back reads it."""

from __future__ import annotations

from typing import Literal

import msgspec

from zhongshu.core.answers import Usage
from zhongshu.core.dials import NO_DIAL, Dial

Outcome = Literal["answered", "refused", "failed", "left", "cut"]


class Attempt(msgspec.Struct, frozen=True, array_like=True):
    """One try at an upstream. status: HTTP status or 0; `error` is a problem code, empty when it answered. why: what
    led to this try ("retry", "fallback", "context", "hedge", "probe"), empty for the first. `error` may also be "empty"
    (nothing was said), "outrun" (a hedge's loser) and "left". cost_nano: what a try that was outrun may have cost, an
    estimate in its own price's currency; it is part of the turn's cost."""

    upstream: str
    model: str
    status: int
    error: str
    took_us: int
    why: str = ""
    cost_nano: int = 0


class Record(msgspec.Struct, frozen=True):
    """One turn, complete. Times: `at_ns` wall clock UTC; `*_us` spans in microseconds from arrival.

    outcome: answered; refused (a stage said no, `error` says which code); failed (a fault); left (the client went
    away); cut (the upstream broke off after content had been sent).
    prompt / answer: JSON bytes of what was asked and what came back; the journal seals them (AES-GCM), replaces
    them by a keyed digest, or drops them, by policy. Everything else is metadata and never holds the user's text.
    split: the rule by which one of a model's releases was chosen. cache: "exact" or "semantic" when the answer was
    one given before; saved_nano, saved_us: what asking again would have cost. shadow_of: the trace of the turn this
    one repeats beside it. dropped: fields of the request that the upstream could not be told.
    thought_ended: why the model's thought was closed before it closed it itself ("repeating", "circling", "settled",
    "budget"); answer_ended: likewise of the answer ("repeating"). queued_us: time waited for a free place. dial: what a turn of `auto` or of an assistant was weighed by.
    read: what was made into text for the model, each "what: by whom".
    """

    trace: str
    at_ns: int
    outcome: Outcome
    tenant: str = ""
    key_id: str = ""
    user: str | None = None
    address: str = ""
    agent: str = ""
    protocol: str = ""
    kind: str = "chat"
    stream: bool = False
    asked: str = ""
    release: str = ""
    upstream: str = ""
    served: str = ""
    filing: str | None = None
    rule: str = ""
    reason: str = ""
    effort: str | None = None
    stop: str = ""
    error: str = ""
    stage: str = ""
    usage: Usage = Usage()
    cost_nano: int = 0
    currency: str = "CNY"
    label: str = ""
    produce_id: str = ""
    attempts: tuple[Attempt, ...] = ()
    first_us: int = 0
    took_us: int = 0
    overhead_us: int = 0
    settings: str = ""
    policy: str = ""
    split: str = ""
    cache: str = ""
    saved_nano: int = 0
    saved_us: int = 0
    shadow_of: str = ""
    dropped: tuple[str, ...] = ()
    thought_ended: str = ""
    answer_ended: str = ""
    queued_us: int = 0
    dial: Dial = NO_DIAL
    read: tuple[str, ...] = ()
    prompt: bytes = b""
    answer: bytes = b""
