"""Signed checkpoints: what every stream held at a time, chained, signed with Ed25519, copied to anchors outside.

A hash chain alone does not show that its end was cut off, or that all of it was written anew. A checkpoint does, as
long as its key, or one copy of the line, is out of the forger's reach. One line of `journal/checkpoints.jsonl`:

    {"body":{...},"key":"<public key, hex>","sig":"<signature of the body's bytes, hex>"}

body.prev is the SHA-256 of the whole line before. A tombstone in the same chain says which segments were pruned.
"""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from zhongshu.storage.secrets import load_or_create_secret

FIRST = "0" * 64


class StreamState(msgspec.Struct, frozen=True):
    """How far a stream was: its last segment, the records in it, the chain there (hex)."""

    segment: int
    frames: int
    head: str


class Checkpoint(msgspec.Struct, frozen=True, tag_field="kind", tag="checkpoint"):
    """The state of every stream at `at_ns`, wall clock UTC."""

    seq: int
    at_ns: int
    prev: str
    streams: dict[str, StreamState]


class Tombstone(msgspec.Struct, frozen=True, tag_field="kind", tag="tombstone"):
    """Segments of `stream` up to and with `state.segment` were pruned by retention; its end was `state`."""

    seq: int
    at_ns: int
    prev: str
    stream: str
    state: StreamState
    until_ns: int


class _Line(msgspec.Struct, frozen=True):
    body: msgspec.Raw
    key: str
    sig: str


class Signed(msgspec.Struct, frozen=True):
    """A line as read. trouble: why it cannot be believed, empty when its signature holds."""

    line: bytes
    body: Checkpoint | Tombstone | None
    key: str
    trouble: str


_decode_body = msgspec.json.Decoder(Checkpoint | Tombstone).decode
_decode_line = msgspec.json.Decoder(_Line).decode
_encode = msgspec.json.Encoder().encode


def checkpoint_file(home: Path) -> Path:
    """The local chain of checkpoints."""
    return home / "journal" / "checkpoints.jsonl"


def public_key(home: Path) -> str | None:
    """The public key as this home knows it (hex); None before the first checkpoint. Keep a copy elsewhere."""
    path = home / "secrets" / "checkpoint.pub"
    return path.read_text().strip() if path.exists() else None


def read_line(line: bytes, trusted: str | None) -> Signed:
    """Check one line. trusted: the public key it must be signed with; None takes the line's own word for it."""
    try:
        parsed = _decode_line(line)
        body = _decode_body(parsed.body)
        if _encode(parsed) != line:
            return Signed(line, body, parsed.key, "it was changed")
        if trusted is not None and parsed.key != trusted:
            return Signed(line, body, parsed.key, "it is signed with another key")
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(parsed.key)).verify(bytes.fromhex(parsed.sig), parsed.body)
    except InvalidSignature:
        return Signed(line, None, "", "its signature does not hold")
    except (msgspec.MsgspecError, ValueError):
        return Signed(line, None, "", "it cannot be read")
    return Signed(line, body, parsed.key, "")


def read_lines(path: Path) -> list[bytes]:
    """The whole lines of a checkpoint file; a last line cut off by a crash is left out. Raises OSError."""
    data = path.read_bytes()
    return data[: data.rfind(b"\n") + 1].splitlines()


def newest_checkpoint(home: Path) -> int | None:
    """The number of the last line of the chain; None before the first."""
    body = _newest(home)
    return body.seq if body else None


def newest_checkpoint_ns(home: Path) -> int | None:
    """When the last line of the chain was signed, wall clock; None before the first."""
    body = _newest(home)
    return body.at_ns if body else None


def _newest(home: Path) -> Checkpoint | Tombstone | None:
    path = checkpoint_file(home)
    lines = read_lines(path) if path.exists() else []
    return read_line(lines[-1], None).body if lines else None


def line_hash(line: bytes) -> str:
    """What the next line's `prev` must be."""
    return sha256(line).hexdigest()


class Signer:
    """Writes the chain. Only the keeper has one: workers never see the key."""

    def __init__(self, home: Path, anchors: Sequence[str], command: Sequence[str], timeout_s: float) -> None:
        self._path = checkpoint_file(home)
        self._anchors = [Path(anchor).expanduser() for anchor in anchors]
        self._command = command
        self._timeout_s = timeout_s
        self._key = Ed25519PrivateKey.from_private_bytes(load_or_create_secret(home / "secrets" / "checkpoint.key"))
        self.public = self._key.public_key().public_bytes_raw().hex()
        (home / "secrets" / "checkpoint.pub").write_text(self.public + "\n")
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._seq, self._prev = self._pick_up()
        self._unsent: list[bytes] = []

    def checkpoint(self, at_ns: int, states: dict[str, StreamState]) -> list[str]:
        """Sign the state of all streams. Returns what went wrong at anchors (they are caught up next time)."""
        body = Checkpoint(self._seq, at_ns, self._prev, dict(sorted(states.items())))
        return self._append(body)

    def tombstone(self, at_ns: int, stream: str, state: StreamState, until_ns: int) -> list[str]:
        """Sign that everything up to `state` is about to be pruned."""
        return self._append(Tombstone(self._seq, at_ns, self._prev, stream, state, until_ns))

    def _append(self, body: Checkpoint | Tombstone) -> list[str]:
        raw = _encode(body)
        line = _encode(_Line(msgspec.Raw(raw), self.public, self._key.sign(raw).hex()))
        _append_durably(self._path, line + b"\n")
        self._seq, self._prev = self._seq + 1, line_hash(line)
        return self._anchor(line)

    def _pick_up(self) -> tuple[int, str]:
        if not self._path.exists():
            return 0, FIRST
        lines = read_lines(self._path)
        if not lines:
            return 0, FIRST
        body = read_line(lines[-1], None).body
        return (body.seq + 1 if body else len(lines)), line_hash(lines[-1])

    def _anchor(self, line: bytes) -> list[str]:
        troubles: list[str] = []
        for anchor in self._anchors:
            try:
                self._catch_up(anchor)
            except OSError as error:
                troubles.append(f"{anchor}: {error.strerror}")
        if self._command:
            self._unsent.append(line)
            troubles += self._send()
        return troubles

    def _catch_up(self, anchor: Path) -> None:
        """Append every line the anchor does not have yet, however long it was out of reach."""
        lines = read_lines(self._path)
        there = read_lines(anchor) if anchor.exists() else []
        missing = lines[lines.index(there[-1]) + 1 :] if there and there[-1] in lines else lines
        if not missing:
            return
        anchor.parent.mkdir(parents=True, exist_ok=True)
        _append_durably(anchor, b"".join(line + b"\n" for line in missing))

    def _send(self) -> list[str]:
        while self._unsent:
            try:
                subprocess.run(
                    self._command,
                    input=self._unsent[0] + b"\n",
                    timeout=self._timeout_s,
                    check=True,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            except (OSError, subprocess.SubprocessError) as error:
                return [f"{self._command[0]}: {type(error).__name__}"]
            self._unsent.pop(0)
        return []


def _append_durably(path: Path, data: bytes) -> None:
    """Append whole lines, or nothing: what a full disk or a crash left of a line is cut off."""
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = _whole_size(fd)
        try:
            if os.write(fd, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(fd)
        except OSError:
            os.ftruncate(fd, size)
            raise
    finally:
        os.close(fd)


def _whole_size(fd: int) -> int:
    size = os.fstat(fd).st_size
    if size and os.pread(fd, 1, size - 1) != b"\n":
        size = os.pread(fd, size, 0).rfind(b"\n") + 1
        os.ftruncate(fd, size)
    return size
