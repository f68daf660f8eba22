"""Files on the disk: sealed a chunk at a time, so that one of any size is written and read in the memory of a chunk.

    head     b"ZSFILE1\\n", the number of the tenant's data key (8 bytes), a salt (16 bytes)
    chunks   AES-256-GCM of 64 KiB each, the last one shorter or as long; at least one

Each file has a key of its own (HKDF of the data key over its salt, RFC 5869, bound to its tenant and id), and a chunk's
nonce is its number with a mark on the last: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizar 2015) as age
uses it. So chunks that are changed, cut off, exchanged or of another file do not open. Blocking; for threads.

Files from before there was a head are plain, and are read as they are until the shelf has sealed them.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from zhongshu.core.problems import fault
from zhongshu.storage.blobs import Draft
from zhongshu.storage.sealing import Derived

_MAGIC = b"ZSFILE1\n"
_SALT = 16
_HEAD = len(_MAGIC) + 8 + _SALT
_CHUNK = 64 * 1024
_TAG = 16

KeyOf = Callable[[int], bytes | None]
"""A key of ours by its number; None when it was shredded."""


class SealedWriter:
    """Seals what is written into a draft. size and sha256 are those of the content."""

    def __init__(self, draft: Draft, key: Derived, tenant: str, id: str) -> None:
        self._draft = draft
        self._waiting = bytearray()
        self._number = 0
        self._digest = hashlib.sha256()
        self.size = 0
        salt = os.urandom(_SALT)
        self._cipher = _cipher(key.secret, salt, tenant, id)
        draft.write(_MAGIC + key.number.to_bytes(8, "big") + salt)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        """Some more of the content. Raises OSError."""
        self.size += len(data)
        self._digest.update(data)
        self._waiting += data
        whole = max(0, len(self._waiting) - 1) // _CHUNK * _CHUNK  # the last chunk waits for the end
        for start in range(0, whole, _CHUNK):
            self._put(bytes(self._waiting[start : start + _CHUNK]), last=False)
        del self._waiting[:whole]

    def finish(self) -> None:
        """There is no more. Raises OSError."""
        self._put(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _put(self, chunk: bytes, *, last: bool) -> None:
        self._draft.write(self._cipher.encrypt(_nonce(self._number, last=last), chunk, None))
        self._number += 1


class _Opened(io.RawIOBase):
    """The content of a sealed file, in order. Raises Fault("file_damaged") where it is not what was sealed."""

    def __init__(self, file: BinaryIO, cipher: AESGCM, id: str) -> None:
        self._file = file
        self._cipher = cipher
        self._id = id
        self._left = os.fstat(file.fileno()).st_size - _HEAD
        self._number = 0
        self._chunk = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._chunk and (self._left > 0 or self._number == 0):
            self._chunk = memoryview(self._next())
        count = min(len(buffer), len(self._chunk))
        buffer[:count] = self._chunk[:count]
        self._chunk = self._chunk[count:]
        return count

    def close(self) -> None:
        self._file.close()
        super().close()

    def _next(self) -> bytes:
        sealed = self._file.read(_CHUNK + _TAG)
        self._left -= len(sealed)
        try:
            chunk = self._cipher.decrypt(_nonce(self._number, last=self._left <= 0), sealed, None)
        except (InvalidTag, ValueError):
            raise fault("file_damaged", file=self._id) from None
        self._number += 1
        return chunk


def open_file(path: Path, key_of: KeyOf, tenant: str, id: str, *, plain: bool) -> BinaryIO:
    """Open a file's content for reading. plain: it may be one from before files were sealed.

    Raises FileNotFoundError when it is not there or its key was shredded; Fault("file_damaged") when it is not what was
    sealed, there as well as while it is read; OSError and sqlite3.Error as they come.
    """
    file = path.open("rb")
    try:
        head = file.read(_HEAD)
        if len(head) < _HEAD or not head.startswith(_MAGIC):
            if not plain:
                raise fault("file_damaged", file=id)
            file.seek(0)
            return file
        cipher = _cipher_of(head, key_of, tenant, id)
        return io.BufferedReader(_Opened(file, cipher, id), _CHUNK)
    except BaseException:
        file.close()
        raise


def sealed_with(path: Path) -> int | None:
    """The number of the data key that a file is sealed with; None of a plain one. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return _number_of(head) if len(head) == _HEAD and head.startswith(_MAGIC) else None


def _cipher_of(head: bytes, key_of: KeyOf, tenant: str, id: str) -> AESGCM:
    try:
        secret = key_of(_number_of(head))
    except ValueError:  # the data key does not open under secrets/text.key
        raise fault("file_damaged", file=id) from None
    if secret is None:
        raise FileNotFoundError(id)
    return _cipher(secret, head[-_SALT:], tenant, id)


def _number_of(head: bytes) -> int:
    return int.from_bytes(head[len(_MAGIC) : len(_MAGIC) + 8], "big")


def _cipher(secret: bytes, salt: bytes, tenant: str, id: str) -> AESGCM:
    info = b"zhongshu file\0" + tenant.encode() + b"\0" + id.encode()
    return AESGCM(HKDF(SHA256(), 32, salt=salt, info=info).derive(secret))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")
