"""Writes a journal, or indexes it, in child processes and kills them with -9 at random moments.

    python killing.py write HOME ROUNDS SEED     prints the trace ids that were acknowledged, as one JSON array
    python killing.py index HOME ROUNDS SEED     prints how many children were killed before they were done

Children are forked before any thread or event loop exists, so a round costs milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from zhongshu.core.clock import SystemClock
from zhongshu.core.records import Record
from zhongshu.ledger.indexing import Indexer
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.settings import LedgerSettings

SETTINGS = LedgerSettings(min_free_bytes=0, segment_bytes=32_768)


async def _write_for_ever(home: Path, round_: int, pipe: int) -> None:
    journal = open_journal(SETTINGS, home, "w0", SystemClock())
    journal.alone = lambda: random.random() < 0.2

    async def one(task: int) -> None:
        for number in range(1_000_000):
            trace = f"{round_:08x}{task:08x}{number:016x}"
            text = b"x" * random.randrange(2000)
            await journal.write(
                Record(trace=trace, at_ns=time.time_ns(), outcome="answered", tenant="acme", prompt=text)
            )
            os.write(pipe, trace.encode())

    await asyncio.gather(*(one(task) for task in range(16)))


def write_rounds(home: Path, rounds: int, seed: int) -> list[str]:
    """Every trace id that any killed writer was told is on disk."""
    acknowledged: list[str] = []
    dice = random.Random(seed)
    for round_ in range(rounds):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            asyncio.run(_write_for_ever(home, round_, writing))
            os._exit(0)
        os.close(writing)
        first = os.read(reading, 32)  # it runs
        time.sleep(dice.random() * 0.03)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        told = first
        while piece := os.read(reading, 1 << 16):
            told += piece
        os.close(reading)
        acknowledged += [told[at : at + 32].decode() for at in range(0, len(told) - 31, 32)]
    return acknowledged


def index_rounds(home: Path, rounds: int, seed: int) -> int:
    """Start indexers and kill them; how many were killed before they were done."""
    dice = random.Random(seed)
    killed = 0
    for _ in range(rounds):
        child = os.fork()
        if child == 0:
            indexer = Indexer(home, batch=7)
            while indexer.advance():
                pass
            os._exit(0)
        time.sleep(dice.random() * 0.02)
        os.kill(child, signal.SIGKILL)
        killed += os.waitpid(child, 0)[1] != 0
    return killed


def main() -> None:
    _, what, home, rounds, seed = sys.argv
    run = write_rounds if what == "write" else index_rounds
    print(json.dumps(run(Path(home), int(rounds), int(seed))))


if __name__ == "__main__":
    main()
