"""Texts on their way into the database and back: AES-256-GCM, a key for each tenant.

A tenant's key is derived from the master key file by HKDF (RFC 5869); nonces are random (NIST SP 800-38D 8.2.2). What is
sealed is bound to its tenant, its turn and its field, so that no row can stand in for another.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12
_REMEMBERED = 10_000


class Unsealable(ValueError):
    """A text does not open: it belongs elsewhere, or the master key is another."""


class Sealer:
    """Seals and opens. Safe to use from several threads."""

    def __init__(self, master: bytes) -> None:
        self._master = master
        self._ciphers: dict[str, AESGCM] = {}

    def seal(self, tenant: str, place: str, text: bytes) -> bytes:
        """`place` says where the text will stand, such as "turn-id/asked"."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher(tenant).encrypt(nonce, text, _bound(tenant, place))

    def open(self, tenant: str, place: str, sealed: bytes) -> bytes:
        """The text again. Raises Unsealable."""
        try:
            return self._cipher(tenant).decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(tenant, place))
        except InvalidTag:
            raise Unsealable("a remembered turn does not open; restore secrets/sessions.key") from None

    def _cipher(self, tenant: str) -> AESGCM:
        cipher = self._ciphers.get(tenant)
        if cipher is None:
            if len(self._ciphers) >= _REMEMBERED:
                self._ciphers.clear()
            key = HKDF(SHA256(), 32, salt=None, info=b"zhongshu sessions\0" + tenant.encode()).derive(self._master)
            cipher = self._ciphers[tenant] = AESGCM(key)
        return cipher


def _bound(tenant: str, place: str) -> bytes:
    return f"{tenant}\0{place}".encode()
