"""More turns than may be in flight: the rest are refused at once and by name, those let in are all answered."""

import asyncio
import time

from tests.faults.asking import ask, begin, chat
from tests.faults.conftest import port_of, settings_over
from tests.faults.judging import lost, resident_kib
from tests.running import platform

SEATS = 16


async def test_overload(scripted, tmp_path):
    server = f"[server]\nmax_in_flight = {SEATS}\n"
    with platform(tmp_path, settings_over(scripted, server=server, profile="none")) as running:
        port, took = port_of(running), []
        slow = chat("mock", stream=True, mock={"text": "word " * 40, "each_s": 0.05})

        async def late() -> str:
            since = time.monotonic()
            reply = await ask(port, chat("mock"))
            took.append(time.monotonic() - since)
            assert (reply.status, reply.headers["retry-after"]) == (503, "1")
            return reply.code

        held = [await begin(port, slow, events=1) for _ in range(SEATS)]
        codes = set(await asyncio.gather(*(late() for _ in range(100))))
        assert codes == {"overloaded"}
        assert sorted(took)[50] < 2
        assert (await ask(port, b"", path="/readyz", method="GET")).status == 200, "busy is not broken"
        replies = [await asking.rest() for asking in held]
        assert all(reply.acknowledged for reply in replies)
        assert not lost(running.home, [reply.trace for reply in replies])

        many = await asyncio.gather(*(ask(port, chat("mock", mock={"first_s": 0.3})) for _ in range(4 * SEATS)))
        let_in = [reply for reply in many if reply.status == 200]
        assert len(let_in) >= SEATS
        assert all(reply.acknowledged for reply in let_in)
        assert {reply.code for reply in many} <= {"", "overloaded"}
        assert (await ask(port, chat("mock"))).acknowledged, "and it is over when it is over"


async def test_slow_readers_of_a_big_stream_cost_no_memory(house):
    """Clients that do not read: the answer waits at the upstream, not in our memory."""
    (worker,) = house.children()["zhongshu.app.worker"]
    endless = chat("mock-big", stream=True, mock={"times": 20_000})  # about 25 MB each
    before = resident_kib(worker)
    asleep = [await begin(port_of(house), endless, events=1, ahead_bytes=65_536) for _ in range(20)]
    await asyncio.sleep(2)
    grown = resident_kib(worker) - before
    for asking in asleep:
        asking.leave(reset=True)
    assert grown < 64 * 1024, f"{grown} KiB for 20 clients that do not read"
    assert (await ask(port_of(house), chat("mock"))).acknowledged
