"""Erasing a tenant's texts of a month by shredding their key. The record of each turn stays, and so does the chain,
which was made over the ciphertext; the erasure itself is journalled before the key goes.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from zhongshu.core.clock import Clock
from zhongshu.core.times import DAY_NS, month_bounds
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.payloads import Happening
from zhongshu.ledger.settings import LOCK_DAYS, LedgerSettings
from zhongshu.ledger.textkeys import TextKeys


class Locked(Exception):
    """The month lies inside the 183-day lock. Erase it only on a person's lawful request, and state it."""


def locked(month: str, now_ns: int) -> bool:
    """Whether any day of the month ("2026-11") is younger than the lock. Raises ValueError for what is no month."""
    _, end_ns = month_bounds(month)
    return end_ns > now_ns - LOCK_DAYS * DAY_NS


async def erase(
    settings: LedgerSettings, home: Path, clock: Clock, *, tenant: str, month: str, reason: str, lawful_request: bool
) -> int:
    """Shred the key of a tenant's month; how many keys that were. reason and who asked for it are journalled.

    Running workers stop using the key within seal.KEY_TTL_S. Raises Locked inside the lock unless the erasure is a
    lawful request, ValueError for what is no month, journal.SlotTaken while another command writes.
    """
    if locked(month, clock.now_ns()) and not lawful_request:
        raise Locked(f"{month} is younger than {LOCK_DAYS} days")
    keys = TextKeys(home)
    if not any(row.tenant == tenant and row.month == month and row.shredded_ns is None for row in keys.rows()):
        return 0
    facts = {"tenant": tenant, "month": month, "reason": reason, "lawful_request": "yes" if lawful_request else "no"}
    # Nothing is sealed here, so it works without the key that texts were sealed under too.
    journal = open_journal(msgspec.structs.replace(settings, text="none"), home, "cli", clock)
    try:
        await journal.note(Happening("texts_erased", clock.now_ns(), facts))
    finally:
        await journal.aclose()
    return keys.shred(tenant, month, clock.now_ns(), reason)
