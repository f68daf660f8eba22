"""More turns than may be in flight: the rest are refused at once and by name, those let in are all answered."""

import asyncio

import pytest

from tests.faults.asking import ask, begin, chat
from tests.faults.conftest import LEDGER, port_of
from tests.faults.judging import lost, quiet, resident_kib
from tests.holding import HELD, Holding
from tests.running import over, platform
from tests.waiting import eventually
from zhongshu.upstreams.scripted.serve import serving

SEATS = 16


@pytest.fixture
def holding():
    with serving(Holding()) as upstream:
        yield upstream


async def test_overload(holding, tmp_path):
    server = f"[server]\nmax_in_flight = {SEATS}\n"
    with platform(tmp_path, over(holding.port, {"mock": "mock", HELD: HELD}, server + LEDGER)) as running:
        port = port_of(running)

        async def late() -> str:
            """Told while every seat is taken: it has waited for nobody."""
            reply = await ask(port, chat("mock"))
            assert (reply.status, reply.headers["retry-after"]) == (503, "1")
            return reply.code

        held = [await begin(port, chat(HELD, stream=True)) for _ in range(SEATS)]
        codes = set(await asyncio.gather(*(late() for _ in range(100))))
        assert codes == {"overloaded"}
        assert (await ask(port, b"", path="/readyz", method="GET")).status == 200, "busy is not broken"
        holding.app.let_go()
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
    await quiet(scripted)
    (worker,), sent = house.children()["zhongshu.app.worker"], scripted.app.stats.bytes_sent
    endless = chat("mock-big", stream=True, mock={"times": 20_000})  # about 25 MB each
    asleep = [await begin(port_of(house), endless, events=1, ahead_bytes=65_536) for _ in range(8)]
    held: dict[str, int] = {}

    async def nothing_more() -> bool:
        """Is drawn, for long enough."""
        held["sent"], held["kib"] = scripted.app.stats.bytes_sent, resident_kib(worker)
        await asyncio.sleep(1.5)
        return scripted.app.stats.bytes_sent == held["sent"]

    await eventually(nothing_more, "it is drawn though nobody reads")
    assert resident_kib(worker) < held["kib"] + 2048
    drawn = scripted.app.stats.bytes_sent - sent
    for asking in asleep:
        asking.leave(reset=True)
    assert drawn < 8 * 20_000_000, "not all of it"
    assert (await ask(port_of(house), chat("mock"))).acknowledged
