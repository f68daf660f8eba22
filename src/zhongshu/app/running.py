"""How other commands find the server of a home: the note it leaves in `run/` while it runs."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

RUNNING_FILE = "running.json"


class Running(msgspec.Struct, frozen=True):
    """A server's address and its supervisor's process id."""

    url: str
    pid: int


def find(home: Path) -> Running | None:
    """The server of this home, if its process lives."""
    try:
        found = msgspec.json.decode((home / "run" / RUNNING_FILE).read_bytes(), type=Running)
        os.kill(found.pid, 0)
    except (OSError, msgspec.MsgspecError):
        return None
    return found
