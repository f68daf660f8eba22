"""What lies on disk for an owner is unreadable without the installation's data keys: AES-256-GCM under keys derived from
the owner's data key of the month. Shredding that key makes all that was sealed with it unreadable.

Nonces are 96 random bits (NIST SP 800-38D 8.2.2): good for 2^32 pieces of one owner, month and purpose. Blocking; for
threads. Knows nothing of what is sealed, nor where the data keys come from.
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


class DataKey(Protocol):
    """A data key in the clear, 32 bytes."""

    @property
    def id(self) -> int: ...
    @property
    def secret(self) -> bytes: ...


class KeyRing(Protocol):
    """The installation's data keys: one for each owner and month ("2026-11")."""

    def current(self, tenant: str, month: str, now_ns: int) -> DataKey: ...
    def find(self, id: int) -> bytes | None:
        """None when it was shredded."""
        ...


class Derived(msgspec.Struct, frozen=True):
    """A key of one purpose, 32 bytes, and the number of the data key that it was derived from."""

    number: int
    secret: bytes


class Sealed(msgspec.Struct, frozen=True):
    """Something sealed: the data key's number, and nonce and ciphertext together."""

    text_key: int
    bytes: bytes


class _Known(msgspec.Struct):
    secret: bytes
    cipher: AESGCM | None
    asked_s: float


class Sealer:
    """Seals and opens. purpose: at most 16 bytes; what one purpose sealed no other opens."""

    def __init__(self, ring: KeyRing, purpose: bytes) -> None:
        self._ring = ring
        self._purpose = purpose
        self._current: dict[tuple[str, str], tuple[int, float]] = {}
        self._known: dict[int, _Known] = {}

    def seal(self, owner: str, bound: bytes, content: bytes, now_ns: int) -> Sealed:
        """Seal `content`, bound to an owner and `bound`. Raises sqlite3.Error, OSError, ValueError."""
        number, cipher = self._living(owner, now_ns)
        nonce = os.urandom(12)
        return Sealed(number, nonce + cipher.encrypt(nonce, content, owner.encode() + b"\0" + bound))

    def open(self, owner: str, bound: bytes, sealed: Sealed) -> bytes | None:
        """The content; None when its key was shredded or it is not what was sealed."""
        try:
            cipher = self._find(sealed.text_key).cipher
            if cipher is None:
                return None
            return cipher.decrypt(sealed.bytes[:12], sealed.bytes[12:], owner.encode() + b"\0" + bound)
        except (InvalidTag, ValueError):
            return None

    def alive(self, number: int) -> bool:
        """Whether a key has not been shredded. Raises as `secret` does."""
        return self._find(number).cipher is not None

    def stands(self, number: int) -> bool:
        """Whether a key has not been shredded up to this moment, asked anew: what was sealed with one that stands, and was
        durable by then, is not lost with a key that went before. Raises as `secret` does."""
        self._known.pop(number, None)
        return self.alive(number)

    def current(self, owner: str, now_ns: int) -> Derived:
        """The key for something that an owner keeps from now on, asked for anew: what is kept after a key was shredded
        must not be lost with it. Raises sqlite3.Error, OSError, ValueError."""
        number = self._asked(owner, _month(now_ns), now_ns)
        return Derived(number, self._known[number].secret)

    def secret(self, number: int) -> bytes | None:
        """The key of this purpose by its number; None when it was shredded.

        Raises sqlite3.Error, OSError; ValueError when the data keys cannot be opened.
        """
        found = self._find(number)
        return found.secret if found.cipher is not None else None

    def _living(self, owner: str, now_ns: int) -> tuple[int, AESGCM]:
        number = self._number(owner, now_ns)
        cipher = self._find(number).cipher
        if cipher is None:  # shredded this very moment: there is a new one
            self._current.clear()
            number = self._number(owner, now_ns)
            cipher = self._find(number).cipher
        if cipher is None:
            raise ValueError("the data key cannot be had")
        return number, cipher

    def _number(self, owner: str, now_ns: int) -> int:
        month = _month(now_ns)
        found = self._current.get((owner, month))
        if found and time.monotonic() - found[1] < _FRESH_S:
            return found[0]
        return self._asked(owner, month, now_ns)

    def _asked(self, owner: str, month: str, now_ns: int) -> int:
        key = self._ring.current(owner, month, now_ns)
        if len(self._current) >= _KNOWN:
            self._current.clear()
        self._current[owner, month] = key.id, time.monotonic()
        self._known[key.id] = self._derived(key.secret)
        return key.id

    def _find(self, number: int) -> _Known:
        known = self._known.get(number)
        if known is None or time.monotonic() - known.asked_s > _FRESH_S:
            secret = self._ring.find(number)
            if len(self._known) >= _KNOWN:
                self._known.clear()
            known = self._known[number] = self._derived(secret) if secret else _Known(b"", None, time.monotonic())
        return known

    def _derived(self, secret: bytes) -> _Known:
        made = blake2b(b"", digest_size=32, key=secret, person=self._purpose).digest()
        return _Known(made, AESGCM(made), time.monotonic())


def _month(now_ns: int) -> str:
    return time.strftime("%Y-%m", time.gmtime(now_ns // 10**9))
