"""Samples: the other kind of model answers too, unseen and uncharged, and both answers are judged."""

import asyncio

import msgspec
import pytest

from tests.pipeline.conftest import Path
from zhongshu.catalog.catalog import ModelCatalog, offer_of
from zhongshu.catalog.samples import SampleBook
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.models import Price
from zhongshu.core.problems import Fault, fault
from zhongshu.core.turns import Sampling
from zhongshu.pipeline.answer import answer, stream
from zhongshu.pipeline.samples import Samples
from zhongshu.router.settings import SampleSettings
from zhongshu.storage.database import open_database
from zhongshu.upstreams.dispatch.dispatcher import UpstreamDispatcher
from zhongshu.upstreams.fake import FakeModel

SUM = "A shop sells 12 boxes of 7 pens each and 9 pens are broken. How many pens are left in total?"
OPEN = "Why is the sea blue, and why does it matter?"
CHEAP, DEAR = Price(input=1, output=2), Price(input=10, output=20)


class Judging(FakeModel):
    """Likes the answer that holds a word, wherever it stands."""

    def _begin(self, call):
        asked = call.turn.messages[-1].text()
        first = asked.index("First answer") < asked.rindex("DEEP") < asked.index("Second answer")
        self.says = '{"first": 1.0, "second": 0.25}' if first else '{"first": 0.25, "second": 1.0}'
        super()._begin(call)


class Book:
    """pipeline.samples.Book on a real database."""

    def __init__(self, book):
        self.book = book

    async def keep(self, sample):
        self.book.keep(sample)

    async def spent_today_nano(self):
        return self.book.spent_today_nano()


class Sampled(Path):
    """A path of a general and a reasoning model, and a judge; every turn is sampled."""

    def __init__(
        self, database, general="DONE: the answer is 75.", deep="DEEP: the answer is 75.", judge=None, **settings
    ):
        super().__init__(FakeModel("fake", says=general))
        self.deep = deep if isinstance(deep, FakeModel) else FakeModel("deep", says=deep)
        self.judge = judge or Judging("judge")
        self.book = SampleBook(database, self.clock)
        self.busy = False
        self.samples = Samples(Book(self.book), lambda: 4, lambda: self.busy)
        rows = (
            ModelSettings(name="small", upstream="fake", tier="general", price=CHEAP),
            ModelSettings(name="deep", upstream="deep", tier="reasoning", price=DEAR),
            ModelSettings(name="judge", upstream="judge", price=CHEAP),
        )
        self.rooms = msgspec.structs.replace(
            self.rooms,
            catalog=ModelCatalog([offer_of(row) for row in rows]),
            dispatcher=UpstreamDispatcher({"fake": self.model, "deep": self.deep, "judge": self.judge}, self.clock),
            samples=self.samples.by(SampleSettings(**({"share": 1.0} | settings))),
        )

    def asked(self, text=OPEN, **fields):
        arrived = self.arrived(text, "auto", **fields)
        turn = msgspec.structs.replace(arrived.turn, trace="a" * 24 + "00000000", arrived_ns=self.clock.now_ns())
        return msgspec.structs.replace(arrived, turn=turn)

    async def done(self):
        """The samples, once all are over."""
        while self.samples.under_way:
            await asyncio.gather(*self.samples.under_way)
        return self.book.find()


@pytest.fixture
def sampled(tmp_path):
    database = open_database(tmp_path / "state.db")
    yield lambda **more: Sampled(database, **more)
    database.close()


async def test_the_other_model_answers_unseen_and_nobody_pays(sampled):
    path = sampled()
    done = await answer(path.rooms, path.asked(SUM))
    assert done.answered.answer.choices[0].text == "DEEP: the answer is 75."
    assert not path.model.calls, "the answer did not wait for it"
    (sample,) = await path.done()
    own, other = path.journal.records
    assert (other.shadow_of, other.rule, other.split, other.release) == (
        own.trace,
        "sample",
        "sample: small@1",
        "small@1",
    )
    assert other.tenant == own.tenant, "its text is sealed, and erased, with the tenant's"
    assert len(path.gate.permits) == 1, "a sample asks for no permit"
    assert (sample.trace, sample.sample, sample.went) == (own.trace, other.trace, True)
    assert (sample.state, sample.general, sample.reasoning, sample.by) == ("judged", 1.0, 1.0, "agreement")
    assert (sample.cost_nano, sample.other_nano, sample.judge_nano) == (own.cost_nano, other.cost_nano, 0)
    assert sample.gain == pytest.approx(own_gain(path), abs=1e-9)
    assert not path.judge.calls


def own_gain(path):
    return path.rooms.router.decide(path.asked(SUM).turn, path.rooms.catalog.find("auto")).hardness.gain


async def test_a_streamed_turn_is_sampled_after_its_end(sampled):
    path = sampled()
    live = await stream(path.rooms, path.asked(SUM, stream=True))
    assert [batch async for batch in live.batches()]
    (sample,) = await path.done()
    assert sample.state == "judged"
    assert path.journal.records[1].stream


async def test_where_they_differ_the_reasoning_model_is_the_measure(sampled):
    path = sampled(general="The answer is 74.", deep="The answer is 75.")
    await answer(path.rooms, path.asked(SUM))
    (sample,) = await path.done()
    assert (sample.general, sample.reasoning, sample.by) == (0.0, 1.0, "agreement")


async def test_what_cannot_be_compared_stays_open(sampled):
    path = sampled(general="DONE words", deep="DEEP words")
    await answer(path.rooms, path.asked())
    (sample,) = await path.done()
    assert (sample.state, sample.general, sample.went) == ("open", None, False)


async def test_a_judge_sees_both_orders(sampled):
    path = sampled(general="DONE words", deep="DEEP words", judge=Judging("judge"))
    path.rooms = msgspec.structs.replace(path.rooms, samples=path.samples.by(SampleSettings(share=1.0, judge="judge")))
    await answer(path.rooms, path.asked())
    (sample,) = await path.done()
    assert (sample.general, sample.reasoning, sample.by) == (0.25, 1.0, "judge: judge")
    assert len(path.judge.calls) == 2
    records = path.journal.records
    assert [record.rule for record in records[2:]] == ["judge", "judge"]
    assert sample.judge_nano == sum(record.cost_nano for record in records[2:]) > 0
    assert {record.shadow_of for record in records[1:]} == {records[0].trace}


@pytest.mark.parametrize("says", ["no JSON", '{"first": 7, "second": 0}', '{"first": 1}', "{", '{"first": "x"}'])
async def test_a_judge_that_says_nothing_usable_judges_nothing(sampled, says):
    path = sampled(general="DONE words", deep="DEEP words", judge=FakeModel("judge", says=says))
    path.rooms = msgspec.structs.replace(path.rooms, samples=path.samples.by(SampleSettings(share=1.0, judge="judge")))
    await answer(path.rooms, path.asked())
    (sample,) = await path.done()
    assert sample.state == "open"


async def test_another_model_that_fails_is_kept_as_such_and_hurts_nobody(sampled):
    path = sampled(deep=FakeModel("deep", fails=fault("upstream_error", upstream="deep", upstream_status=500)))
    done = await answer(path.rooms, path.asked())
    assert done.answered.answer.choices[0].text.startswith("DONE")
    (sample,) = await path.done()
    assert (sample.state, sample.general) == ("failed", None)
    assert path.journal.records[1].outcome == "failed"


@pytest.mark.parametrize(
    ("settings", "fields", "busy"),
    [
        ({"share": 0.0}, {}, False),
        ({}, {"sampling": Sampling(n=2)}, False),
        ({}, {}, True),
    ],
)
async def test_what_is_not_sampled(sampled, settings, fields, busy):
    path = sampled(**settings)
    path.busy = busy
    await answer(path.rooms, path.asked(**fields))
    assert await path.done() == ()
    assert len(path.journal.records) == 1
    assert path.samples.dropped == busy


async def test_a_turn_is_sampled_by_its_lot(sampled):
    path = sampled(share=0.5)
    for end, taken in (("7fffffff", 1), ("80000000", 1)):
        arrived = path.asked(SUM)
        turn = msgspec.structs.replace(arrived.turn, trace="b" * 24 + end)
        await answer(path.rooms, msgspec.structs.replace(arrived, turn=turn))
        assert len(await path.done()) == taken


async def test_a_named_model_is_not_sampled(sampled):
    path = sampled()
    await answer(path.rooms, path.arrived(SUM, "small"))
    assert await path.done() == ()


async def test_a_day_has_a_ceiling(sampled):
    path = sampled(max_cost_per_day=0.000001)
    for number in range(3):
        arrived = path.asked(SUM)
        turn = msgspec.structs.replace(
            arrived.turn, trace=f"{number}" * 24 + "00000000", arrived_ns=path.clock.now_ns()
        )
        await answer(path.rooms, msgspec.structs.replace(arrived, turn=turn))
        await path.done()
    assert len(path.book.find()) == 1, "the first came to more than a day's"
    path.clock.advance(86_400)
    assert path.book.spent_today_nano() == 0


# --- the book


async def test_a_person_s_word_counts_before_any_judge_s(sampled):
    path = sampled()
    await answer(path.rooms, path.asked(SUM))
    (sample,) = await path.done()
    made = path.book.judge(sample.sample, 0.0, 0.5, "k_1")
    assert (made.trace, made.general, made.reasoning, made.by) == (sample.trace, 0.0, 0.5, "label: k_1")
    path.book.keep(sample)
    assert path.book.of(sample.trace) == made


@pytest.mark.parametrize(("general", "reasoning", "field"), [(2, 0, "general"), (0, -1, "reasoning")])
async def test_a_judgement_is_between_0_and_1(sampled, general, reasoning, field):
    with pytest.raises(Fault) as refused:
        sampled().book.judge("a", general, reasoning, "me")
    assert refused.value.problem.param == field


async def test_of_a_turn_that_was_not_sampled_nothing_is_judged(sampled):
    with pytest.raises(Fault) as refused:
        sampled().book.judge("f" * 32, 1, 1, "me")
    assert refused.value.problem.code == "sample_not_found"
