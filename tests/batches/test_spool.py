"""The spool: what was kept before a crash is there after it, a torn line is not, and one process holds it."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.batches.spool import take


def lines(spool, ok=True):
    return list(spool.results(ok=ok))


def test_results_come_in_the_order_of_the_input(tmp_path):
    spool = take(tmp_path / "b")
    for number, ok in ((3, True), (1, True), (2, False)):
        spool.add(number, ok=ok, result=b'{"n":%d}' % number)
    assert lines(spool) == [b'{"n":1}\n', b'{"n":3}\n']
    assert lines(spool, ok=False) == [b'{"n":2}\n']
    assert (spool.completed, spool.failed) == (2, 1)
    assert 3 in spool
    assert 4 not in spool
    spool.close()


@given(st.integers(min_value=0, max_value=200))
def test_cut_anywhere_it_holds_its_whole_lines_and_goes_on(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("spool") / "b"
    spool = take(folder)
    ends = [0]
    for number in range(5):
        spool.add(number, ok=number != 2, result=b'{"n":%d,"x":"%b"}' % (number, b"y" * number))
        ends.append((folder / "done").stat().st_size)
    spool.close()
    size = min(cut, ends[-1])
    with (folder / "done").open("rb+") as file:
        file.truncate(size)
    whole = sum(1 for end in ends[1:] if end <= size)
    again = take(folder)
    assert [number in again for number in range(5)] == [number < whole for number in range(5)]
    for number in range(whole, 5):
        again.add(number, ok=True, result=b'{"again":%d}' % number)
    assert again.completed + again.failed == 5
    assert len(lines(again)) + len(lines(again, ok=False)) == 5
    again.close()


def test_one_process_holds_it_and_its_death_frees_it(tmp_path):
    code = f"from zhongshu.batches.spool import take; import pathlib, sys; s = take(pathlib.Path({str(tmp_path / 'b')!r})); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    assert take(tmp_path / "b") is None
    holder.kill()
    holder.wait()
    spool = take(tmp_path / "b")
    assert spool is not None
    assert take(tmp_path / "b") is None
    spool.close()
    holder.stdin.close()
    holder.stdout.close()


def test_a_full_disk_keeps_nothing_half(tmp_path, monkeypatch):
    import os

    spool = take(tmp_path / "b")
    spool.add(1, ok=True, result=b"{}")

    def full(_):
        raise OSError(28, "full")

    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(OSError, match="full"):
        spool.add(2, ok=True, result=b"{}")
    monkeypatch.undo()
    assert 2 not in spool
    spool.add(2, ok=True, result=b'{"n":2}')
    spool.close()
    again = take(tmp_path / "b")
    assert lines(again) == [b"{}\n", b'{"n":2}\n']
    again.close()
