"""Blobs in a directory: written beside, made durable, and moved into place; a folder for each owner.

Knows nothing of what is in them, nor who may read them. Everything here is synchronous: an async caller uses a thread.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from zhongshu.storage.database import private_folder

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\-]{0,127}")
_DRAFTS = ".drafts"


class Blobs:
    """The blobs under `folder`. Owners and names are letters, digits and . _ - (they become names of files)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def draft(self) -> Draft:
        """A blob to be written."""
        drafts = self._folder / _DRAFTS
        private_folder(drafts)
        return Draft(drafts / secrets.token_hex(12), self)

    def path(self, owner: str, name: str) -> Path:
        """Where a blob lies, or would."""
        if not _NAME.fullmatch(owner) or not _NAME.fullmatch(name):
            raise ValueError("an owner or name of a blob holds what no file name may")
        return self._folder / owner / name

    def delete(self, owner: str, name: str) -> None:
        """Take a blob away; one that is not there is no mistake."""
        self.path(owner, name).unlink(missing_ok=True)

    def all(self) -> Iterator[tuple[str, str, float]]:
        """Owner, name and time of change (seconds) of every blob."""
        for owner in sorted(self._folder.glob("[!.]*")):
            for file in owner.iterdir():
                with contextlib.suppress(FileNotFoundError):
                    yield owner.name, file.name, file.stat().st_mtime

    def sweep(self, older_than_s: float) -> None:
        """Take away drafts that nobody finished."""
        before = time.time() - older_than_s
        for draft in (self._folder / _DRAFTS).glob("*"):
            with contextlib.suppress(FileNotFoundError):
                if draft.stat().st_mtime < before:
                    draft.unlink()


class Draft:
    """A blob on its way."""

    def __init__(self, path: Path, blobs: Blobs) -> None:
        self._path = path
        self._blobs = blobs
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")

    def write(self, data: bytes) -> None:
        """Some more of it."""
        self._file.write(data)

    def keep(self, owner: str, name: str) -> Path:
        """Make it durable and put it into its place, over what was there."""
        place = self._blobs.path(owner, name)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        private_folder(place.parent)
        self._path.replace(place)
        handle = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        return place

    def discard(self) -> None:
        """Leave nothing; after `keep` this does nothing."""
        self._file.close()
        self._path.unlink(missing_ok=True)
