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


async def test_clients_that_do_not_read_hold_the_upstream_back(house, scripted):
    """What was sent is kept for the record; nothing more is drawn until somebody reads."""
    (worker,) = house.children()["zhongshu.app.worker"]
    endless = chat("mock-big", stream=True, mock={"times": 20_000})  # about 25 MB each
    asleep = [await begin(port_of(house), endless, events=1, ahead_bytes=65_536) for _ in range(8)]
    drawn, before, sent = -1, resident_kib(worker), scripted.app.stats.bytes_sent
    while drawn != (drawn := scripted.app.stats.bytes_sent):
        await asyncio.sleep(0.5)
    grown = resident_kib(worker) - before
    await asyncio.sleep(1)
    assert scripted.app.stats.bytes_sent == drawn
    assert resident_kib(worker) - before < grown + 2048
    for asking in asleep:
        asking.leave(reset=True)
    assert drawn - sent < 8 * 20_000_000, "not all of it"
    assert (await ask(port_of(house), chat("mock"))).acknowledged
