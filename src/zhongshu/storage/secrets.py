"""Secrets: made once and kept in files that only their owner can read, or handed in by the environment.

Knows nothing of what a secret is for. No value ever appears in an error.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from pathlib import Path

_BYTES = 32


class SecretError(ValueError):
    """A secret cannot be read or trusted; the text names the place and the remedy, never the value."""


def load_or_create_secret(path: Path, env: str | None = None) -> bytes:
    """The secret at `path`, 32 random bytes; made if it is not there.

    env: a variable that, when set, gives the value instead (hex or Base64 of 32 bytes) and no file is touched.
    Several processes may call this at once: all get the same bytes. Raises SecretError for a file or folder that
    others may open, for a file of the wrong size, or a variable that does not decode.
    """
    if env and os.environ.get(env):
        return _decode(os.environ[env], env)
    if not path.exists():
        _create(path, secrets.token_bytes(_BYTES))
    _refuse_loose(path.parent)
    _refuse_loose(path)
    value = path.read_bytes()
    if len(value) != _BYTES:
        raise SecretError(f"{path}: holds {len(value)} bytes, not {_BYTES}. Restore it from a backup.")
    return value


def read_secret(source: str) -> str:
    """The secret that `source` names: `env:NAME` or `file:/path` (one line of text, mode 0600).

    Raises SecretError when it is absent, empty, readable by others, or `source` is neither form.
    """
    kind, _, place = source.partition(":")
    if kind == "env" and place:
        value = os.environ.get(place, "").strip()
        if not value:
            raise SecretError(f"Environment variable {place} is not set. Set it, or name a file with file:/path.")
        return value
    if kind == "file" and place:
        return _read_line(Path(place).expanduser())
    raise SecretError("A secret is named as env:NAME or file:/path, never written into the settings itself.")


def _read_line(path: Path) -> str:
    if not path.is_file():
        raise SecretError(f"{path}: there is no such file. Create it with mode 0600.")
    _refuse_loose(path)
    try:
        value = path.read_text("utf-8").strip()
    except UnicodeDecodeError:
        raise SecretError(f"{path}: is not UTF-8 text. Write the secret there as one line.") from None
    if not value:
        raise SecretError(f"{path}: is empty. Write the secret there as one line.")
    return value


def _decode(text: str, env: str) -> bytes:
    try:
        value = bytes.fromhex(text) if len(text) == 2 * _BYTES else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        value = b""
    if len(value) != _BYTES:
        raise SecretError(f"Environment variable {env} must be {_BYTES} bytes in hex or Base64.")
    return value


def _refuse_loose(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        remedy = "700" if path.is_dir() else "600"
        raise SecretError(f"{path}: others may open it (mode {mode:04o}). Run: chmod {remedy} {path}")


def _create(path: Path, value: bytes) -> None:
    """Write beside, make durable, then link into place: nobody sees half a secret, and the first one wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
