"""One process of two that let turns in, end them in every way there is, and record them: `python books.py HOME SLOT N`."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

from zhongshu.access.build import open_access
from zhongshu.access.settings import AccessSettings
from zhongshu.core.access import Ask
from zhongshu.core.answers import Usage
from zhongshu.core.clock import SystemClock
from zhongshu.core.ids import trace_id
from zhongshu.core.prices import Price
from zhongshu.core.problems import Refusal
from zhongshu.core.records import Outcome, Record
from zhongshu.ledger.journal import open_journal
from zhongshu.ledger.settings import LedgerSettings

CHEAP, DEAR = Price(input=2, output=8, cached_input=0.5, thinking=4), Price(input=3.3, output=9.99)
AT_ONCE = 50


async def main(home: Path, slot: str, turns: int, keys: list[str]) -> None:
    clock, dice = SystemClock(), random.Random(slot)
    access = open_access(AccessSettings(settle_s=0.05), home, clock, slot)
    journal = open_journal(LedgerSettings(min_free_bytes=0, text="none"), home, slot, clock)
    await access.start()

    async def turn(number: int) -> None:
        caller = await access.gate.identify(dice.choice(keys).encode())
        assert not isinstance(caller, Refusal)
        user, model = dice.choice(["alice", "bob", None]), dice.choice(["m", "n"])
        at_ns = clock.now_ns()
        # 1 to 400 tokens out are asked for; a fallback to the dearer price is reserved for
        most = dice.randint(1, 400)
        permit = await access.gate.admit(caller, Ask(100 + most, DEAR.most_nano(100, most), user, model))
        outcome: Outcome = "refused"
        usage, cost, cache = Usage(), 0, ""
        if not isinstance(permit, Refusal):
            await asyncio.sleep(0)
            how = dice.choice(["answered", "fallback", "cached", "failed", "left", "cut"])
            outcome = {"fallback": "answered", "cached": "answered"}.get(how, how)  # type: ignore[assignment]
            if how in ("answered", "fallback", "left", "cut"):
                made = dice.randint(0, most)
                usage = Usage(dice.randint(1, 100), made, cached=dice.randint(0, 1), thinking=made // 3)
                cost = (DEAR if how == "fallback" else CHEAP).cost_nano(usage)
                permit.settle(usage, cost)
                permit.settle(usage, cost)  # whoever settles twice pays once
            else:
                cache = "exact" if how == "cached" else ""
                permit.release()
        await journal.write(
            Record(
                trace=trace_id(), at_ns=at_ns, outcome=outcome, tenant=caller.tenant, key_id=caller.key_id, user=user,
                asked=model, usage=usage, cost_nano=cost, cache=cache,
            )
        )  # fmt: skip

    for begin in range(0, turns, AT_ONCE):
        await asyncio.gather(*(turn(number) for number in range(begin, begin + AT_ONCE)))
    await access.aclose()
    await journal.aclose()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:]))
