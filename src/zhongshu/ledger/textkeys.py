"""The keys that texts are sealed with: one for each tenant and month, wrapped by the master key file.

Erasing texts means shredding their key: the row stays (who, which month, when, why), the wrapped key does not. The
file uses a rollback journal and secure_delete, so no copy of a shredded key lingers in a write-ahead log or a free page.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from zhongshu.storage.secrets import SecretError, load_or_create_secret

_SCHEMA = """
CREATE TABLE IF NOT EXISTS text_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    month TEXT NOT NULL,
    wrapped BLOB,
    made_ns INTEGER NOT NULL,
    shredded_ns INTEGER,
    reason TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS text_keys_live ON text_keys (tenant, month) WHERE wrapped IS NOT NULL;
"""


class TextKey(msgspec.Struct, frozen=True):
    """A data key in the clear, 32 bytes. `id` is what a record names it by."""

    id: int
    secret: bytes


class KeyRow(msgspec.Struct, frozen=True):
    """What may be shown of a key."""

    id: int
    tenant: str
    month: str
    made_ns: int
    shredded_ns: int | None
    reason: str | None


class TextKeys:
    """The key store of one home. Every call opens the file anew, so it may be used from any thread."""

    def __init__(self, home: Path) -> None:
        self._path = home / "textkeys.db"
        self._master = AESGCM(load_or_create_secret(home / "secrets" / "text.key"))
        if not self._path.exists():
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        with self._open() as db:
            db.executescript(_SCHEMA)

    @contextmanager
    def _open(self) -> Generator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        try:
            db.execute("PRAGMA synchronous=FULL")
            db.execute("PRAGMA secure_delete=ON")
            yield db
        finally:
            db.close()

    def current(self, tenant: str, month: str, now_ns: int) -> TextKey:
        """The live key of a tenant's month, made durable before it is first given out. Raises sqlite3.Error."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            row = db.execute(
                "SELECT id, wrapped FROM text_keys WHERE tenant = ? AND month = ? AND wrapped IS NOT NULL",
                (tenant, month),
            ).fetchone()
            if row is None:
                secret, nonce = os.urandom(32), os.urandom(12)
                wrapped = nonce + self._master.encrypt(nonce, secret, _bound(tenant, month))
                made = db.execute(
                    "INSERT INTO text_keys (tenant, month, wrapped, made_ns) VALUES (?, ?, ?, ?)",
                    (tenant, month, wrapped, now_ns),
                )
                key = TextKey(made.lastrowid or 0, secret)
            else:
                key = TextKey(row[0], self._unwrap(row[1], tenant, month))
            db.execute("COMMIT")
        return key

    def check(self) -> None:
        """See whether texts could be sealed now: the store can be written, and the master key opens the newest key.

        Raises SecretError when it is another master key, sqlite3.Error when the store cannot be used.
        """
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            row = db.execute(
                "SELECT tenant, month, wrapped FROM text_keys WHERE wrapped IS NOT NULL ORDER BY id DESC LIMIT 1"
            ).fetchone()
            db.execute("ROLLBACK")
        if row is not None:
            self._unwrap(row[2], row[0], row[1])

    def find(self, id: int) -> bytes | None:
        """The data key a record names; None when it was shredded or never was here.

        Raises SecretError when the master key file is not the one that wrapped it.
        """
        with self._open() as db:
            row = db.execute("SELECT tenant, month, wrapped FROM text_keys WHERE id = ?", (id,)).fetchone()
        if row is None or row[2] is None:
            return None
        return self._unwrap(row[2], row[0], row[1])

    def shred(self, tenant: str, month: str, now_ns: int, reason: str) -> int:
        """Destroy the live key of a tenant's month; how many there were (0 or 1)."""
        with self._open() as db:
            changed = db.execute(
                "UPDATE text_keys SET wrapped = NULL, shredded_ns = ?, reason = ?"
                " WHERE tenant = ? AND month = ? AND wrapped IS NOT NULL",
                (now_ns, reason, tenant, month),
            ).rowcount
            db.execute("VACUUM")
        return changed

    def rows(self) -> list[KeyRow]:
        """Every key there is or was."""
        with self._open() as db:
            found = db.execute("SELECT id, tenant, month, made_ns, shredded_ns, reason FROM text_keys ORDER BY id")
            return [KeyRow(*row) for row in found]

    def _unwrap(self, wrapped: bytes, tenant: str, month: str) -> bytes:
        try:
            return self._master.decrypt(wrapped[:12], wrapped[12:], _bound(tenant, month))
        except InvalidTag:
            raise SecretError("secrets/text.key is not the key these texts were sealed under; restore it") from None


def _bound(tenant: str, month: str) -> bytes:
    return f"{tenant}\0{month}".encode()
