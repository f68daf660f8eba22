"""Which of a model's replicas answers a turn: strategies as pure choices among those that may be asked.

    conversation  the same conversation stays where its prompt is already cached, unless that place is clearly busier:
                  rendezvous hashing (Thaler and Ravishankar 1998, weighted as by Schindelhauer and Schomaker 2005)
    least-busy    fewest turns in flight for its weight
    fastest       of two drawn by weight the one expected to be done first ("power of two choices", Mitzenmacher 2001)
    weighted      drawn by weight alone

`load` is turns in flight, the new one included, divided by weight. Knows no breaker: who may not be asked is not given.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from hashlib import blake2b

from zhongshu.core.models import Offer
from zhongshu.core.ports import Asking
from zhongshu.upstreams.dispatch.replicas import Replica
from zhongshu.upstreams.dispatch.settings import Strategy

_READ_AT_MOST = 8192
_USUAL_TOKENS = 128
_LEAST_WEIGHT = 1e-6
# A place is clearly busier when its load is over twice the lightest one's and a few turns more.
_BUSIER, _FEW = 2.0, 4.0


class Candidate:
    """An offer with the state of the replica that would answer it."""

    __slots__ = ("offer", "replica", "weight")

    def __init__(self, offer: Offer, replica: Replica) -> None:
        self.offer = offer
        self.replica = replica
        self.weight = max(offer.release.weight, _LEAST_WEIGHT)

    @property
    def load(self) -> float:
        """Turns in flight with one more, for its weight."""
        return (self.replica.in_flight + 1) / self.weight


def choose(among: Sequence[Candidate], strategy: Strategy, asking: Asking) -> Candidate:
    """One of `among` (not empty)."""
    if len(among) == 1:
        return among[0]
    if strategy == "conversation" and asking.turn.messages:
        return _same_as_before(among, conversation_of(asking))
    if strategy == "weighted":
        return random.choices(among, [candidate.weight for candidate in among])[0]
    if strategy == "fastest":
        return _quicker_of_two(among)
    return _least_busy(among)


def conversation_of(asking: Asking) -> bytes:
    """What stays the same from turn to turn of a conversation: tenant, system prompt, first question."""
    hashed = blake2b(asking.caller.tenant.encode(), digest_size=16)
    for message in asking.turn.messages:
        text = message.text()[:_READ_AT_MOST]
        hashed.update(b"\0" + text.encode("utf-8", "replace"))
        if message.role == "user":
            break
    return hashed.digest()


def _same_as_before(among: Sequence[Candidate], conversation: bytes) -> Candidate:
    lightest = min(candidate.load for candidate in among)
    for candidate in sorted(among, key=lambda c: _affinity(conversation, c), reverse=True):
        if candidate.load <= _BUSIER * lightest + _FEW / candidate.weight:
            return candidate
    return _least_busy(among)


def _affinity(conversation: bytes, candidate: Candidate) -> float:
    drawn = blake2b(candidate.replica.name.encode(), digest_size=8, key=conversation).digest()
    return -candidate.weight / math.log((int.from_bytes(drawn) + 1) / (2**64 + 2))


def _least_busy(among: Sequence[Candidate]) -> Candidate:
    """Where several are equally busy, one of them by weight."""
    lightest = min(candidate.load for candidate in among)
    equal = [candidate for candidate in among if candidate.load <= lightest * 1.0001]
    return equal[0] if len(equal) == 1 else random.choices(equal, [c.weight for c in equal])[0]


def _quicker_of_two(among: Sequence[Candidate]) -> Candidate:
    """A place nobody has timed yet counts as the quickest known, so that it is."""
    one = random.choices(among, [candidate.weight for candidate in among])[0]
    others = [candidate for candidate in among if candidate is not one]
    other = random.choices(others, [candidate.weight for candidate in others])[0]
    known = min((took for c in (one, other) if (took := _expected_us(c.replica))), default=1)
    return min((one, other), key=lambda c: (_expected_us(c.replica) or known) * (c.replica.in_flight + 1))


def _expected_us(replica: Replica) -> int:
    return replica.first_us + replica.token_us * _USUAL_TOKENS
