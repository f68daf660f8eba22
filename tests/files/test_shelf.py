"""The shelf: room for each tenant, expiry, and what a crash may leave behind."""

import asyncio
import hashlib
import os

import pytest
from sqlalchemy import update

from zhongshu.core.problems import Fault
from zhongshu.core.times import month_of
from zhongshu.files.shelf import FileShelf
from zhongshu.files.tables import files


async def keep(shelf, data=b"x", tenant="acme", **more):
    upload = await shelf.begin(tenant)
    try:
        await upload.write(data)
        return await shelf.keep(upload, key_id="k", purpose="user_data", filename="a", **more)
    finally:
        upload.discard()


async def refused(awaitable):
    with pytest.raises(Fault) as raised:
        await awaitable
    return raised.value.problem.code


async def test_kept_read_and_deleted(shelf):
    made = await keep(shelf, b"hello")
    assert await shelf.get("acme", made.id) == made
    assert b"".join([piece async for piece in shelf.pieces(made)]) == b"hello"
    assert await refused(shelf.get("other", made.id)) == "file_not_found"
    assert await refused(shelf.delete("other", made.id)) == "file_not_found"
    await shelf.delete("acme", made.id)
    assert not shelf.path(made).exists()


async def test_room_is_shared_by_a_tenants_files_and_by_nobody_else(shelf):
    await keep(shelf, b"x" * 4096)
    assert await refused(keep(shelf, b"x" * 4097)) == "file_too_large"
    await keep(shelf, b"x" * 4000)
    assert await refused(keep(shelf, b"x" * 97)) == "file_quota_exceeded"
    await keep(shelf, b"x" * 96)
    assert await refused(shelf.begin("acme")) == "file_quota_exceeded"
    await keep(shelf, b"x" * 4096, tenant="other")


async def test_uploads_at_once_cannot_share_the_same_room(shelf):
    await keep(shelf, b"x" * 4000)
    done = await asyncio.gather(*(keep(shelf, b"x" * 4000) for _ in range(3)), return_exceptions=True)
    codes = [each.problem.code for each in done if isinstance(each, Fault)]
    assert codes == ["file_quota_exceeded"] * 2
    assert len(list(shelf.path(next(d for d in done if not isinstance(d, Fault))).parent.iterdir())) == 2


async def test_an_expired_file_is_gone_at_once_and_swept_later(shelf, clock):
    short, long = await keep(shelf, expires_s=60), await keep(shelf)
    clock.advance(61)
    assert await refused(shelf.get("acme", short.id)) == "file_not_found"
    assert [file.id for file in await shelf.page("acme", purpose=None, after=None, limit=9)] == [long.id]
    assert shelf.path(short).exists()
    await shelf.sweep()
    assert not shelf.path(short).exists()
    assert shelf.path(long).exists()


async def test_a_blob_without_a_row_is_swept_when_it_is_old(shelf):
    kept = await keep(shelf)
    lost, fresh = shelf.path(kept).with_name("file-lost"), shelf.path(kept).with_name("file-fresh")
    lost.write_bytes(b"x")
    fresh.write_bytes(b"x")
    os.utime(lost, (1, 1))
    os.utime(shelf.path(kept), (1, 1))
    await shelf.sweep()
    assert (lost.exists(), fresh.exists(), shelf.path(kept).exists()) == (False, True, True)


async def test_making_a_file_of_our_own_again_changes_nothing(shelf):
    async def pieces():
        yield b"x" * 5000

    for _ in range(2):
        made = await shelf.put(
            pieces(), tenant="acme", key_id="k", purpose="batch_output", filename="o", id="file-same"
        )
    assert (made.id, made.bytes) == ("file-same", 5000)
    assert len(await shelf.page("acme", purpose=None, after=None, limit=9)) == 1


async def test_pages_go_on_where_the_last_ended(shelf, clock):
    made = []
    for _ in range(5):
        made.append((await keep(shelf)).id)
        clock.advance(1)
    first = await shelf.page("acme", purpose=None, after=None, limit=2)
    rest = await shelf.page("acme", purpose=None, after=first[-1].id, limit=9)
    assert [file.id for file in (*first, *rest)] == made[::-1]
    up = await shelf.page("acme", purpose=None, after=made[1], limit=9, newest=False)
    assert [file.id for file in up] == made[2:]


async def content(shelf, file):
    return b"".join([piece async for piece in shelf.pieces(file)])


def is_gone(path):
    return not path.exists()


async def test_contents_lie_sealed_and_the_digest_is_of_the_content(shelf):
    made = await keep(shelf, b"a secret of acme")
    assert b"secret" not in shelf.path(made).read_bytes()
    assert made.sha256 == hashlib.sha256(b"a secret of acme").hexdigest()
    assert made.bytes == 16


async def test_no_file_stands_in_for_another(shelf):
    one, two = await keep(shelf, b"one"), await keep(shelf, b"two", tenant="other")
    shelf.path(one).write_bytes(shelf.path(two).read_bytes())
    assert await refused(content(shelf, one)) == "file_damaged"


async def test_a_file_from_before_sealing_is_read_and_then_sealed(shelf, state):
    made = await keep(shelf, b"as it came")
    shelf.path(made).write_bytes(b"as it came")
    with state.write() as db:
        db.execute(update(files).values(text_key=None))
    plain = await shelf.get("acme", made.id)
    assert await content(shelf, plain) == b"as it came"
    await shelf.sweep()
    assert b"as it came" not in shelf.path(made).read_bytes()
    assert await shelf.get("acme", made.id) == made
    assert await content(shelf, made) == b"as it came"
    assert await content(shelf, plain) == b"as it came"  # who looked it up before it was sealed


async def test_a_plain_file_put_in_the_place_of_a_sealed_one_is_not_given(shelf):
    made = await keep(shelf, b"as it came")
    shelf.path(made).write_bytes(b"as it went")
    assert await refused(content(shelf, made)) == "file_damaged"


async def test_shredding_a_months_key_takes_its_files_and_no_others(shelf, ring, clock, monkeypatch):
    monkeypatch.setattr("zhongshu.storage.sealing._FRESH_S", 0.0)
    january, others = await keep(shelf, b"x"), await keep(shelf, b"y", tenant="other")
    month = month_of(clock.now_ns())
    clock.advance(40 * 86_400)
    march = await keep(shelf, b"z")
    assert ring.shred("acme", month, clock.now_ns(), "asked for") == 1
    assert await refused(content(shelf, january)) == "file_not_found"
    await shelf.sweep()
    assert is_gone(shelf.path(january))
    assert await refused(shelf.get("acme", january.id)) == "file_not_found"
    assert [await content(shelf, others), await content(shelf, march)] == [b"y", b"z"]


async def test_what_is_kept_right_after_a_key_was_shredded_is_not_lost_with_it(shelf, ring, clock):
    before = await keep(shelf, b"before")
    assert ring.shred("acme", month_of(clock.now_ns()), clock.now_ns(), "asked for") == 1
    after = await keep(shelf, b"after")
    assert after.text_key != before.text_key
    assert await content(shelf, after) == b"after"


@pytest.mark.parametrize("times", [1, 3])
async def test_an_upload_during_which_texts_are_erased_stays(shelf, ring, clock, times, monkeypatch):
    """It was begun before and is acknowledged after it: the moment is held, as often as it takes."""
    upload = await shelf.begin("acme")
    month = month_of(clock.now_ns())
    await upload.write(b"one ")
    told = shelf._sealer.stands
    left = [None] * times

    def erased_just_now(number):
        if left:
            left.pop()
            assert ring.shred("acme", month, clock.now_ns(), "asked for") == 1
        return told(number)

    monkeypatch.setattr(shelf._sealer, "stands", erased_just_now)
    await upload.write(b"two")
    kept = await shelf.keep(upload, key_id="k", purpose="p", filename="f")
    assert not left
    stored = await shelf.get("acme", kept.id)
    assert await content(shelf, stored) == b"one two"
    await shelf.sweep()
    assert await content(shelf, stored) == b"one two"
    other = FileShelf(shelf.path(kept).parent.parent, shelf._database, ring, lambda: shelf.limits, clock)
    assert await content(other, stored) == b"one two", "and for a process that never knew the keys of before"
