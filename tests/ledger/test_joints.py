"""The two ends of every segment: what is missing, exchanged or cut is seen without reading what lies between."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ledger.test_verify import Make, copy, sign, sound, write
from zhongshu.core.clock import FakeClock
from zhongshu.ledger.joints import joints
from zhongshu.ledger.keeper import Keeper
from zhongshu.ledger.segments import segment_path, segments, stream_folder
from zhongshu.ledger.settings import LedgerSettings

__all__ = ["copy", "sound"]  # fixtures


def found(home: Path) -> set[tuple[str, str]]:
    return {(each.kind, each.file) for each in joints(home)}


def file(home: Path, number: int, stream: str = "w0") -> Path:
    return segment_path(stream_folder(home, stream), number)


def test_an_untouched_journal_joins(sound: Path) -> None:
    assert len(segments(stream_folder(sound, "w0"))) >= 4
    assert found(sound) == set()


def test_nothing_yet(tmp_path: Path) -> None:
    assert found(tmp_path / "home") == set()


async def test_records_newer_than_the_checkpoint_join_too(copy: Path, make: Make) -> None:
    await write(copy, FakeClock(), make, "w0")
    await write(copy, FakeClock(), make, "w9")
    assert found(copy) == set()


def _last(home: Path) -> int:
    return segments(stream_folder(home, "w0"))[-1]


def _remove(number: int) -> Callable[[Path], None]:
    return lambda home: file(home, number).unlink()


def _cut(home: Path) -> None:
    data = file(home, 2).read_bytes()
    file(home, 2).write_bytes(data[:-1])


def _grown(home: Path) -> None:
    with file(home, 2).open("ab") as more:
        more.write(b"\0" * 7)


def _emptied(home: Path) -> None:
    file(home, 2).write_bytes(b"")


def _exchanged(home: Path) -> None:
    shutil.copy(file(home, 2, "w1"), file(home, 2))


def _moved(home: Path) -> None:
    shutil.copy(file(home, 3), file(home, 2))


TWO, THREE = "journal/w0/00000002.zsj", "journal/w0/00000003.zsj"


@pytest.mark.parametrize(
    ("harm", "seen"),
    [
        (_remove(1), {("missing_segment", "journal/w0/00000001.zsj")}),
        (_remove(2), {("missing_segment", TWO)}),
        (_cut, {("unlinked", THREE)}),
        (_grown, {("unlinked", THREE)}),
        (_emptied, {("header", TWO), ("unlinked", THREE)}),
        (_exchanged, {("header", TWO), ("unlinked", THREE)}),
        (_moved, {("header", TWO), ("unlinked", THREE)}),
        (lambda home: shutil.rmtree(stream_folder(home, "w0")), {("missing_stream", "journal/w0")}),
    ],
)
def test_what_does_not_join_is_named(copy: Path, harm: Callable[[Path], None], seen: set[tuple[str, str]]) -> None:
    harm(copy)
    assert found(copy) == seen


def test_the_last_segment_is_missed_when_a_checkpoint_saw_it(copy: Path) -> None:
    last = _last(copy)
    file(copy, last).unlink()
    assert found(copy) == {("missing_segment", f"journal/w0/{last:08d}.zsj")}


async def test_what_was_pruned_is_not_missed(tmp_path: Path, make: Make) -> None:
    home, clock = tmp_path / "home", FakeClock()
    await write(home, clock, make, "w0")
    clock.advance(400 * 86_400)
    await write(home, clock, make, "w0")
    sign(home, clock)
    keeper = Keeper(LedgerSettings(), home, clock)
    keeper.prune()
    keeper.close()
    left = segments(stream_folder(home, "w0"))
    assert left[0] > 1
    assert found(home) == set()
    file(home, left[0]).unlink()
    assert found(home) == {("missing_segment", f"journal/w0/{left[0]:08d}.zsj")}
