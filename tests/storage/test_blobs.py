"""Blobs: whole or not there; folders and names that no path can be made of."""

import os

import pytest

from zhongshu.storage.blobs import Blobs


def put(blobs, owner, name, data=b"data"):
    draft = blobs.draft()
    draft.write(data)
    return draft.keep(owner, name)


def test_a_blob_is_there_whole_and_private(tmp_path):
    blobs = Blobs(tmp_path / "blobs")
    draft = blobs.draft()
    draft.write(b"one ")
    draft.write(b"two")
    assert list(blobs.all()) == []
    place = draft.keep("acme", "file-1")
    draft.discard()
    assert place.read_bytes() == b"one two"
    assert place.stat().st_mode & 0o777 == 0o600
    assert place.parent.stat().st_mode & 0o777 == 0o700
    assert [(owner, name) for owner, name, _ in blobs.all()] == [("acme", "file-1")]


def test_putting_again_replaces(tmp_path):
    blobs = Blobs(tmp_path)
    put(blobs, "acme", "x", b"old")
    assert put(blobs, "acme", "x", b"new").read_bytes() == b"new"
    blobs.delete("acme", "x")
    blobs.delete("acme", "x")
    assert list(blobs.all()) == []


def test_what_is_discarded_leaves_nothing_and_old_drafts_are_swept(tmp_path):
    blobs = Blobs(tmp_path)
    blobs.draft().discard()
    old, young = blobs.draft(), blobs.draft()
    path = next(p for p in (tmp_path / ".drafts").iterdir() if p == old._path)
    os.utime(path, (1, 1))
    blobs.sweep(3600)
    assert list((tmp_path / ".drafts").iterdir()) == [young._path]


@pytest.mark.parametrize("bad", ["..", ".hidden", "a/b", "", "a\0b", "a b", "x" * 129])
def test_names_that_are_paths_are_refused(tmp_path, bad):
    with pytest.raises(ValueError, match="file name"):
        Blobs(tmp_path).path("acme", bad)
    with pytest.raises(ValueError, match="file name"):
        Blobs(tmp_path).path(bad, "x")
