"""Samples: the other kind of model answers too, unseen and uncharged, and both answers are judged."""

import asyncio

import msgspec
import pytest

from tests.pipeline.conftest import Path
from zhongshu.catalog.assistants import AssistantSettings
from zhongshu.catalog.catalog import ModelCatalog, offer_of
from zhongshu.catalog.samples import SampleBook
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.models import Price
from zhongshu.core.problems import Fault, fault
from zhongshu.core.turns import Sampling
from zhongshu.pipeline.answer import answer, stream
from zhongshu.pipeline.estimate import ask_of
from zhongshu.pipeline.samples import Samples
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.difficulty.linear import load
from zhongshu.router.judging import TaskJudge
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


class Held(FakeModel):
    """Answers when it is let go."""

    held: asyncio.Event | None = None

    async def complete(self, call):
        self._begin(call)
        if self.held is not None:
            await self.held.wait()
        self.calls.pop()
        return await super().complete(call)


class Book:
    """pipeline.samples.Book on a real database."""

    def __init__(self, book):
        self.book = book

    async def keep(self, sample):
        self.book.keep(sample)

    async def reserve(self, *what):
        return self.book.reserve(*what)


class Sampled(Path):
    """A path of a general and a reasoning model, and a judge; every turn is sampled."""

    def __init__(
        self, database, general="DONE: the answer is 75.", deep="DEEP: the answer is 75.", judge=None, **settings
    ):
        super().__init__(Held("fake", says=general))
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


async def turns(path, count, model="auto"):
    for number in range(count):
        arrived = path.asked(SUM)
        turn = msgspec.structs.replace(
            arrived.turn, trace=f"{number}" * 24 + "00000000", arrived_ns=path.clock.now_ns(), model=model
        )
        await answer(path.rooms, msgspec.structs.replace(arrived, turn=turn))


async def test_a_day_s_ceiling_holds_for_samples_that_are_taken_at_once(sampled):
    """What a sample may come to is set aside before it begins, so that those under way are counted; what it did not come
    to is free again."""
    path = sampled()
    small = path.rooms.catalog.find("small")
    most = ask_of(path.asked(SUM).turn, small, path.rooms.assume.completion_tokens).cost_nano
    path.rooms = msgspec.structs.replace(
        path.rooms, samples=path.samples.by(SampleSettings(share=1.0, max_cost_per_day=2.5 * most / 1e9))
    )
    path.model.held = held = asyncio.Event()
    await turns(path, 4)
    async with asyncio.timeout(30):
        while len(path.model.calls) < 2 or len(path.samples.under_way) > 2:
            await asyncio.sleep(0.001)
    assert not path.book.reserve("e" * 32, path.clock.now_ns(), 1, 2 * most), "two are set aside"
    assert path.book.find() == (), "what is under way is no sample yet"
    held.set()
    assert len(await path.done()) == 2
    spent = sum(one.other_nano for one in path.book.find())
    assert spent < most
    assert not path.book.reserve("e" * 32, path.clock.now_ns(), 2, spent + 1)
    assert path.book.reserve("e" * 32, path.clock.now_ns(), 1, spent + 1)
    path.clock.advance(86_400)
    assert path.book.reserve("f" * 32, path.clock.now_ns(), 1, 1), "a new day"


@pytest.mark.parametrize("ceiling", [1e12, 1e300, float("inf")])
async def test_a_ceiling_beyond_every_cost_is_none(sampled, ceiling):
    path = sampled(max_cost_per_day=ceiling)
    await turns(path, 1)
    assert len(await path.done()) == 1


@pytest.mark.parametrize("ceiling", [0.000001, 1e-12])
async def test_a_ceiling_below_one_sample_takes_none(sampled, ceiling):
    path = sampled(max_cost_per_day=ceiling)
    await turns(path, 2)
    assert await path.done() == ()
    assert len(path.journal.records) == 2


# --- one model, with and without thought


class Thinker(FakeModel):
    """Says another thing where it thinks."""

    def _begin(self, call):
        self.says = "DEEP: the answer is 75." if call.effort not in (None, "off") else "The answer is 74."
        super()._begin(call)


@pytest.mark.parametrize(("text", "went"), [(SUM, True), ("Hi!", False)])
async def test_one_model_is_sampled_with_thought_and_without(sampled, text, went):
    path = sampled()
    path.model = Thinker("fake")
    row = ModelSettings(name="hybrid", upstream="fake", tier="general", thinking="switch", price=CHEAP)
    path.rooms = msgspec.structs.replace(
        path.rooms,
        catalog=ModelCatalog([offer_of(row)]),
        dispatcher=UpstreamDispatcher({"fake": path.model}, path.clock),
    )
    await answer(path.rooms, path.asked(text))
    (sample,) = await path.done()
    own, other = path.journal.records
    assert (own.rule, sample.asked, sample.went) == ("only", "auto", went)
    assert {own.effort in (None, "off"), other.effort in (None, "off")} == {True, False}
    assert (sample.general, sample.reasoning) == (0.0, 1.0)
    assert (sample.general_nano, sample.reasoning_nano) == (
        (other.cost_nano, own.cost_nano) if went else (own.cost_nano, other.cost_nano)
    )


async def test_a_model_without_a_choice_is_not_sampled(sampled):
    """It cannot be told to think, or the caller has said how deep."""
    path = sampled()
    for thinking, effort in (("never", None), ("always", None), ("switch", "high")):
        row = ModelSettings(name="one", upstream="fake", tier="general", thinking=thinking, price=CHEAP)
        path.rooms = msgspec.structs.replace(path.rooms, catalog=ModelCatalog([offer_of(row)]))
        await answer(path.rooms, path.asked(SUM, effort=effort))
        assert await path.done() == ()


# --- assistants


def assisted(path, strategy, **more):
    found = AssistantSettings(name="helpdesk", strategy=strategy, general="small", reasoning="deep", **more)
    judge = TaskJudge(Judge(load()), path.rooms.router)
    catalog = ModelCatalog(path.rooms.catalog.find("auto"), (found,))
    path.rooms = msgspec.structs.replace(path.rooms, catalog=catalog, judge=judge)
    return path


@pytest.mark.parametrize(
    ("strategy", "threshold", "beside", "went"),
    [
        ("tiered", 0.0, ["small@1"], True),
        ("tiered", 1.0, ["deep@1"], False),
        ("cascade", 0.0, [], True),
        ("cascade", 1.0, ["deep@1"], False),
        ("draft-check", 0.5, [], False),
        ("front-back", 0.5, ["small@1", "deep@1"], True),
    ],
)
async def test_an_assistant_beside_each_of_its_models_alone(sampled, strategy, threshold, beside, went):
    """Only what was not answered already is asked for; what each model's own answer cost stands apart from the whole."""
    deep = '{"answer": "75", "agrees": true, "defects": []} the answer is 75.'
    path = assisted(sampled(deep=deep), strategy, threshold=threshold)
    await turns(path, 1, "helpdesk")
    (sample,) = await path.done()
    own, *others = path.journal.records
    assert [record.release for record in others] == beside
    assert {record.shadow_of for record in others} <= {own.trace}
    assert (sample.asked, sample.went, sample.state) == ("helpdesk", went, "judged")
    assert sample.cost_nano == own.cost_nano
    assert sample.other_nano == sum(record.cost_nano for record in others)
    assert sample.general_nano > 0 < sample.reasoning_nano
    assert (sample.done is None) == (strategy != "front-back")
    if strategy == "cascade" and went:
        assert sample.general_nano + sample.reasoning_nano == own.cost_nano


async def test_an_assistant_of_one_model_is_not_sampled(sampled):
    path = sampled()
    found = AssistantSettings(name="helpdesk", strategy="direct", general="small")
    path.rooms = msgspec.structs.replace(path.rooms, catalog=ModelCatalog(path.rooms.catalog.find("auto"), (found,)))
    await turns(path, 1, "helpdesk")
    assert await path.done() == ()


async def test_an_answer_of_its_own_is_judged_for_itself(sampled):
    path = assisted(sampled(general="The answer is 74.", deep="The answer is 75."), "front-back")
    await turns(path, 1, "helpdesk")
    (sample,) = await path.done()
    assert (sample.general, sample.reasoning, sample.done) == (0.0, 1.0, 1.0)


async def test_assistants_count_apart_from_auto(sampled):
    path = assisted(sampled(), "tiered", threshold=0.0)
    await turns(path, 1, "helpdesk")
    await path.done()
    assert not path.book.find(asked="auto")
    assert len(path.book.find(asked="helpdesk")) == 1


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
