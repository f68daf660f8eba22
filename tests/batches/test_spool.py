"""The spool: what was kept before a crash is there after it, a torn line is not, and one process holds it."""

import sqlite3
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.batches.spool import ResultsErased, take


class Masks:
    """Seals by turning every bit round: what is sealed is neither the text nor JSON. gone: numbers that do not open.
    erased: how often a key turns out to have been shredded while something was being kept."""

    def __init__(self, *gone, erased=0):
        self.gone = gone
        self.erased = erased

    def stands(self, sealed):
        self.erased -= 1
        return self.erased < 0

    def seal(self, number, result):
        return bytes(byte ^ 0xFF for byte in result)

    def open(self, number, sealed):
        return None if number in self.gone else bytes(byte ^ 0xFF for byte in sealed)


MASKS = Masks()


def lines(spool, ok=True):
    return list(spool.results(ok=ok))


def test_results_come_in_the_order_of_the_input(tmp_path):
    spool = take(tmp_path / "b", MASKS)
    for number, ok in ((3, True), (1, True), (2, False)):
        spool.add(number, "ok" if ok else "failed", b'{"n":%d}' % number)
    assert lines(spool) == [b'{"n":1}\n', b'{"n":3}\n']
    assert lines(spool, ok=False) == [b'{"n":2}\n']
    assert (spool.completed, spool.failed) == (2, 1)
    assert 3 in spool
    assert 4 not in spool
    spool.close()


@given(st.integers(min_value=0, max_value=200))
def test_cut_anywhere_it_holds_its_whole_lines_and_goes_on(tmp_path_factory, cut):
    folder = tmp_path_factory.mktemp("spool") / "b"
    spool = take(folder, MASKS)
    ends = [0]
    for number in range(5):
        spool.add(number, "failed" if number == 2 else "ok", b'{"n":%d,"x":"%b"}' % (number, b"y" * number))
        ends.append((folder / "done").stat().st_size)
    spool.close()
    size = min(cut, ends[-1])
    with (folder / "done").open("rb+") as file:
        file.truncate(size)
    whole = sum(1 for end in ends[1:] if end <= size)
    again = take(folder, MASKS)
    assert [number in again for number in range(5)] == [number < whole for number in range(5)]
    for number in range(whole, 5):
        again.add(number, "ok", b'{"again":%d}' % number)
    assert again.completed + again.failed == 5
    assert len(lines(again)) + len(lines(again, ok=False)) == 5
    again.close()


def test_one_process_holds_it_and_its_death_frees_it(tmp_path):
    code = f"from zhongshu.batches.spool import take; import pathlib, sys; s = take(pathlib.Path({str(tmp_path / 'b')!r}), None); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stdin=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    assert take(tmp_path / "b", MASKS) is None
    holder.kill()
    holder.wait()
    spool = take(tmp_path / "b", MASKS)
    assert spool is not None
    assert take(tmp_path / "b", MASKS) is None
    spool.close()
    holder.stdin.close()
    holder.stdout.close()


def test_a_full_disk_keeps_nothing_half(tmp_path, monkeypatch):
    import os

    spool = take(tmp_path / "b", MASKS)
    spool.add(1, "ok", b"{}")

    def full(_):
        raise OSError(28, "full")

    monkeypatch.setattr(os, "fdatasync", full)
    with pytest.raises(OSError, match="full"):
        spool.add(2, "ok", b"{}")
    monkeypatch.undo()
    assert 2 not in spool
    spool.add(2, "ok", b'{"n":2}')
    spool.close()
    again = take(tmp_path / "b", MASKS)
    assert lines(again) == [b"{}\n", b'{"n":2}\n']
    again.close()


def test_results_are_sealed_and_plain_ones_of_before_are_read(tmp_path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "done").write_bytes(b'1 1 {"old":1}\n2 0 {"old":2}\n')
    spool = take(tmp_path / "b", MASKS)
    spool.add(3, "ok", b'{"secret":3}')
    assert b"secret" not in (tmp_path / "b" / "done").read_bytes()
    assert lines(spool) == [b'{"old":1}\n', b'{"secret":3}\n']
    assert lines(spool, ok=False) == [b'{"old":2}\n']
    spool.close()


def test_what_expired_is_told_from_what_failed_by_the_next_holder_too(tmp_path):
    spool = take(tmp_path / "b", MASKS)
    spool.add(1, "failed", b"{}")
    spool.add(2, "expired", b'{"late":1}')
    spool.close()
    again = take(tmp_path / "b", MASKS)
    assert (again.completed, again.failed, again.expired) == (0, 1, 1)
    assert lines(again, ok=False) == [b"{}\n", b'{"late":1}\n']
    again.close()


def test_a_result_whose_key_was_shredded_was_never_there(tmp_path):
    spool = take(tmp_path / "b", MASKS)
    for number in (1, 2, 3):
        spool.add(number, "ok", b'{"n":%d}' % number)
    spool.close()
    again = take(tmp_path / "b", Masks(2))
    assert [number in again for number in (1, 2, 3)] == [True, False, True]
    assert again.completed == 2
    again.close()
    third = take(tmp_path / "b", MASKS)
    assert third.completed == 3
    third.close()


def test_what_is_kept_while_its_key_goes_is_sealed_anew_and_stands_once(tmp_path):
    spool = take(tmp_path / "b", Masks(erased=2))
    spool.add(1, "ok", b'{"long":"' + b"x" * 100 + b'"}')
    spool.add(2, "ok", b"{}")
    spool.close()
    again = take(tmp_path / "b", MASKS)
    assert [len(line) for line in lines(again)] == [112, 3]
    assert len((tmp_path / "b" / "done").read_bytes().splitlines()) == 2
    again.close()


def test_where_nobody_can_say_whether_a_key_stands_nothing_was_kept(tmp_path):
    masks = Masks()
    spool = take(tmp_path / "b", masks)
    masks.stands = lambda sealed: (_ for _ in ()).throw(sqlite3.OperationalError("locked"))
    with pytest.raises(sqlite3.OperationalError):
        spool.add(1, "ok", b'{"long":"' + b"x" * 100 + b'"}')
    del masks.stands
    spool.add(2, "ok", b"{}")
    assert (1 in spool, lines(spool)) == (False, [b"{}\n"])
    spool.close()


def test_results_that_were_erased_meanwhile_are_never_left_out_in_silence(tmp_path):
    masks = Masks()
    spool = take(tmp_path / "b", masks)
    for number, outcome in ((1, "ok"), (2, "ok"), (3, "failed")):
        spool.add(number, outcome, b'{"n":%d}' % number)
    masks.gone = (2, 3)
    for ok in (True, False):
        with pytest.raises(ResultsErased):
            lines(spool, ok=ok)
    spool.forget_erased()
    assert (spool.completed, spool.failed, 2 in spool, lines(spool)) == (1, 0, False, [b'{"n":1}\n'])
    masks.gone = ()
    spool.add(2, "ok", b'{"n":"again"}')
    assert lines(spool) == [b'{"n":1}\n', b'{"n":"again"}\n']
    spool.close()
