"""What a key looks like, and how it is kept: never itself, only its HMAC-SHA256 under a secret of this installation.

zs_ 4fK0tq81LmZx  9c...           48 base62 characters: 12 that name the key (k_4fK0tq81LmZx), 36 (214 bits) secret
"""

from __future__ import annotations

import hmac
import re
import secrets
import string

import msgspec

from zhongshu.core.access import Limits
from zhongshu.core.dials import NO_PREFERENCE, Preference

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_OURS = re.compile(r"zs_([0-9A-Za-z]{12})[0-9A-Za-z]{28,}")
_USABLE = re.compile(r"[!-~]{16,256}")


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it may be shown. Times: wall clock, UTC, ns. models: names it may ask for, empty for all. prefers: how
    its turns are weighed where they do not say."""

    id: str
    tenant: str
    name: str
    role: str = "user"
    models: tuple[str, ...] = ()
    limits: Limits = Limits()
    created_ns: int
    expires_ns: int | None = None
    revoked_ns: int | None = None
    prefers: Preference = NO_PREFERENCE

    def state(self, now_ns: int) -> str:
        """ "active", "expired" or "revoked"."""
        if self.revoked_ns is not None:
            return "revoked"
        return "expired" if self.expires_ns is not None and self.expires_ns <= now_ns else "active"


class KeyChange(msgspec.Struct, frozen=True):
    """Who changed what a key prefers, when (wall clock, UTC, ns), from what to what."""

    number: int
    key: str
    at_ns: int
    by: str
    before: Preference
    after: Preference


class NewKey(msgspec.Struct, frozen=True):
    """A key just made, with its secret: the one time it can be seen."""

    key: Key
    secret: str

    def __repr__(self) -> str:
        return f"NewKey({self.key.id})"


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation or team that keys belong to."""

    id: str
    title: str = ""
    limits: Limits = Limits()
    created_ns: int


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What a user or a model may cost. whose: the user's name ("*": each user who has none of their own) or the name
    that is asked for. tenant: "*" for a model's budget over all tenants."""

    tenant: str
    scope: str
    whose: str
    budget_nano: int
    period: str = "month"
    currency: str = "CNY"
    created_ns: int = 0


def mint() -> str:
    """A new key."""
    return "zs_" + "".join(secrets.choice(ALPHABET) for _ in range(48))


def key_id(secret: str) -> str:
    """The name of a key that may be written down. A key not of our making (ZHONGSHU_FIRST_KEY) gets a random one."""
    ours = _OURS.fullmatch(secret)
    return "k_" + (ours[1] if ours else "".join(secrets.choice(ALPHABET) for _ in range(12)))


def usable(secret: str) -> bool:
    """Whether somebody's own choice will do as a key: 16 to 256 printable ASCII characters without spaces."""
    return _USABLE.fullmatch(secret) is not None


def digest(pepper: bytes, credential: bytes) -> bytes:
    """What is stored of a key. A key has 214 random bits, so one keyed hash is enough (no password hashing)."""
    return hmac.digest(pepper, credential, "sha256")
