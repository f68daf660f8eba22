"""What the ledger of a home says, read from its files as the command line would, and what its processes do."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from tests.faults.asking import Reply
from tests.running import Platform
from tests.waiting import eventually
from zhongshu.ledger.index import open_index
from zhongshu.ledger.rows import Filter, TurnRow
from zhongshu.ledger.settings import LedgerSettings
from zhongshu.upstreams.scripted.serve import Served


def turns(home: Path, **wanted: str) -> list[TurnRow]:
    """Every recorded turn, oldest first as indexed."""
    return list(open_index(LedgerSettings(), home).each(Filter(**wanted)))


def turn(home: Path, trace: str) -> TurnRow:
    """The one turn of this trace."""
    (row,) = turns(home, trace=trace)
    return row


def lost(home: Path, acknowledged: Iterable[str]) -> set[str]:
    """Which of these acknowledged turns the ledger does not hold as answered."""
    return set(acknowledged) - {row.trace for row in turns(home) if row.outcome == "answered"}


def verified(running: Platform) -> dict[str, object]:
    """The report of `zhongshu ledger verify`; fails unless it is clean."""
    report = json.loads(running.cli("ledger", "verify", "--json", check=False))
    assert report["ok"], report["findings"]
    return report


def processes_of(home: Path) -> dict[int, str]:
    """Every living process that belongs to this home: process id -> command line."""
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                dead = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
                if not dead and f"ZHONGSHU_HOME={home}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


async def everywhere(
    running: Platform, ask: Callable[[], Awaitable[Reply]], true: Callable[[Reply], bool], workers: int = 2
) -> None:
    """Wait until whatever any of the workers answers is as it should be: all of them know what one was told."""

    async def known() -> bool:
        replies = await asyncio.gather(*(ask() for _ in range(4 * workers)))
        streams = {row.trace: row.stream for row in await asyncio.to_thread(turns, running.home)}
        by = {streams[reply.trace] for reply in replies}
        return all(true(reply) for reply in replies) and len(by) == workers

    await eventually(known)


async def quiet(upstream: Served) -> None:
    """Nobody of an earlier test is being answered any more: what is counted from now on is ours."""
    await eventually(lambda: upstream.app.stats.in_flight == 0, upstream.app.stats, 120)


def resident_kib(pid: int) -> int:
    """Memory that a process really takes."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1])
