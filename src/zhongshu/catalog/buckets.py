"""Who gets which release: users hashed into buckets, each of which a release owns.

While shares stay, a user keeps its bucket and the bucket its owner. When they change, only as many buckets change
hands as must: those an owner has too many of. So a canary that grows keeps everybody it had, and one that ends gives
everybody back. Pure values.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from functools import cache

import msgspec

COUNT = 10_000
"""Buckets of one model: a share is kept to a hundredth of a percent."""


class Buckets(msgspec.Struct, frozen=True):
    """owners: versions; table: for each bucket the place of its owner among them."""

    owners: tuple[str, ...]
    table: bytes


NO_BUCKETS = Buckets((), b"")


def assign(shares: Mapping[str, float], before: Buckets = NO_BUCKETS) -> Buckets:
    """Buckets by shares, from those there were, with the fewest that change hands."""
    quotas = _quotas(shares)
    owners = tuple(quotas)
    places = {name: place for place, name in enumerate(owners)}
    left = list(quotas.values())
    table = bytearray(COUNT)
    free: list[int] = []
    for bucket in _order():
        place = places.get(before.owners[before.table[bucket]]) if before.table else None
        if place is not None and left[place]:
            left[place] -= 1
            table[bucket] = place
        else:
            free.append(bucket)
    for place, wanting in enumerate(left):
        for bucket in free[:wanting]:
            table[bucket] = place
        del free[:wanting]
    return Buckets(owners, bytes(table))


def hasher(model: str) -> hashlib.blake2b:
    """What `bucket_of` hashes with: one model's users fall otherwise than another's."""
    return hashlib.blake2b(model.encode(), digest_size=8)


def bucket_of(hashes: hashlib.blake2b, unit: str) -> int:
    """The bucket of a user, key or turn."""
    mine = hashes.copy()
    mine.update(unit.encode("utf-8", "surrogatepass"))
    return int.from_bytes(mine.digest(), "big") % COUNT


def _quotas(shares: Mapping[str, float]) -> dict[str, int]:
    """Whole buckets for each share, by largest remainder; a share of anything gets at least one."""
    total = sum(shares.values())
    exact = {name: share * COUNT / total for name, share in shares.items() if share > 0}
    quotas = {name: max(1, int(amount)) for name, amount in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (quotas[name] - exact[name], name))
    missing = COUNT - sum(quotas.values())
    for number in range(abs(missing)):
        if missing > 0:
            quotas[by_remainder[number % len(by_remainder)]] += 1
        else:
            quotas[max(quotas, key=lambda name: quotas[name])] -= 1
    return quotas


@cache
def _order() -> tuple[int, ...]:
    """The order in which buckets are kept: mixed, so that those given away are nobody's in particular."""
    order = list(range(COUNT))
    random.Random(20261122).shuffle(order)
    return tuple(order)
