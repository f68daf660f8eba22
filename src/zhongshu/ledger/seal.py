"""What becomes of a turn's texts on their way into the journal: sealed, replaced by a keyed digest, or left out.

A sealed text is a tuple that stands in the record's frame:
    ()                                       nothing kept
    (1, key id, nonce, ciphertext)           AES-256-GCM over msgpack [prompt, answer], bound to the trace id
    (2, key id, prompt HMAC, answer HMAC)    HMAC-SHA-256 under the same kind of key

Nonces follow NIST SP 800-38D 8.2.1: 8 bytes drawn anew by each process that seals, then a 4-byte counter, so none is
used twice, not even when the key store is restored from a backup.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import time
from pathlib import Path
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from zhongshu.core.records import Record
from zhongshu.core.times import month_bounds, month_of
from zhongshu.ledger.settings import TextPolicy
from zhongshu.ledger.textkeys import TextKeys

SEALED = 1
DIGEST = 2
KEY_TTL_S = 60.0
"""A shredded key is out of use everywhere this soon; what was sealed with it meanwhile is unreadable too."""

Sealed = tuple[Any, ...]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[bytes, bytes]).decode


class Texts(msgspec.Struct, frozen=True):
    """The JSON bytes of what was asked and what came back."""

    prompt: bytes
    answer: bytes


class Sealer:
    """Seals texts by policy. `seal` is quick but needs the key at hand; when it returns None, await `fetch` first."""

    def __init__(self, policy: TextPolicy, home: Path) -> None:
        self._policy = policy
        self._keys = None if policy == "none" else TextKeys(home)
        self._ready: dict[tuple[str, int], tuple[int, AESGCM, bytes]] = {}
        self._fetching: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._stale_at = 0.0
        self._month = (0, 0)
        self._prefix = b""
        self._count = 1 << 32

    def seal(self, record: Record) -> Sealed | None:
        """The record's texts as they will be kept; None when the key of its tenant and month must be fetched."""
        if self._keys is None or not (record.prompt or record.answer):
            return ()
        entry = self._ready.get((record.tenant, self._month_start(record.at_ns)))
        if entry is None or time.monotonic() > self._stale_at:
            return None
        key_id, cipher, secret = entry
        if self._policy == "digest":
            return DIGEST, key_id, _mac(secret, record.prompt), _mac(secret, record.answer)
        nonce = self._nonce()
        return (
            SEALED,
            key_id,
            nonce,
            cipher.encrypt(nonce, _encode((record.prompt, record.answer)), record.trace.encode()),
        )

    def check(self) -> None:
        """See whether a key could be got ready now. Blocking. Raises as `fetch`."""
        if self._keys is not None:
            self._keys.check()

    async def fetch(self, tenant: str, at_ns: int) -> None:
        """Get the key ready, off the event loop. Raises sqlite3.Error, OSError, ValueError."""
        if time.monotonic() > self._stale_at:
            self._ready.clear()
            self._stale_at = time.monotonic() + KEY_TTL_S
        name = (tenant, self._month_start(at_ns))
        task = self._fetching.get(name)
        if task is None:
            task = self._fetching[name] = asyncio.ensure_future(self._fetch(name, at_ns))
            task.add_done_callback(lambda _: self._fetching.pop(name, None))
        await asyncio.shield(task)

    async def _fetch(self, name: tuple[str, int], at_ns: int) -> None:
        assert self._keys is not None
        key = await asyncio.to_thread(self._keys.current, name[0], month_of(at_ns), at_ns)
        self._ready[name] = (key.id, AESGCM(key.secret), key.secret)

    def _month_start(self, at_ns: int) -> int:
        start, end = self._month
        if not start <= at_ns < end:
            self._month = start, _ = month_bounds(month_of(at_ns))
        return start

    def _nonce(self) -> bytes:
        if self._count >= 1 << 32:
            self._prefix, self._count = os.urandom(8), 0
        self._count += 1
        return self._prefix + (self._count - 1).to_bytes(4, "big")


class Opener:
    """Opens sealed texts again, for an operator who may."""

    def __init__(self, home: Path) -> None:
        self._keys = TextKeys(home)
        self._known: dict[int, bytes | None] = {}

    def open(self, sealed: Sealed, trace: str) -> Texts | None:
        """The texts; None when they were never kept, are only a digest, or their key was shredded.

        Raises ValueError when the ciphertext does not belong to this record or the master key is another.
        """
        if not sealed or sealed[0] != SEALED:
            return None
        secret = self._secret(sealed[1])
        if secret is None:
            return None
        try:
            return Texts(*_decode(AESGCM(secret).decrypt(sealed[2], sealed[3], trace.encode())))
        except InvalidTag:
            raise ValueError("the text does not belong to this record: the journal was changed") from None

    def _secret(self, id: int) -> bytes | None:
        if id not in self._known:
            self._known[id] = self._keys.find(id)
        return self._known[id]


def _mac(secret: bytes, text: bytes) -> bytes:
    return hmac.digest(secret, text, "sha256")
