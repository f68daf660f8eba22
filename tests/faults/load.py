"""Turns of every kind, asked one after the other by many clients at once, while something is being broken."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable

from tests.faults.asking import Reply, ask, chat
from tests.running import KEY, SMOL

PLAIN = chat("mock")
STREAM = chat("mock", stream=True, mock={"each_s": 0.005})
LOCAL = chat(SMOL, "Say yes.", max_tokens=4)
LOCAL_STREAM = chat(SMOL, "Count to five.", max_tokens=8, stream=True)
SCRIPTED = (PLAIN, PLAIN, PLAIN, STREAM, STREAM, STREAM)


class Load:
    """What came back. acknowledged: traces of turns whose client knows that they are over. codes: of clear refusals
    and error events. broken: connections that ended without a whole reply. wrong: what no fault may cause."""

    def __init__(self) -> None:
        self.acknowledged: list[str] = []
        self.codes: Counter[str] = Counter()
        self.broken = 0
        self.wrong: list[Reply] = []

    def take(self, reply: Reply) -> None:
        """Judge one reply."""
        if reply.acknowledged:
            self.acknowledged.append(reply.trace)
            if not reply.text:
                self.wrong.append(reply)
        elif not reply.whole:
            self.broken += 1
        elif reply.code and reply.code != "internal_error":
            self.codes[reply.code] += 1
        else:
            self.wrong.append(reply)


@contextlib.asynccontextmanager
async def load(
    port: Callable[[], int], bodies: tuple[dict[str, object], ...], pause_s: float = 0.005, key: str = KEY
) -> AsyncIterator[Load]:
    """One client for each of the bodies, for as long as the block runs; those under way are waited for."""
    seen, stop = Load(), asyncio.Event()

    async def client(body: dict[str, object]) -> None:
        while not stop.is_set():
            reply = await ask(port(), body, key=key)
            seen.take(reply)
            await asyncio.sleep(pause_s if reply.whole else 0.05)

    clients = [asyncio.create_task(client(body)) for body in bodies]
    try:
        yield seen
    finally:
        stop.set()
        await asyncio.gather(*clients)
