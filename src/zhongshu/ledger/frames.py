"""The bytes of a journal segment: a magic, then frames, each chained to the one before. Knows nothing of turns.

    segment  = MAGIC frame*            frame 0 is the header, frames 1.. are records
    frame    = length u32 | written_ns i64 | chain 32 bytes | payload      (little endian)
    chain[n] = SHA-256(chain[n-1] | length | written_ns | SHA-256(payload))
    chain[-1] of a segment is the last chain of the segment before it, or 32 zero bytes for the first

The payload is hashed by itself so that the event loop can do it early, and the writer thread, which extends the chain,
only hashes 76 bytes.
"""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import NamedTuple

import msgspec

MAGIC = b"ZSJRNL1\n"
GENESIS = bytes(32)
FORMAT_VERSION = 1
MAX_PAYLOAD = 1 << 28
_KEEPS_GIL = 2047

_FIXED = struct.Struct("<Iq")
_HEAD = struct.Struct("<Iq32s")
HEAD_BYTES = _HEAD.size
pack_fixed = _FIXED.pack
unpack_head = _HEAD.unpack_from


class Header(msgspec.Struct, frozen=True, array_like=True):
    """What frame 0 says. `fields` names the places of a turn's values, so that old segments stay readable when the
    record grows. prev_head / prev_frames: how the segment before ended."""

    version: int
    stream: str
    segment: int
    prev_head: bytes
    prev_frames: int
    opened_ns: int
    fields: tuple[str, ...]


class Frame(NamedTuple):
    """One frame as read. `number` counts from 0 (the header); `head` is the chain up to and with this frame."""

    number: int
    offset: int
    written_ns: int
    head: bytes
    payload: bytes

    @property
    def end(self) -> int:
        """Offset of the byte after this frame."""
        return self.offset + HEAD_BYTES + len(self.payload)


_encode = msgspec.msgpack.Encoder().encode
_decode_header = msgspec.msgpack.Decoder(Header).decode


def chain(prev: bytes, fixed: bytes, digest: bytes) -> bytes:
    """The next link. fixed: packed length and time; digest: SHA-256 of the payload."""
    return sha256(prev + fixed + digest).digest()


def payload_digest(payload: bytes) -> bytes:
    """SHA-256 of a payload. In pieces under 2 KB: from there on hashlib lets go of the GIL, and between two busy
    threads getting it back costs more than the hash - up to some tens of KB."""
    size = len(payload)
    if size < _KEEPS_GIL or size > 32 * _KEEPS_GIL:
        return sha256(payload).digest()
    view = memoryview(payload)
    total = sha256(view[:_KEEPS_GIL])
    for start in range(_KEEPS_GIL, size, _KEEPS_GIL):
        total.update(view[start : start + _KEEPS_GIL])
    return total.digest()


def frame_bytes(prev: bytes, written_ns: int, payload: bytes) -> tuple[bytes, bytes]:
    """A whole frame, and its chain value."""
    fixed = pack_fixed(len(payload), written_ns)
    head = chain(prev, fixed, sha256(payload).digest())
    return b"".join((fixed, head, payload)), head


def first_bytes(header: Header) -> tuple[bytes, bytes]:
    """The beginning of a segment up to the first record, and its chain value."""
    frame, head = frame_bytes(header.prev_head, header.opened_ns, _encode(header))
    return MAGIC + frame, head


def decode_header(payload: bytes) -> Header:
    """Raises msgspec.ValidationError or DecodeError when it is not a header, ValueError for a later format."""
    header = _decode_header(payload)
    if header.version != FORMAT_VERSION:
        raise ValueError(f"format {header.version} is newer than this program")
    return header
