"""The cache in the path of a turn."""

import asyncio

from tests.caches.conftest import Cached
from zhongshu.pipeline.answer import answer, stream
from zhongshu.pipeline.stages import Closing


async def drain(live):
    return [batch async for batch in live.batches()]


async def test_a_second_turn_gets_the_first_ones_answer(caches):
    way = Cached(caches())
    first = await answer(way.rooms, way.arrived())
    second = await answer(way.rooms, way.arrived())
    assert len(way.model.calls) == 1
    assert second.answered.answer.choices == first.answered.answer.choices
    record = way.journal.records[1]
    assert (record.cache, record.cost_nano) == ("exact", 0)
    assert record.saved_nano == way.journal.records[0].cost_nano > 0
