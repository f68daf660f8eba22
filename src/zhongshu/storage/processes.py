"""Whether a process that once wrote down its name still lives. A process id alone may have been given to another."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path


@cache
def _place() -> str:
    """This boot of this machine, and this process namespace: within it a process id means what it says."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return "here"


def _started(pid: int) -> str | None:
    """When `pid` began, in the kernel's ticks; "" where that cannot be known; None when it is gone or a zombie.

    Fields of /proc/PID/stat: man 5 proc. The second one is the name in brackets and may hold anything.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return None if fields[0] in (b"Z", b"X") else fields[19].decode()
    except (OSError, IndexError):
        pass
    if Path("/proc/self/stat").exists():
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return ""


def mark(pid: int) -> str:
    """What to write down about a living process, to ask `alive` later."""
    return f"{_place()} {_started(pid) or ''}"


def alive(pid: int, marked: str) -> bool | None:
    """Whether the process that was `marked` lives. None: it belongs to another machine or container; ask otherwise."""
    place, _, started = marked.rpartition(" ")
    if place != _place():
        boot, _, _ = place.partition("/")
        return None if boot == _place().partition("/")[0] else False
    now = _started(pid)
    return now is not None and now == started
