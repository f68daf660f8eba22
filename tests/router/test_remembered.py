"""A decider that has decided before decides as one that has not, whatever came in between."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhongshu.core.dials import NO_DIAL, Preference
from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.money import Exchange
from zhongshu.core.prices import Price
from zhongshu.core.problems import Refusal
from zhongshu.core.turns import Format, Image, Message, Sampling, Text, Tool, Turn, Wishes
from zhongshu.router import estimate, remembered
from zhongshu.router.decision import Decider
from zhongshu.router.remembered import Judged
from zhongshu.router.settings import RouterSettings

TEXTS = (
    "hi", "Why is the sky blue?", "Prove it", "证明这个定理", "Translate this: good day", "Write a poem", "继续", "Is it 3?",
    "What? Why? How?", "Tom has 3 boxes with 4 pens each. How many pens are there?", "Which?\nA. 1\nB. 2\nC. 3\nD. 4",
    "Explain step by step; it must be exactly so and must not be longer", "Debug my code", "And what if it rains?",
)  # fmt: skip


def offer(name, tier, dear=0, **more):
    price = Price(input=dear, output=dear)
    release = Release(model=name, version="1", upstream=name, upstream_model=name)
    return Offer(release, ModelCard(name=name, tier=tier, price=price, **more))


FREE = (offer("small", "general"), offer("large", "reasoning"))
DEAR = (offer("small", "general", 1), offer("large", "reasoning", 40, thinking="switch"), offer("spare", "reasoning"))
DECIDER = {offers: Decider(exchange=Exchange()) for offers in (FREE, DEAR)}

turns = st.builds(
    Turn,
    trace=st.just("t"),
    arrived_ns=st.just(1),
    kind=st.just("chat"),
    protocol=st.just("openai.chat"),
    model=st.just("auto"),
    messages=st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3).map(
        lambda texts: tuple(Message("user", text) for text in texts)
    ),
    effort=st.sampled_from([None, None, "off", "high"]),
    sampling=st.sampled_from([Sampling(), Sampling(max_tokens=10)]),
    wishes=st.sampled_from([Wishes(), Wishes(), Wishes(quality=0.9), Wishes(max_cost=0.0001)]),
    format=st.sampled_from([Format(), Format(), Format(kind="json")]),
    tools=st.sampled_from([(), (), (Tool("look_up"),)]),
    body_bytes=st.sampled_from([0, 900]),
)
dials = st.sampled_from([NO_DIAL, NO_DIAL, NO_DIAL.or_else(Preference(quality=0.1), "key")])


def plain(routed):
    return routed if not isinstance(routed, Refusal) else routed.problem


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(turns, dials), min_size=1, max_size=6), st.sampled_from([FREE, DEAR]))
def test_what_was_decided_before_changes_nothing(asked, offers):
    fresh = Decider(exchange=Exchange())
    for turn, dial in asked:
        fresh._remembered, fresh._judged = None, Judged(fresh.judge)
        assert plain(DECIDER[offers].route(turn, offers, dial)) == plain(fresh.route(turn, offers, dial))


def chat(text, **more):
    return Turn("t", 1, "chat", "openai.chat", "auto", messages=(Message("user", text),), **more)


def test_a_model_that_rests_is_seen_at_once():
    resting = set()
    decider = Decider(resting=lambda one: one.release.model in resting)
    offers = (*FREE, offer("spare", "reasoning"))
    asked = chat("Prove that there is no largest prime")
    assert decider.route(asked, offers).offer.release.model == "large"
    resting.add("large")
    assert decider.route(asked, offers).offer.release.model == "spare"
    resting.clear()
    assert decider.route(asked, offers).offer.release.model == "large"


@pytest.mark.parametrize(
    ("texts", "judged"),
    [
        (("Prove that there is no largest prime",), 1),
        (("hi", "Tom has 3 boxes with 4 pens each. How many pens are there?"), 1),
        (("Why is the sky blue?", "continue"), 1 + 4),  # what it goes on from may be another question next time
        (("Why is the sky blue?", "And at night?"), 1 + 4),
    ],
)
def test_a_question_that_comes_again_is_judged_once(texts, judged, monkeypatch):
    """As in a run of tool calls, or when the same is asked of many texts; with how often two that depend on more are."""
    calls = []
    for name in ("hardness_of", "hardness"):  # of a question by itself, and within its conversation
        judge = getattr(estimate, name)
        monkeypatch.setattr(remembered, name, lambda *a, judge=judge: calls.append(1) or judge(*a))
    decider = Decider()
    said = tuple(Message("user", text) for text in texts)
    for _ in range(4):
        decider.route(Turn("t", 1, "chat", "openai.chat", "auto", messages=said), FREE)
        said = (*said, Message("assistant", ""), Message("tool", "nothing found"))
    assert len(calls) == judged


CLOSE = "Write a Python function that reverses a linked list."


def test_a_close_decision_is_kept_for_turns_with_nothing_before_them(monkeypatch):
    decided, calls = Decider.decide, []
    monkeypatch.setattr(Decider, "decide", lambda *a, **k: calls.append(1) or decided(*a, **k))
    decider, hard = Decider(), Message("user", "Prove that there is no largest prime")
    alone = decider.route(chat(CLOSE), FREE)
    assert [decider.route(chat(CLOSE), FREE) for _ in range(3)] == [alone] * 3
    assert len(calls) == 1
    within = Turn("t", 1, "chat", "openai.chat", "auto", messages=(hard, Message("user", CLOSE)))
    assert decider.route(within, FREE) != alone
    assert decider.route(within, FREE) != alone
    assert decider.route(chat(CLOSE), FREE) == alone
    assert len(calls) == 3


def test_other_models_are_seen_at_once():
    decider, asked = Decider(), chat("Prove that there is no largest prime")
    assert decider.route(asked, FREE).offer.release.model == "large"
    renamed = (FREE[0], offer("larger", "reasoning"))
    assert decider.route(asked, renamed).offer.release.model == "larger"
    assert decider.route(asked, FREE).offer.release.model == "large"


def test_what_it_costs_is_said_of_this_turn():
    decider, text = Decider(), "Write a poem"
    offers = (DEAR[0], DEAR[1])
    short, long = (
        decider.route(chat(text, body_bytes=400), offers),
        decider.route(chat(text, body_bytes=40_000), offers),
    )
    assert "expected cost" in short.reason
    assert short.reason != long.reason
    assert msgspec.structs.replace(short, reason="", reason_zh="") == msgspec.structs.replace(
        long, reason="", reason_zh=""
    )


@pytest.mark.parametrize("bounds", [{"max_cost": 1.0}, {"max_seconds": 5.0}])
def test_nothing_is_kept_under_a_ceiling(bounds):
    assert Decider(RouterSettings(**bounds))._remembered is None


def test_a_picture_is_asked_of_who_can_see():
    decider = Decider()
    assert decider.route(chat("hi"), FREE).offer is FREE[0]
    seeing = Message("user", (Text("hi"), Image(url="https://example.org/a.png")))
    turn = Turn("t", 1, "chat", "openai.chat", "auto", messages=(seeing,))
    assert isinstance(decider.route(turn, FREE), Refusal)
