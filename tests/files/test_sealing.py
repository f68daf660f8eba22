"""Sealed contents: the same bytes out as in, however they are cut; nothing changed, cut off or exchanged opens."""

import os
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhongshu.core.problems import Fault
from zhongshu.files.sealing import SealedWriter, open_file, sealed_with
from zhongshu.storage.blobs import Blobs
from zhongshu.storage.sealing import Derived

KEY = Derived(7, b"k" * 32)
CHUNK, TAG, HEAD = 64 * 1024, 16, 32


def sealed(folder, pieces, *, tenant="acme", id="file-1"):
    draft = Blobs(folder).draft()
    writer = SealedWriter(draft, KEY, tenant, id)
    for piece in pieces:
        writer.write(piece)
    writer.finish()
    return draft.keep(tenant, id)


def read(path, *, tenant="acme", id="file-1", plain=False, key=KEY.secret, pieces=-1):
    with open_file(path, lambda number: key if number == KEY.number else None, tenant, id, plain=plain) as file:
        return b"".join(iter(lambda: file.read(pieces), b""))


def refused(path, **how):
    with pytest.raises(Fault) as raised:
        read(path, **how)
    return raised.value.problem.code


SIZES = st.one_of(st.integers(0, 40), st.sampled_from([n * CHUNK + d for n in (1, 2, 3) for d in (-1, 0, 1)]))


@given(size=SIZES, cuts=st.lists(st.integers(1, 3 * CHUNK), max_size=4), piece=st.sampled_from([-1, 1000, CHUNK + 5]))
@settings(max_examples=60, deadline=None)
def test_any_size_and_any_cut_gives_the_same_bytes(tmp_path_factory, size, cuts, piece):
    content = os.urandom(size)
    ends = sorted({min(cut, size) for cut in cuts} | {0, size})
    path = sealed(tmp_path_factory.mktemp("s"), [content[a:b] for a, b in pairwise(ends)])
    assert read(path, pieces=piece) == content
    chunks = max(1, -(-size // CHUNK))
    assert path.stat().st_size == HEAD + size + chunks * TAG
    assert sealed_with(path) == KEY.number


def test_lines_are_read_as_from_any_file(tmp_path):
    lines = [b"%d %b\n" % (n, b"x" * (n % 997)) for n in range(2000)]
    path = sealed(tmp_path, [b"".join(lines)])
    with open_file(path, lambda _: KEY.secret, "acme", "file-1", plain=False) as file:
        assert file.readlines() == lines


@pytest.mark.parametrize("at", [0, 9, 20, HEAD, HEAD + CHUNK + 3, -1])
def test_a_bit_changed_anywhere_does_not_open(tmp_path, at):
    path = sealed(tmp_path, [b"secret" * 30_000])
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    if 8 <= at < 16:  # it names another key, which there is none of
        with pytest.raises(FileNotFoundError):
            read(path)
    else:
        assert refused(path) == "file_damaged"


@pytest.mark.parametrize("left", [0, HEAD - 1, HEAD, HEAD + 10, HEAD + CHUNK + TAG, HEAD + 2 * (CHUNK + TAG) - 1])
def test_a_file_that_was_cut_off_does_not_open(tmp_path, left):
    path = sealed(tmp_path, [b"x" * 3 * CHUNK])
    with path.open("rb+") as file:
        file.truncate(left)
    assert refused(path) == "file_damaged"


def test_chunks_have_their_place_and_files_their_owner(tmp_path):
    path = sealed(tmp_path, [os.urandom(3 * CHUNK)])
    assert refused(path, tenant="other") == "file_damaged"
    assert refused(path, id="file-2") == "file_damaged"
    assert refused(path, key=b"z" * 32) == "file_damaged"
    data, step = path.read_bytes(), CHUNK + TAG
    first, second = data[HEAD : HEAD + step], data[HEAD + step : HEAD + 2 * step]
    path.write_bytes(data[:HEAD] + second + first + data[HEAD + 2 * step :])
    assert refused(path) == "file_damaged"
    path.write_bytes(data + b"more")
    assert refused(path) == "file_damaged"


def test_without_its_key_it_is_as_if_it_were_not_there(tmp_path):
    path = sealed(tmp_path, [b"x"])
    with pytest.raises(FileNotFoundError):
        read(path, key=None)


def test_a_plain_file_is_read_only_where_one_may_be(tmp_path):
    path = Path(tmp_path / "plain")
    path.write_bytes(b"from before")
    assert read(path, plain=True) == b"from before"
    assert refused(path) == "file_damaged"
    assert sealed_with(path) is None


def test_a_large_file_takes_the_memory_of_a_few_chunks(tmp_path):
    draft = Blobs(tmp_path).draft()
    piece = os.urandom(1 << 20)
    tracemalloc.start()
    writer = SealedWriter(draft, KEY, "acme", "file-1")
    for _ in range(40):
        writer.write(piece)
    writer.finish()
    path = draft.keep("acme", "file-1")
    with open_file(path, lambda _: KEY.secret, "acme", "file-1", plain=False) as file:
        size = sum(len(part) for part in iter(lambda: file.read(1 << 20), b""))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == 40 << 20
    assert most < 6 << 20
