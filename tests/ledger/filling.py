"""Writes until the disk refuses, waits until it takes records again, writes more. Prints what happened as JSON.

python filling.py HOME limit      a limit on file size, lifted after the first refusal
python filling.py HOME ballast    a small file system; HOME/ballast is removed after the first refusal
"""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import sys
from pathlib import Path

from zhongshu.core.clock import SystemClock
from zhongshu.core.problems import Fault
from zhongshu.core.records import Record
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.settings import LedgerSettings


def _lift(home: Path, how: str) -> None:
    if how == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    else:
        (home / "ballast").unlink()


async def _fill(home: Path, how: str) -> dict[str, object]:
    journal = open_journal(LedgerSettings(min_free_bytes=0), home, "w0", SystemClock())
    kept: list[str] = []
    refused: list[str] = []
    codes: set[str] = set()

    async def one(number: int) -> None:
        trace = f"{number:032x}"
        try:
            await journal.write(Record(trace=trace, at_ns=1, outcome="answered", tenant="acme", prompt=b"y" * 3000))
            kept.append(trace)
        except Fault as error:
            refused.append(trace)
            codes.add(error.problem.code)

    if how == "limit":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    number = 0
    while not refused:
        await asyncio.gather(*(one(number + task) for task in range(8)))
        number += 8
    ready_when_full = journal.ready()
    _lift(home, how)
    while not journal.ready():
        await asyncio.sleep(0.05)
    await asyncio.gather(*(one(number + task) for task in range(8)))
    await journal.aclose()
    return {"kept": kept, "refused": refused, "codes": sorted(codes), "ready_when_full": ready_when_full}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_fill(Path(sys.argv[1]), sys.argv[2]))))
