"""Texts on their way into the journal, and out again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from zhongshu.core.records import Record
from zhongshu.ledger.seal import DIGEST, SEALED, Opener, Sealed, Sealer, Texts
from zhongshu.ledger.settings import TextPolicy
from zhongshu.ledger.textkeys import TextKeys

Make = Callable[..., Record]


async def sealed(sealer: Sealer, record: Record) -> Sealed:
    while (done := sealer.seal(record)) is None:
        await sealer.fetch(record.tenant, record.at_ns)
    return done


@pytest.mark.parametrize(
    ("policy", "kind"),
    [("encrypted", SEALED), ("digest", DIGEST), ("none", None)],
)
async def test_the_policy_says_what_is_kept(policy: TextPolicy, kind: int | None, home: Path, make: Make) -> None:
    kept = await sealed(Sealer(policy, home), make(1))
    assert (kept[0] if kept else None) == kind
    assert b"hello" not in msgspec.msgpack.encode(kept)
    opened = Opener(home).open(kept, make(1).trace)
    assert opened == (Texts(make(1).prompt, make(1).answer) if kind == SEALED else None)


async def test_without_texts_nothing_is_sealed(home: Path, make: Make) -> None:
    assert Sealer("encrypted", home).seal(make(1, prompt=b"", answer=b"")) == ()


async def test_a_digest_is_of_exactly_its_texts(home: Path, make: Make) -> None:
    """Of one tenant's month, equal texts have equal digests, and no others do."""
    sealer = Sealer("digest", home)
    texts = make(1)
    first = await sealed(sealer, texts)
    assert await sealed(sealer, make(2, prompt=texts.prompt, answer=texts.answer)) == first
    other = await sealed(sealer, make(3, prompt=texts.prompt + b".", answer=texts.answer))
    assert (other[2] == first[2], other[3] == first[3]) == (False, True)
    theirs = await sealed(sealer, make(4, tenant="other", prompt=texts.prompt, answer=texts.answer))
    assert theirs[2:] != first[2:]


async def test_each_tenant_and_month_has_its_own_key(home: Path, make: Make) -> None:
    sealer = Sealer("encrypted", home)
    next_month = make(1).at_ns + 31 * 86_400 * 10**9
    records = [make(1), make(2), make(3, tenant="other"), make(4, at_ns=next_month)]
    ids = [(await sealed(sealer, record))[1] for record in records]
    assert ids == [1, 1, 2, 3]
    assert [(row.tenant, row.month) for row in TextKeys(home).rows()] == [
        ("acme", "2023-11"), ("other", "2023-11"), ("acme", "2023-12"),
    ]  # fmt: skip


async def test_no_nonce_is_used_twice_across_starts_and_processes(home: Path, make: Make) -> None:
    nonces = [
        (await sealed(sealer, make(n)))[2]
        for sealer in (Sealer("encrypted", home) for _ in range(5))
        for n in range(200)
    ]
    assert len(set(nonces)) == 1000


async def test_asking_at_once_makes_one_key(home: Path, make: Make) -> None:
    sealer = Sealer("encrypted", home)
    await asyncio.gather(*(sealed(sealer, make(n)) for n in range(20)))
    assert len(TextKeys(home).rows()) == 1


async def test_a_text_moved_to_another_record_does_not_open(home: Path, make: Make) -> None:
    kept = await sealed(Sealer("encrypted", home), make(1))
    with pytest.raises(ValueError, match="changed"):
        Opener(home).open(kept, make(2).trace)


async def test_a_shredded_key_is_gone_from_the_file(home: Path, make: Make) -> None:
    keys = TextKeys(home)
    kept = await sealed(Sealer("encrypted", home), make(1))
    with sqlite3.connect(home / "textkeys.db") as db:
        (wrapped,) = db.execute("SELECT wrapped FROM text_keys").fetchone()
    assert keys.shred("acme", "2023-11", 99, "request 1") == 1
    assert keys.shred("acme", "2023-11", 99, "request 1") == 0
    assert Opener(home).open(kept, make(1).trace) is None
    assert wrapped not in (home / "textkeys.db").read_bytes()
    assert [(row.shredded_ns, row.reason) for row in keys.rows()] == [(99, "request 1")]
    fresh = await sealed(Sealer("encrypted", home), make(1))
    assert Opener(home).open(fresh, make(1).trace) == Texts(make(1).prompt, make(1).answer)


async def test_another_master_key_says_which_file_to_restore(home: Path, make: Make) -> None:
    kept = await sealed(Sealer("encrypted", home), make(1))
    (home / "secrets" / "text.key").write_bytes(bytes(32))
    with pytest.raises(ValueError, match=r"text\.key"):
        Opener(home).open(kept, make(1).trace)


def test_the_key_files_are_for_their_owner_only(home: Path) -> None:
    TextKeys(home)
    assert (home / "secrets" / "text.key").stat().st_mode & 0o077 == 0
    assert (home / "textkeys.db").stat().st_mode & 0o077 == 0
