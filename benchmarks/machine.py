"""The machine a benchmark runs on: its description, its cores, and what a process tree uses of it (Linux only)."""

from __future__ import annotations

import functools
import os
import platform
import time
from pathlib import Path

import msgspec

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Cores(msgspec.Struct, frozen=True):
    """Which core carries the mock upstream and the load, and which the server under test."""

    load: int
    server: int

    @property
    def apart(self) -> bool:
        return self.load != self.server


def cores() -> Cores:
    """The first two cores this process may use; both the same when there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(allowed[0], allowed[1] if len(allowed) > 1 else allowed[0])


def pinned(core: int, command: list[str]) -> list[str]:
    """The command, bound to one core with all that it starts."""
    return ["taskset", "--cpu-list", str(core), *command]


@functools.cache
def describe() -> str:
    """One line: processor, cores, memory, kernel, Python, and how busy the machine was before the first call."""
    memory = os.sysconf("SC_PHYS_PAGES") * _PAGE / 2**30
    return (
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.system()} {platform.release().split('-')[0]}, Python {platform.python_version()}, "
        f"{busy_share():.0%} busy with other work at the start"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def busy_share(seconds: float = 1.0) -> float:
    """The share of all cores' time that was used during the next `seconds`, by whomever (0 to 1)."""
    before = _jiffies()
    time.sleep(seconds)
    used, total = (after - earlier for after, earlier in zip(_jiffies(), before, strict=True))
    return used / total if total else 0.0


def _jiffies() -> tuple[int, int]:
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


def tree(pid: int) -> list[int]:
    """The process and all its living descendants."""
    found = [pid]
    for parent in found:
        found.extend(_children(parent))
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    for listing in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children.extend(int(child) for child in listing.read_text().split())
        except OSError:  # the thread has ended
            continue
    return children


def cpu_s(pid: int) -> float:
    """Seconds of processor time the process tree has used, ended children that were waited for included."""
    return sum(_cpu_ticks(member) for member in tree(pid)) * _TICK_S


def _cpu_ticks(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:  # it has ended
        return 0
    fields = text.rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15])  # utime, stime, cutime, cstime: proc(5)


class Memory(msgspec.Struct, frozen=True):
    """Memory of a process tree in bytes. `own` is private to it: pages of mapped files, such as an index, are not in it."""

    resident: int
    own: int


def memory(pid: int) -> Memory:
    """What the process tree holds now."""
    resident = own = 0
    for member in tree(pid):
        try:
            lines = Path(f"/proc/{member}/status").read_text().splitlines()
        except OSError:  # it has ended
            continue
        sizes = {name: value for name, _, value in (line.partition(":") for line in lines)}
        resident += _kib(sizes.get("VmRSS"))
        own += _kib(sizes.get("RssAnon")) + _kib(sizes.get("RssShmem"))
    return Memory(resident, own)


def _kib(text: str | None) -> int:
    return int(text.split()[0]) * 1024 if text else 0
