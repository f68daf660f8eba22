"""Every way to change a journal is found, and an untouched one is not accused."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhongshu.core.clock import FakeClock
from zhongshu.core.records import Record
from zhongshu.ledger.checkpoints import Signer, checkpoint_file, public_key, read_line, read_lines
from zhongshu.ledger.findings import Report
from zhongshu.ledger.frames import MAGIC, Frame, first_bytes, frame_bytes
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.keeper import Keeper
from zhongshu.ledger.segments import Scan, segment_path, segments, stream_folder
from zhongshu.ledger.settings import LedgerSettings
from zhongshu.ledger.verify import verify

Make = Callable[..., Record]
STREAMS = ("w0", "w1")


def kinds(report: Report) -> set[str]:
    return {found.kind for found in report.findings}


async def write(home: Path, clock: FakeClock, make: Make, stream: str, count: int = 12) -> None:
    journal = open_journal(LedgerSettings(min_free_bytes=0, segment_bytes=4096), home, stream, clock)
    for number in range(count):
        clock.advance(1)
        await journal.write(make(number))
    await journal.aclose()


def sign(home: Path, clock: FakeClock, *anchors: Path) -> None:
    keeper = Keeper(LedgerSettings(anchors=tuple(map(str, anchors))), home, clock)
    keeper.index_all()
    keeper.checkpoint()
    keeper.close()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory, make: Make) -> Path:
    """Two streams of several segments, two checkpoints, and their copy at an anchor."""
    home = tmp_path_factory.mktemp("sound") / "home"
    clock = FakeClock()
    for _ in range(2):
        for stream in STREAMS:
            asyncio.run(write(home, clock, make, stream))
        sign(home, clock, home.parent / "anchor.jsonl")
    return home


@pytest.fixture
def copy(sound: Path, tmp_path: Path) -> Path:
    shutil.copytree(sound, tmp_path / "home")
    return tmp_path / "home"


def frames(path: Path) -> list[Frame]:
    return list(Scan(path, check=False))


def raw(path: Path, frame: Frame) -> bytes:
    return path.read_bytes()[frame.offset : frame.end]


def test_an_untouched_journal_is_whole(sound: Path) -> None:
    report = verify(sound, anchor=sound.parent / "anchor.jsonl")
    assert report.ok, report.findings
    assert (report.streams, report.records, report.checkpoints) == (2, 48, 2)
    assert report.segments >= 8
    assert report.notes == ()


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_changed_byte_is_found(sound: Path, data: st.DataObject) -> None:
    files = [*sorted((sound / "journal").rglob("*.zsj")), checkpoint_file(sound)]
    path = data.draw(st.sampled_from(files))
    # Without its very last byte, the end of a line, the newest checkpoint is one that a crash cut off (read_lines).
    place = data.draw(st.integers(0, path.stat().st_size - (2 if path.suffix == ".jsonl" else 1)))
    flip = data.draw(st.integers(1, 255))
    before = path.read_bytes()
    changed = bytearray(before)
    changed[place] ^= flip
    path.write_bytes(changed)
    try:
        assert not verify(sound).ok
    finally:
        path.write_bytes(before)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_removed_frame_is_found(sound: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted((sound / "journal").rglob("*.zsj"))))
    found = frames(path)
    frame = data.draw(st.sampled_from(found))
    before = path.read_bytes()
    path.write_bytes(before[: frame.offset] + before[frame.end :])
    try:
        assert not verify(sound).ok
    finally:
        path.write_bytes(before)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_any_cut_off_end_is_found(sound: Path, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted((sound / "journal").rglob("*.zsj"))))
    before = path.read_bytes()
    path.write_bytes(before[: data.draw(st.integers(0, len(before) - 1))])
    try:
        assert not verify(sound).ok
    finally:
        path.write_bytes(before)


@pytest.mark.parametrize("apart", [1, 2])
def test_exchanged_frames_are_called_reordered(copy: Path, apart: int) -> None:
    path = segment_path(stream_folder(copy, "w0"), 1)
    all_ = frames(path)
    first, second = all_[1], all_[1 + apart]
    data = path.read_bytes()
    between = data[first.end : second.offset]
    path.write_bytes(data[: first.offset] + raw(path, second) + between + raw(path, first) + data[second.end :])
    report = verify(copy)
    assert "reordered" in kinds(report)
    assert {found.file for found in report.findings} == {"journal/w0/00000001.zsj"}
    assert 1 in {found.frame for found in report.findings}


def test_an_edit_names_its_file_and_frame(copy: Path) -> None:
    path = segment_path(stream_folder(copy, "w1"), 2)
    frame = frames(path)[2]
    data = bytearray(path.read_bytes())
    data[frame.end - 1] ^= 1
    path.write_bytes(data)
    (found,) = verify(copy).findings
    assert (found.kind, found.file, found.frame) == ("edited", "journal/w1/00000002.zsj", 2)
    assert "00000002.zsj" in found.en
    assert "2" in found.zh


@pytest.mark.parametrize("which", ["first", "middle", "last"])
def test_a_removed_segment_is_found(copy: Path, which: str) -> None:
    folder = stream_folder(copy, "w0")
    numbers = segments(folder)
    number = {"first": numbers[0], "middle": numbers[1], "last": numbers[-1]}[which]
    segment_path(folder, number).unlink()
    assert "missing_segment" in kinds(verify(copy))


def test_exchanged_segments_are_found(copy: Path) -> None:
    folder = stream_folder(copy, "w0")
    first, second = segment_path(folder, 1), segment_path(folder, 2)
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)
    assert "header" in kinds(verify(copy))


def test_a_segment_of_another_stream_is_found(copy: Path) -> None:
    shutil.copy(segment_path(stream_folder(copy, "w1"), 1), segment_path(stream_folder(copy, "w0"), 1))
    assert "header" in kinds(verify(copy))


def test_a_removed_stream_is_found(copy: Path) -> None:
    shutil.rmtree(stream_folder(copy, "w1"))
    assert kinds(verify(copy)) == {"missing_stream"}


def rewrite(home: Path, stream: str, leave_out: bytes) -> None:
    """Forge a whole stream, every chain value recomputed, without the frames that hold `leave_out`."""
    folder = stream_folder(home, stream)
    prev, count = bytes(32), 0
    for number in segments(folder):
        path = segment_path(folder, number)
        scan = Scan(path, check=False)
        kept = [frame for frame in scan if frame.number and leave_out not in frame.payload]
        assert scan.header
        header = scan.header
        data, head = first_bytes(type(header)(1, stream, number, prev, count, header.opened_ns, header.fields))
        for frame in kept:
            more, head = frame_bytes(head, frame.written_ns, frame.payload)
            data += more
        path.write_bytes(data)
        prev, count = head, len(kept)


def test_a_rewritten_chain_holds_in_itself_but_not_against_checkpoints(copy: Path) -> None:
    rewrite(copy, "w0", b"%032x" % 3)
    found = kinds(verify(copy))
    assert found & {"rewritten", "truncated"}
    assert "edited" not in found
    checkpoint_file(copy).unlink()
    assert verify(copy).ok, "the forgery is perfect but for the checkpoints"


def test_even_with_the_same_count_a_rewritten_chain_is_found(copy: Path) -> None:
    path = segment_path(stream_folder(copy, "w0"), segments(stream_folder(copy, "w0"))[-1])
    scan = Scan(path, check=False)
    found = [frame for frame in scan if frame.number]
    assert scan.header
    data, head = first_bytes(scan.header)
    for frame in found:
        more, head = frame_bytes(head, frame.written_ns, frame.payload.replace(b"acme", b"evil"))
        data += more
    path.write_bytes(data)
    assert kinds(verify(copy)) == {"rewritten"}


def test_checkpoints_signed_anew_are_found_by_the_noted_key_or_an_anchor(copy: Path, sound: Path) -> None:
    noted = public_key(copy)
    rewrite(copy, "w0", b"%032x" % 3)
    checkpoint_file(copy).unlink()
    (copy / "secrets" / "checkpoint.key").unlink()
    (copy / "index.db").unlink()
    sign(copy, FakeClock(FakeClock().wall + 10**12))
    assert verify(copy).ok, "a forger with the whole disk leaves no trace on it"
    assert "checkpoint" in kinds(verify(copy, public=noted))
    assert kinds(verify(copy, anchor=sound.parent / "anchor.jsonl")) >= {"anchor_differs", "checkpoint"}


def test_an_end_cut_off_together_with_its_checkpoint_is_found_by_an_anchor(copy: Path, sound: Path) -> None:
    path = checkpoint_file(copy)
    first = read_lines(path)[0]
    body = read_line(first, None).body
    assert body is not None
    path.write_bytes(first + b"\n")
    for stream, state in body.streams.items():  # type: ignore[union-attr]
        for number in segments(stream_folder(copy, stream)):
            if number > state.segment:
                segment_path(stream_folder(copy, stream), number).unlink()
    assert verify(copy).ok, "cut off cleanly, nothing on this disk knows"
    found = kinds(verify(copy, anchor=sound.parent / "anchor.jsonl"))
    assert found >= {"anchor_more", "missing_segment"}


@pytest.mark.parametrize("lines", [(1, 0), (1,), (0, 0, 1)])
def test_moved_and_removed_checkpoints_are_found(copy: Path, lines: tuple[int, ...]) -> None:
    path = checkpoint_file(copy)
    there = read_lines(path)
    path.write_bytes(b"".join(there[number] + b"\n" for number in lines))
    assert "checkpoint_order" in kinds(verify(copy))


async def test_a_clock_turned_back_is_found(home: Path, clock: FakeClock, make: Make) -> None:
    await write(home, clock, make, "w0")
    clock.advance(-3600)
    await write(home, clock, make, "w0", 2)
    (found,) = verify(home).findings
    assert (found.kind, found.file) == ("clock", "journal/w0/00000003.zsj")
    assert "3600" in found.en


async def test_a_clock_put_right_by_a_little_is_not(home: Path, clock: FakeClock, make: Make) -> None:
    await write(home, clock, make, "w0")
    clock.advance(-2)
    await write(home, clock, make, "w0", 2)
    assert verify(home).ok


async def test_a_clock_turned_back_between_checkpoints_is_found(home: Path, clock: FakeClock, make: Make) -> None:
    await write(home, clock, make, "w0")
    sign(home, clock)
    clock.advance(-3600)
    await write(home, clock, make, "w1", 2)
    sign(home, clock)
    assert kinds(verify(home)) == {"checkpoint_clock"}


async def test_records_newer_than_the_checkpoint_are_mentioned(home: Path, clock: FakeClock, make: Make) -> None:
    await write(home, clock, make, "w0", 3)
    sign(home, clock)
    journal = open_journal(LedgerSettings(min_free_bytes=0), home, "w0", clock)
    await journal.write(make(9))
    await journal.aclose()
    report = verify(home)
    assert report.ok
    assert report.records == 4
    (note,) = report.notes
    assert note.kind == "uncovered"
    assert "1 records" in note.en


def test_a_file_that_is_no_journal_is_found(copy: Path) -> None:
    segment_path(stream_folder(copy, "w0"), 1).write_bytes(MAGIC[:4] + b"something else entirely")
    assert not verify(copy).ok


def test_an_anchor_that_was_out_of_reach_is_caught_up(copy: Path, tmp_path: Path) -> None:
    anchor = tmp_path / "away" / "anchor.jsonl"
    signer = Signer(copy, [str(anchor)], [], 1.0)
    signer.checkpoint(FakeClock().wall + 10**12, {})
    assert read_lines(anchor) == read_lines(checkpoint_file(copy))
    assert len(read_lines(anchor)) == 3


def test_a_line_torn_by_a_crash_is_replaced(copy: Path, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.jsonl"
    for path in (checkpoint_file(copy), anchor):
        with path.open("ab") as file:
            file.write(b'{"body":{"kind":')
    signer = Signer(copy, [str(anchor)], [], 1.0)
    assert signer.checkpoint(FakeClock().wall + 10**12, {}) == []
    assert read_lines(anchor) == read_lines(checkpoint_file(copy))
    report = verify(copy, anchor=anchor)
    assert report.ok
    assert report.checkpoints == 3


def test_an_anchor_command_gets_each_line_until_it_takes_it(copy: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    signer = Signer(copy, [], ["sh", "-c", f"test -d {taken} && cat >> {taken}/lines"], 5.0)
    assert signer.checkpoint(FakeClock().wall + 10**12, {}) == ["sh: CalledProcessError"]
    taken.mkdir()
    assert signer.checkpoint(FakeClock().wall + 2 * 10**12, {}) == []
    assert (taken / "lines").read_bytes().splitlines() == read_lines(checkpoint_file(copy))[-2:]
