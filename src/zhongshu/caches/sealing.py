"""Kept answers are unreadable on disk without the installation's text keys: AES-256-GCM under a key of their own,
derived from the tenant's text key of the month. Shredding that key (`zhongshu ledger erase`) makes them unreadable too.

Nonces are 96 random bits (NIST SP 800-38D 8.2.2): good for 2^32 answers of one tenant and month. Blocking; for threads.
"""

from __future__ import annotations

import os
import time
from hashlib import blake2b
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_FRESH_S = 30.0
"""How long a key is used without asking whether it was shredded meanwhile."""
_KNOWN = 10_000


class TextKey(Protocol):
    """A data key in the clear, 32 bytes."""

    @property
    def id(self) -> int: ...
    @property
    def secret(self) -> bytes: ...


class TextKeyRing(Protocol):
    """The installation's text keys: one for each tenant and month ("2026-11")."""

    def current(self, tenant: str, month: str, now_ns: int) -> TextKey: ...
    def find(self, id: int) -> bytes | None:
        """None when it was shredded."""
        ...


class Sealed(msgspec.Struct, frozen=True):
    """Something sealed: the key's number, and nonce and ciphertext together."""

    text_key: int
    bytes: bytes


class _Known(msgspec.Struct):
    cipher: AESGCM | None
    asked_s: float


class Sealer:
    """Seals and opens what is kept."""

    def __init__(self, ring: TextKeyRing) -> None:
        self._ring = ring
        self._current: dict[tuple[str, str], tuple[int, float]] = {}
        self._known: dict[int, _Known] = {}

    def seal(self, tenant: str, bound: bytes, content: bytes, now_ns: int) -> Sealed:
        """Seal `content`, bound to a tenant and `bound`. Raises sqlite3.Error, OSError, ValueError."""
        number = self._number(tenant, now_ns)
        cipher = self._cipher(number)
        if cipher is None:  # shredded this very moment: there is a new one
            self._current.clear()
            number = self._number(tenant, now_ns)
            cipher = self._cipher(number)
        if cipher is None:
            raise ValueError("the text key cannot be had")
        nonce = os.urandom(12)
        return Sealed(number, nonce + cipher.encrypt(nonce, content, tenant.encode() + b"\0" + bound))

    def open(self, tenant: str, bound: bytes, sealed: Sealed) -> bytes | None:
        """The content; None when its key was shredded or it is not what was sealed."""
        try:
            cipher = self._cipher(sealed.text_key)
            if cipher is None:
                return None
            return cipher.decrypt(sealed.bytes[:12], sealed.bytes[12:], tenant.encode() + b"\0" + bound)
        except (InvalidTag, ValueError):
            return None

    def alive(self, text_key: int) -> bool:
        """Whether a key has not been shredded."""
        return self._cipher(text_key) is not None

    def _number(self, tenant: str, now_ns: int) -> int:
        month = time.strftime("%Y-%m", time.gmtime(now_ns / 1e9))
        found = self._current.get((tenant, month))
        if found and time.monotonic() - found[1] < _FRESH_S:
            return found[0]
        key = self._ring.current(tenant, month, now_ns)
        if len(self._current) >= _KNOWN:
            self._current.clear()
        self._current[tenant, month] = key.id, time.monotonic()
        self._known[key.id] = _Known(_derived(key.secret), time.monotonic())
        return key.id

    def _cipher(self, number: int) -> AESGCM | None:
        known = self._known.get(number)
        if known is None or time.monotonic() - known.asked_s > _FRESH_S:
            secret = self._ring.find(number)
            if len(self._known) >= _KNOWN:
                self._known.clear()
            known = self._known[number] = _Known(_derived(secret) if secret else None, time.monotonic())
        return known.cipher


def _derived(secret: bytes) -> AESGCM:
    return AESGCM(blake2b(b"", digest_size=32, key=secret, person=b"zs cached answer").digest())
