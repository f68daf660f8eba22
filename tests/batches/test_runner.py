"""The runner with requests answered by a stand-in, which no upstream could be told to do: to hold back, to wait, to
expire, and to stop in the middle."""

import asyncio
import contextlib
import json

import pytest

from tests.waiting import eventually
from zhongshu.batches.desk import BatchDesk
from zhongshu.batches.runner import BatchRunner
from zhongshu.batches.settings import BatchSettings
from zhongshu.batches.values import ENDED, Reply
from zhongshu.core.access import Caller
from zhongshu.core.clock import SystemClock
from zhongshu.core.problems import Fault
from zhongshu.core.times import month_of
from zhongshu.files.settings import FileSettings
from zhongshu.files.shelf import FileShelf
from zhongshu.ledger.textkeys import TextKeys
from zhongshu.storage import sealing
from zhongshu.storage.database import open_database

ME = Caller("acme", "k_1")


class Asks:
    """Answers with `replies` in turn, the last one for ever. `most`: requests that were in flight at once."""

    endpoints = ("/x",)

    def __init__(self, *replies, pause_s=0.0):
        self.replies = list(replies) or [Reply(200, b"{}", "t")]
        self.pause_s = pause_s
        self.asked, self.now, self.most = [], 0, 0

    async def ask(self, endpoint, key_id, body, batch):
        self.asked.append(json.loads(body)["n"])
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(self.pause_s)
            return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        finally:
            self.now -= 1


class House:
    def __init__(self, folder, asks, *, clock=None, hold=lambda live: False, **settings):
        self.clock = clock or SystemClock()
        self.state = open_database(folder / "state.db")
        self.shelf = FileShelf(folder / "files", self.state, TextKeys(folder), FileSettings, self.clock)
        self.desk = BatchDesk(self.state, self.shelf, lambda: asks.endpoints, self.clock)
        made = BatchSettings(**{"concurrency": 2, **settings})
        self.runner = BatchRunner(folder / "batches", self.desk, self.shelf, asks, lambda: made, hold, self.clock)

    async def hand_in(self, lines=4):
        await self.put_input(lines)
        return await self.create()

    async def put_input(self, lines):
        async def pieces():
            for n in range(lines):
                row = {"custom_id": str(n), "method": "POST", "url": "/x", "body": {"n": n}}
                yield json.dumps(row).encode() + b"\n"

        await self.shelf.put(pieces(), tenant="acme", key_id="k", purpose="batch", filename="i", id="file-in")

    async def create(self):
        return await self.desk.create(
            ME, endpoint="/x", input_file="file-in", window="1h", metadata={}, output_expires_s=None
        )

    async def ended(self, id):
        async def over():
            batch = await self.desk.get("acme", id)
            return batch if batch.status in ENDED else None

        return await eventually(over)

    async def rows(self, file):
        data = b"".join([piece async for piece in self.shelf.pieces(await self.shelf.get("acme", file))])
        return [json.loads(line) for line in data.splitlines()]

    async def close(self):
        await self.runner.aclose()
        self.state.close()


@pytest.fixture
async def open_house(tmp_path):
    opened = []

    def make(asks, **more):
        opened.append(House(tmp_path, asks, **more))
        return opened[-1]

    yield make
    for house in opened:
        await house.close()


async def test_no_more_at_once_than_allowed(open_house):
    asks = Asks(pause_s=0.005)
    house = open_house(asks)
    one, two = await house.hand_in(10), await house.hand_in(10)
    house.runner.start()
    await house.ended(one.id)
    await house.ended(two.id)
    assert len(asks.asked) == 20
    assert asks.most == 2


async def test_nothing_begins_while_live_traffic_wants_the_worker(open_house):
    asks, busy = Asks(), True
    house = open_house(asks, hold=lambda live: busy)
    made = await house.hand_in()
    house.runner.start()
    await asyncio.sleep(0.3)
    assert asks.asked == []
    busy = False
    assert (await house.ended(made.id)).completed == 4


async def test_waiting_for_room_has_no_end_and_failing_has(open_house):
    waits = [Reply(429, b"{}", "t", wait_s=0.01)] * 6
    house = open_house(Asks(*waits, Reply(502, b'{"error":1}', "t", again=True)), attempts=1)
    made = await house.hand_in(1)
    house.runner.start()
    ended = await house.ended(made.id)
    assert (ended.status, ended.completed, ended.failed) == ("completed", 0, 1)
    assert (await house.rows(ended.error_file))[0]["response"]["status_code"] == 502


async def test_what_was_not_answered_in_time_has_expired(open_house):
    class Late(SystemClock):
        ahead_ns = 0

        def now_ns(self):
            return super().now_ns() + self.ahead_ns

    clock = Late()
    house = open_house(Asks(), clock=clock, hold=lambda live: True)
    made = await house.hand_in(3)
    clock.ahead_ns = 3_600_000_000_001
    house.runner.start()
    ended = await house.ended(made.id)
    assert (ended.status, ended.failed, ended.expired) == ("expired", 3, 3)
    assert {row["error"]["code"] for row in await house.rows(ended.error_file)} == {"batch_expired"}


async def test_stopped_in_the_middle_it_goes_on_without_asking_twice(open_house):
    first = Asks(pause_s=0.02)
    house = open_house(first)
    made = await house.hand_in(20)
    house.runner.start()
    await eventually(lambda: len(first.asked) >= 8)
    await house.runner.aclose()
    second = Asks()
    again = open_house(second)
    again.runner.start()
    ended = await again.ended(made.id)
    assert ended.completed == 20
    assert len(first.asked) + len(second.asked) <= 20 + 2
    assert [row["custom_id"] for row in await again.rows(ended.output_file)] == [str(n) for n in range(20)]


async def test_a_body_of_several_lines_stays_one_line(open_house):
    house = open_house(Asks(Reply(200, b'{\n  "a": "x\\ny"\n}', "t")))
    made = await house.hand_in(1)
    house.runner.start()
    (row,) = await house.rows((await house.ended(made.id)).output_file)
    assert row["response"]["body"] == {"a": "x\ny"}


async def test_an_input_file_that_is_not_there_is_named_by_its_field(open_house):
    house = open_house(Asks())
    with pytest.raises(Fault) as refused:
        await house.desk.create(ME, endpoint="/x", input_file="no", window="1h", metadata={}, output_expires_s=None)
    assert (refused.value.problem.code, refused.value.problem.param) == ("file_not_found", "input_file_id")


async def test_an_input_file_that_is_gone_fails_the_batch(open_house):
    house = open_house(Asks())
    made = await house.hand_in()
    await house.shelf.delete("acme", "file-in")
    house.runner.start()
    ended = await house.ended(made.id)
    assert (ended.status, ended.mistakes[0].code) == ("failed", "input_gone")


async def test_what_was_answered_is_kept_when_the_input_goes_in_the_middle(open_house):
    asks = Asks(pause_s=0.02)
    house = open_house(asks)
    made = await house.hand_in(20)
    house.runner.start()
    await eventually(lambda: len(asks.asked) >= 8)
    await house.runner.aclose()
    await house.shelf.delete("acme", "file-in")
    again = open_house(Asks())
    again.runner.start()
    ended = await again.ended(made.id)
    assert (ended.status, ended.mistakes[0].code) == ("failed", "input_gone")
    assert ended.completed >= 6
    assert len(await again.rows(ended.output_file)) == ended.completed


async def test_an_input_file_that_was_changed_on_the_disk_fails_the_batch(open_house):
    house = open_house(Asks())
    made = await house.hand_in()
    path = house.shelf.path(await house.shelf.get("acme", "file-in"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    house.runner.start()
    ended = await house.ended(made.id)
    assert (ended.status, ended.mistakes[0].code, ended.output_file) == ("failed", "file_damaged", None)


async def test_nothing_of_a_batch_lies_on_the_disk_in_plain(open_house, tmp_path):
    seen = []

    class Watched(Asks):
        """Half of it is asked only once something was seen."""

        async def ask(self, *request):
            if len(self.asked) > 10:
                await eventually(lambda: any(seen))
            return await super().ask(*request)

    house = open_house(Watched(Reply(200, b'{"answer":"xyzzy-answer"}', "t"), pause_s=0.01))
    made = await house.hand_in(20)
    house.runner.start()
    while (await house.desk.get("acme", made.id)).status not in ENDED:
        with contextlib.suppress(FileNotFoundError):  # it is over just now
            seen += [path.read_bytes() for path in (tmp_path / "batches").rglob("done")]
        await asyncio.sleep(0.01)
    kept = [path.read_bytes() for path in (tmp_path / "files").rglob("file-*")]
    assert len(kept) == 2
    assert any(seen)
    assert not [one for one in (*seen, *kept) if b"xyzzy-answer" in one or b"custom_id" in one]
    ended = await house.ended(made.id)
    assert {row["response"]["body"]["answer"] for row in await house.rows(ended.output_file)} == {"xyzzy-answer"}


class Erasing(Asks):
    """Shreds the tenant's key of this month before the request `at` is answered. Until the request `late` a key is used
    without asking for it again, as one is for 30 s; then those 30 s are over."""

    def __init__(self, at, monkeypatch, late=19):
        super().__init__(Reply(200, b'{"answer":1}', "t"))
        self.at = at
        self.late = late
        self.monkeypatch = monkeypatch
        self.ring = None

    async def ask(self, endpoint, key_id, body, batch):
        if json.loads(body)["n"] == self.at and self.ring is not None:
            ring, self.ring = self.ring, None
            now_ns = SystemClock().now_ns()
            assert ring.shred("acme", month_of(now_ns), now_ns, "asked for") == 1
        if json.loads(body)["n"] == self.late:
            self.monkeypatch.setattr(sealing, "_FRESH_S", 0.0)
        return await super().ask(endpoint, key_id, body, batch)


class Earlier(SystemClock):
    """40 days ago, at first."""

    ago_ns = 40 * 86_400 * 10**9

    def now_ns(self):
        return super().now_ns() - self.ago_ns


async def test_answers_that_come_right_after_an_erasure_are_not_lost_with_it(open_house, tmp_path, monkeypatch):
    """The input is of another month, so that it stays: those of before the erasure are asked again, none is missing, and
    those that came after it were sealed with a key that stands."""
    asks = Erasing(10, monkeypatch)
    clock = Earlier()
    house = open_house(asks, clock=clock, concurrency=1)
    await house.put_input(20)
    clock.ago_ns = 0
    made = await house.create()
    asks.ring = TextKeys(tmp_path)
    house.runner.start()
    ended = await house.ended(made.id)
    assert (ended.status, ended.completed, ended.failed) == ("completed", 20, 0)
    assert [row["custom_id"] for row in await house.rows(ended.output_file)] == [str(n) for n in range(20)]
    assert asks.asked == [*range(20), *range(10)], "those that were erased, and no others, were asked again"


async def test_an_erasure_that_takes_the_input_along_ends_the_batch_with_what_came_after(
    open_house, tmp_path, monkeypatch
):
    asks = Erasing(10, monkeypatch)
    house = open_house(asks, concurrency=1)
    made = await house.hand_in(20)
    asks.ring = TextKeys(tmp_path)
    house.runner.start()
    ended = await house.ended(made.id)
    assert (ended.status, ended.mistakes[0].code) == ("failed", "input_gone")
    rows = await house.rows(ended.output_file)
    assert [row["custom_id"] for row in rows] == [str(n) for n in range(10, 10 + ended.completed)]
    assert ended.completed > 0
