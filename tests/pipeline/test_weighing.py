"""Quality, cost and time: the request's word goes before its header's, its key's, its assistant's and the settings."""

import msgspec
import pytest

from zhongshu.access.fake import SOMEBODY
from zhongshu.catalog.assistants import AssistantSettings
from zhongshu.catalog.catalog import ModelCatalog, offer_of
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.dials import NO_DIAL, Dial, Preference
from zhongshu.core.models import Price
from zhongshu.core.problems import Refusal
from zhongshu.core.turns import Wishes
from zhongshu.pipeline.answer import answer
from zhongshu.pipeline.weighing import dial_of
from zhongshu.router.decision import Decider
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.difficulty.linear import load
from zhongshu.router.judging import TaskJudge
from zhongshu.router.settings import RouterSettings

HARD = "Prove that there are infinitely many primes."
EASY = "What is the capital of France?"
CHEAP, DEAR = Price(input=1, output=4), Price(input=10, output=40)
ASSISTANTS = tuple(
    AssistantSettings(name=name, strategy=strategy, general="small", reasoning="deep", quality=quality)
    for name, strategy, quality in (
        ("t", "tiered", None), ("c", "cascade", None), ("f", "front-back", None), ("cheap", "front-back", 0.0)
    )
)  # fmt: skip


def two_tiers(path, **settings):
    """The path over a general and a reasoning model of one upstream, and assistants of both."""
    rows = (
        ModelSettings(name="small", upstream="fake", tier="general", price=CHEAP),
        ModelSettings(name="deep", upstream="fake", tier="reasoning", price=DEAR),
    )
    made = path(says="The answer is 42.")
    decider, judge = Decider(RouterSettings(**settings)), Judge(load())
    catalog = ModelCatalog([offer_of(row) for row in rows], ASSISTANTS)
    made.rooms = msgspec.structs.replace(made.rooms, catalog=catalog, router=decider, judge=TaskJudge(judge, decider))
    return made


def asked(path, text=HARD, model="auto", headers=None, prefers=None, **wishes):
    arrived = path.arrived(text, model, wishes=Wishes(**wishes))
    caller = msgspec.structs.replace(SOMEBODY, prefers=prefers)
    return msgspec.structs.replace(arrived, caller=caller, headers=headers or {})


@pytest.mark.parametrize(
    ("wish", "header", "key", "assistant", "found", "by"),
    [
        (0.1, b"0.2", 0.3, 0.4, 0.1, "request"),
        (None, b"0.2", 0.3, 0.4, 0.2, "header"),
        (None, None, 0.3, 0.4, 0.3, "key"),
        (None, None, None, 0.4, 0.4, "assistant"),
        (None, None, None, None, None, ""),
        (0.0, b"1", None, None, 0.0, "request"),
    ],
)
def test_who_says_it_first(path, wish, header, key, assistant, found, by):
    headers = {} if header is None else {b"x-zhongshu-quality": header}
    arrived = asked(path(), headers=headers, prefers=None if key is None else Preference(key), quality=wish)
    dial = dial_of(arrived, None if assistant is None else Preference(assistant))
    assert (dial.quality, dial.quality_by) == (found, by)


def test_each_of_the_three_has_a_word_of_its_own(path):
    arrived = asked(path(), headers={b"x-zhongshu-max-cost": b"0.5"}, prefers=Preference(0.9, 0.1, 20.0), quality=0.2)
    assert dial_of(arrived) == Dial(0.2, "request", 0.5, "header", 20.0, "key")
    assert dial_of(asked(path())) is NO_DIAL


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x-zhongshu-quality", b"2"),
        ("x-zhongshu-quality", b"-0.1"),
        ("x-zhongshu-quality", b"nan"),
        ("x-zhongshu-quality", b""),
        ("x-zhongshu-quality", b"high"),
        ("x-zhongshu-quality", b"0_1"),
        ("x-zhongshu-quality", b"\xff"),
        ("x-zhongshu-max-cost", b"-1"),
        ("x-zhongshu-max-cost", b"inf"),
        ("x-zhongshu-max-seconds", b"0"),
    ],
)
async def test_a_header_that_will_not_do_is_named(path, header, value):
    for model in ("auto", "t", "deep"):
        made = two_tiers(path)
        refused = await answer(made.rooms, asked(made, model=model, headers={header.encode(): value}))
        assert isinstance(refused, Refusal)
        assert (refused.problem.status, refused.problem.code, refused.problem.param) == (400, "invalid_value", header)
        assert not made.model.calls
        assert made.gate.permits[0].released


async def test_a_named_model_weighs_nothing(path):
    made = two_tiers(path)
    done = await answer(made.rooms, asked(made, model="deep", headers={b"x-zhongshu-quality": b"0.2"}))
    assert not isinstance(done, Refusal)
    assert made.journal.records[0].dial == NO_DIAL


async def test_the_record_holds_what_it_was_weighed_by(path):
    made = two_tiers(path, dial=0.5, max_cost=5.0)
    await answer(made.rooms, asked(made, prefers=Preference(0.05)))
    record = made.journal.records[0]
    assert record.release == "small@1"
    assert record.dial == Dial(0.05, "key", 5.0, "settings", None, "")


@pytest.mark.parametrize(
    ("by", "more", "param"),
    [
        ("request", {"max_cost": 1e-9}, "zhongshu.max_cost"),
        ("header", {"headers": {b"x-zhongshu-max-cost": b"0.000000001"}}, "x-zhongshu-max-cost"),
        ("key", {"prefers": Preference(max_cost=1e-9)}, "max_cost"),
    ],
)
async def test_a_ceiling_below_every_model_names_who_set_it(path, by, more, param):
    made = two_tiers(path)
    refused = await answer(made.rooms, asked(made, **more))
    assert isinstance(refused, Refusal), by
    assert refused.problem.param == param
    assert ("key" in refused.problem.message) is (by == "key")


# --- assistants


async def said(made, **more):
    done = await answer(made.rooms, asked(made, **more))
    assert not isinstance(done, Refusal), done
    return done.answered.routed.route


async def test_a_dial_takes_the_place_of_a_threshold(path):
    made = two_tiers(path)
    assert (await said(made, model="t")).offer.release.model == "deep"
    assert (await said(made, model="t", quality=0.05)).offer.release.model == "small"
    assert (await said(made, model="t", quality=0.0)).offer.release.model == "small"
    assert (await said(made, model="t", text=EASY)).offer.release.model == "small"
    assert (await said(made, model="t", text=EASY, quality=1.0)).offer.release.model == "deep"


async def test_a_dial_decides_whether_the_reasoning_model_has_a_part(path):
    made = two_tiers(path)
    await said(made, model="f")
    assert len(made.model.calls) == 2
    made.model.calls.clear()
    route = await said(made, model="f", quality=0.05)
    assert len(made.model.calls) == 1
    assert "answered alone" in route.reason
    assert route.dial == Dial(0.05, "request")


async def test_an_assistant_has_a_dial_of_its_own_and_the_request_goes_before_it(path):
    made = two_tiers(path)
    assert (await said(made, model="cheap")).dial.quality_by == "assistant"
    assert len(made.model.calls) == 1
    await said(made, model="cheap", quality=1.0)
    assert len(made.model.calls) == 3


async def test_a_ceiling_keeps_an_assistant_from_the_reasoning_model(path):
    made = two_tiers(path)
    for name in ("t", "c", "f"):
        route = await said(made, model=name, max_cost=0.005)
        assert route.offer.release.model == "small", name
        assert "cost more than the ceiling" in route.reason
    refused = await answer(made.rooms, asked(made, model="t", max_cost=1e-9))
    assert isinstance(refused, Refusal)


def test_an_assistant_s_dial_is_checked_when_it_is_made():
    with pytest.raises(ValueError, match="quality: give a number from 0"):
        AssistantSettings(name="x", strategy="tiered", general="a", reasoning="b", quality=1.5)
    with pytest.raises(ValueError, match="max_seconds: give a number of seconds above 0"):
        AssistantSettings(name="x", strategy="tiered", general="a", reasoning="b", max_seconds=0.0)
