"""The shelf: room for each tenant, expiry, and what a crash may leave behind."""

import asyncio
import os

import pytest

from zhongshu.core.problems import Fault


async def keep(shelf, data=b"x", tenant="acme", **more):
    upload = await shelf.begin(tenant)
    try:
        await upload.write(data)
        return await shelf.keep(upload, tenant=tenant, key_id="k", purpose="user_data", filename="a", **more)
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
