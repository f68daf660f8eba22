"""Shadows: answered unseen after the turn is over, recorded as their own, charged to nobody, dropped when busy."""

import asyncio

import msgspec
import pytest

from tests.pipeline.conftest import Path
from zhongshu.catalog.buckets import assign
from zhongshu.catalog.catalog import ModelCatalog, offer_of
from zhongshu.catalog.plans import Plan, Shadow
from zhongshu.catalog.releases import Planned, TrafficPlans
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.problems import fault
from zhongshu.pipeline.answer import answer, stream
from zhongshu.pipeline.shadow import Shadows
from zhongshu.upstreams.dispatch.dispatcher import UpstreamDispatcher
from zhongshu.upstreams.fake import FakeModel


class Shadowed(Path):
    """A path whose model has a second release that shadows the first."""

    def __init__(self, model, second, most=2, percent=100.0):
        super().__init__(model)
        self.second = second
        self.busy = False
        self.shadows = Shadows(lambda: most, lambda: self.busy)
        plan, plans = Plan(shares={"1": 1.0}, shadow=Shadow("2", percent)), TrafficPlans()
        plans.use({"m": Planned(plan, assign(plan.shares))})
        rows = (ModelSettings(name="m", upstream="fake"), ModelSettings(name="m", upstream="second", version="2"))
        self.rooms = msgspec.structs.replace(
            self.rooms,
            catalog=ModelCatalog([offer_of(row) for row in rows]),
            dispatcher=UpstreamDispatcher({"fake": model, "second": second}, self.clock),
            releases=plans,
            shadows=self.shadows,
        )

    async def settled(self, records):
        while len(self.journal.records) < records:
            await asyncio.sleep(0)
        return self.journal.records


async def test_a_turn_is_answered_once_more_unseen():
    path = Shadowed(FakeModel("fake", says="first"), FakeModel("second", says="another answer"))
    done = await answer(path.rooms, path.arrived())
    assert done.answered.answer.choices[0].text == "first"
    assert len(path.journal.records) == 1, "the turn's own record stands before its shadow begins"
    assert not path.second.calls
    own, shadow = await path.settled(2)
    assert (own.release, own.shadow_of, own.split) == ("m@1", "", "shares: m@1")
    assert (shadow.release, shadow.shadow_of, shadow.split) == ("m@2", own.trace, "shadow: m@2")
    assert shadow.trace != own.trace
    assert shadow.tenant == own.tenant, "its text is sealed, and erased, with the tenant's"
    assert (shadow.outcome, shadow.usage.completion) == ("answered", 2)
    assert b"another answer" in shadow.answer
    assert len(path.gate.permits) == 1, "a shadow asks for no permit"
    assert path.gate.permits[0].settled is not None


async def test_a_streamed_turn_s_shadow_is_streamed():
    path = Shadowed(FakeModel("fake", says="a b"), FakeModel("second", says="c d e"))
    live = await stream(path.rooms, path.arrived(stream=True))
    assert [batch async for batch in live.batches()]
    own, shadow = await path.settled(2)
    assert shadow.shadow_of == own.trace
    assert shadow.stream
    assert shadow.usage.completion == 3


async def test_a_shadow_that_fails_is_recorded_and_hurts_nobody():
    broken = FakeModel("second", fails=fault("upstream_error", upstream="second", upstream_status=500))
    path = Shadowed(FakeModel("fake", says="fine"), broken)
    done = await answer(path.rooms, path.arrived())
    assert done.answered.answer.choices[0].text == "fine"
    _, shadow = await path.settled(2)
    assert (shadow.outcome, shadow.error) == ("failed", "upstream_error")


async def test_what_was_not_answered_has_no_shadow():
    path = Shadowed(FakeModel("fake", fails=fault("upstream_unreachable", upstream="fake")), FakeModel("second"))
    with pytest.raises(Exception, match="upstream_unreachable"):
        await answer(path.rooms, path.arrived())
    await asyncio.sleep(0)
    assert len(path.journal.records) == 1
    assert not path.second.calls


async def test_a_pinned_release_has_no_shadow():
    path = Shadowed(FakeModel("fake"), FakeModel("second"))
    await answer(path.rooms, path.arrived(model="m@1"))
    await asyncio.sleep(0)
    assert not path.second.calls


async def test_there_are_only_so_many_and_none_while_busy():
    path = Shadowed(FakeModel("fake"), FakeModel("second", says="slow", pause_s=3600), most=2)
    for _ in range(5):
        await answer(path.rooms, path.arrived())
    assert path.shadows.dropped == 3
    await path.shadows.aclose()
    path.busy = True
    await answer(path.rooms, path.arrived())
    assert path.shadows.dropped == 4


async def test_a_server_that_stops_waits_for_none_and_records_all():
    path = Shadowed(FakeModel("fake"), FakeModel("second", says="slow", pause_s=3600))
    await answer(path.rooms, path.arrived())
    while not path.second.calls:
        await asyncio.sleep(0)
    await path.shadows.aclose()
    own, shadow = path.journal.records
    assert (shadow.outcome, shadow.error, shadow.shadow_of) == ("cut", "draining", own.trace)


async def test_a_shadow_waits_behind_everybody_and_is_remembered_by_no_cache():
    path = Shadowed(FakeModel("fake"), FakeModel("second"))
    await answer(path.rooms, path.arrived())
    await path.settled(2)
    wishes = path.second.calls[0].turn.wishes
    assert (wishes.priority, wishes.cache) == ("low", "no-store")


async def test_a_release_that_cannot_do_what_is_asked_has_no_part_in_it():
    path = Shadowed(FakeModel("fake"), FakeModel("second"))
    rows = (
        ModelSettings(name="m", upstream="fake", abilities=("chat", "completion")),
        ModelSettings(name="m", upstream="second", version="2", abilities=("chat",)),
    )
    plan, plans = Plan(shares={"2": 1.0}), TrafficPlans()
    plans.use({"m": Planned(plan, assign(plan.shares))})
    path.rooms = msgspec.structs.replace(
        path.rooms, catalog=ModelCatalog([offer_of(row) for row in rows]), releases=plans
    )
    arrived = path.arrived()
    completion = msgspec.structs.replace(arrived.turn, kind="completion", prompts=("hello",), messages=())
    await answer(path.rooms, arrived)
    await answer(path.rooms, msgspec.structs.replace(arrived, turn=completion))
    assert [record.release for record in path.journal.records] == ["m@2", "m@1"]


async def test_who_answers_in_place_of_a_model_is_the_release_that_has_the_turn():
    path = Shadowed(FakeModel("fake", fails=fault("upstream_unreachable", upstream="fake")), FakeModel("second"))
    rows = tuple(
        ModelSettings(name="other", upstream=upstream, version=version)
        for version, upstream in (("1", "fake"), ("2", "second"))
    )
    plan, plans = Plan(shares={"2": 1.0}), TrafficPlans()
    plans.use({"other": Planned(plan, assign(plan.shares))})
    first = offer_of(ModelSettings(name="m", upstream="fake"))
    card = msgspec.structs.replace(first.card, fallbacks=("other",))
    offers = [msgspec.structs.replace(first, card=card), *map(offer_of, rows)]
    path.rooms = msgspec.structs.replace(path.rooms, catalog=ModelCatalog(offers), releases=plans)
    await answer(path.rooms, path.arrived())
    assert path.journal.records[0].release == "other@2"
