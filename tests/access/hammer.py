"""One worker of test_gate_processes.py: asks with one key again and again, and keeps a journal of what it did.

    python hammer.py HOME JOURNAL KEY TURNS TOKENS COST_NANO SETTLE(1|0)

A line of the journal is written before the turn settles, as the real one is: `tenant key_id at_ns cost began ended`.
With SETTLE 0 the turns settle but the upkeep does not run, so that nothing is accounted for until the end.
Says "owner NAME" at the start, reads a line, then works; prints its counts as JSON at the end.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

from zhongshu.access.build import open_access
from zhongshu.access.settings import AccessSettings
from zhongshu.core.access import Ask
from zhongshu.core.answers import Usage
from zhongshu.core.clock import SystemClock
from zhongshu.core.problems import Refusal


async def main() -> None:
    home, journal, key, turns, tokens, cost, upkeep = sys.argv[1:]
    access = open_access(AccessSettings(settle_s=0.1, poll_s=0.05), Path(home), SystemClock(), "hammer")
    if upkeep == "1":
        await access.start()
    print("owner", access.owner, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    counts: Counter[str] = Counter()
    lines = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    caller = await access.gate.identify(key.encode())
    left = iter(range(int(turns)))

    async def ask_again_and_again() -> None:
        for _ in left:
            permit = await access.gate.admit(caller, Ask(int(tokens), int(cost)))
            if isinstance(permit, Refusal):
                counts[permit.problem.code] += 1
                await asyncio.sleep(0.002)
                continue
            began = time.monotonic_ns()
            at_ns = time.time_ns()
            await asyncio.sleep(random.uniform(0, 0.003))
            spent = random.randint(0, int(cost))
            ended = time.monotonic_ns()
            os.write(lines, f"{caller.tenant} {caller.key_id} {at_ns} {spent} {began} {ended}\n".encode())
            permit.settle(Usage(int(tokens), 0), spent)
            counts["admitted"] += 1

    await asyncio.gather(*(ask_again_and_again() for _ in range(8)))
    await access.aclose()
    print(json.dumps(counts), flush=True)


asyncio.run(main())
