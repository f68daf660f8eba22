"""The tape: nothing is lost to a reader that keeps up or comes back, and the writer waits for one that does not."""

import asyncio

import pytest

from zhongshu.api.ws.tape import Lost, Tape


async def test_what_is_written_is_read_in_order_and_then_ends():
    tape = Tape(1000)
    await tape.add("delta", b"1")
    tape.put("done")
    tape.end()
    assert [(piece.seq, piece.kind) for piece in await tape.after(0)] == [(1, "delta"), (2, "done")]
    assert [piece.seq for piece in await tape.after(1)] == [2]
    assert await tape.after(2) == []


async def test_a_reader_waits_for_the_next_piece():
    tape = Tape(1000)
    reading = asyncio.create_task(tape.after(0))
    await asyncio.sleep(0)
    assert not reading.done()
    await tape.add("delta", b"x")
    assert [piece.payload for piece in await reading] == [b"x"]


async def test_a_full_tape_makes_the_writer_wait_until_it_is_read():
    tape = Tape(10)
    await tape.add("delta", b"x" * 8)
    writing = asyncio.create_task(tape.add("delta", b"y" * 8))
    await asyncio.sleep(0.01)
    assert not writing.done()
    await tape.after(0)
    await asyncio.sleep(0.01)
    assert not writing.done()  # handed over, but not known to have been read
    reading = asyncio.create_task(tape.after(1))
    await writing
    assert [piece.seq for piece in await reading] == [2]


async def test_what_was_read_and_dropped_cannot_be_read_again():
    tape = Tape(10)
    for number in range(5):
        await tape.add("delta", b"x" * 8)
        if number < 4:
            reading = asyncio.create_task(tape.after(number + 1))
            await asyncio.sleep(0)
            reading.cancel()
    with pytest.raises(Lost):
        await tape.after(0)
    assert [piece.seq for piece in await tape.after(4)] == [5]


async def test_a_piece_larger_than_the_tape_passes_alone():
    tape = Tape(10)
    await tape.add("delta", b"x" * 100)
    assert len(await tape.after(0)) == 1


async def test_a_place_beyond_the_end_is_lost():
    tape = Tape(10)
    tape.end()
    with pytest.raises(Lost):
        await tape.after(7)
