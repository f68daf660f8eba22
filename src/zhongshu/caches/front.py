"""The answers a worker has at hand, in memory. When it is full, the tenant that holds most gives up what it used
longest ago: nobody is pushed out by somebody larger. Knows no files."""

from __future__ import annotations

from collections import OrderedDict

import msgspec

from zhongshu.core.ports import Hit

COPIES = 3
"""What is at hand of an answer, counted by its size as kept: itself, and what a reply and a record wrote of it (Hit.written)."""


class Held(msgspec.Struct):
    """An answer at hand. bytes: what it takes, all copies of it; text_key: the text key its copy on disk is sealed with, 0 before it
    is known. touched_ns: when its use was last noted on disk."""

    hit: Hit
    tenant: str
    expires_ns: int
    bytes: int
    text_key: int = 0
    touched_ns: int = 0


class Front:
    """Answers by key, at most `bytes` of them."""

    def __init__(self, bytes: int, tenant_share: float) -> None:
        self.limit_bytes = bytes
        self.tenant_share = tenant_share
        self.bytes = 0
        self._tenants: dict[str, OrderedDict[bytes, Held]] = {}
        self._sizes: dict[str, int] = {}

    def __len__(self) -> int:
        return sum(map(len, self._tenants.values()))

    def get(self, tenant: str, key: bytes, now_ns: int) -> Held | None:
        """The answer of a key; it counts as used."""
        mine = self._tenants.get(tenant)
        held = mine.get(key) if mine else None
        if mine is None or held is None:
            return None
        if held.expires_ns <= now_ns:
            self.drop(tenant, key)
            return None
        mine.move_to_end(key)
        return held

    def put(self, key: bytes, held: Held) -> None:
        """Take an answer in, and let others go where there is no room."""
        self.drop(held.tenant, key)
        if held.bytes > self.limit_bytes * self.tenant_share:
            return
        mine = self._tenants.setdefault(held.tenant, OrderedDict())
        mine[key] = held
        self._count(held.tenant, held.bytes)
        while self._sizes[held.tenant] > self.limit_bytes * self.tenant_share:
            self._drop_oldest(held.tenant)
        while self.bytes > self.limit_bytes:
            self._drop_oldest(max(self._sizes, key=self._sizes.__getitem__))

    def drop(self, tenant: str, key: bytes) -> None:
        """Forget one answer."""
        mine = self._tenants.get(tenant)
        held = mine.pop(key, None) if mine else None
        if held is not None:
            self._count(tenant, -held.bytes)

    def clear(self) -> None:
        """Forget all."""
        self._tenants.clear()
        self._sizes.clear()
        self.bytes = 0

    def sealed(self, tenant: str, key: bytes, text_key: int) -> None:
        """The copy on disk of an answer is sealed with this key."""
        mine = self._tenants.get(tenant)
        held = mine.get(key) if mine else None
        if held is not None:
            held.text_key = text_key

    def text_keys(self) -> set[int]:
        """The text keys that what is held was sealed with."""
        return {held.text_key for mine in self._tenants.values() for held in mine.values()} - {0}

    def drop_sealed_with(self, text_key: int) -> None:
        """Forget what a text key that is no more had sealed."""
        for tenant, mine in list(self._tenants.items()):
            for key in [key for key, held in mine.items() if held.text_key == text_key]:
                self.drop(tenant, key)

    def _drop_oldest(self, tenant: str) -> None:
        self.drop(tenant, next(iter(self._tenants[tenant])))

    def _count(self, tenant: str, bytes: int) -> None:
        self.bytes += bytes
        left = self._sizes.get(tenant, 0) + bytes
        if self._tenants[tenant]:
            self._sizes[tenant] = left
        else:
            self._sizes.pop(tenant, None)
            del self._tenants[tenant]
