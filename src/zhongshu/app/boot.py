"""What a worker is told by its parent: one line of JSON to boot it, and one for each change of settings."""

from __future__ import annotations

import msgspec

from zhongshu.app.checking import path_from_text
from zhongshu.app.settings import Settings


def slot_name(number: int) -> str:
    """A worker's name, which is also its journal stream's."""
    return f"worker-{number}"


def slot_number(slot: str) -> int:
    """The number in a worker's name."""
    return int(slot.removeprefix("worker-"))


class Boot(msgspec.Struct, frozen=True):
    """What a worker is told. socket_fd: the listening socket, inherited. generation: of the settings, see standing.py."""

    slot: str
    socket_fd: int
    engine_socket: str
    settings: Settings
    generation: int = 1

    def line(self) -> bytes:
        """As one line of JSON."""
        return msgspec.json.encode(self, enc_hook=str) + b"\n"


def read_boot(line: bytes) -> Boot:
    """A Boot from its line."""
    return msgspec.json.decode(line, type=Boot, dec_hook=path_from_text)


class _Told(msgspec.Struct, frozen=True):
    generation: int


def generation_of(line: bytes) -> int:
    """The generation in a Boot's line, whether or not its settings can be used here."""
    return msgspec.json.decode(line, type=_Told).generation
