"""Splitting: rules first, then shares; users stay; nothing is split that is not to be."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhongshu.catalog.buckets import assign
from zhongshu.catalog.catalog import ModelCatalog, offer_of
from zhongshu.catalog.plans import Canary, Plan, Rule, Shadow, first_plan, mixed
from zhongshu.catalog.releases import Planned, TrafficPlans
from zhongshu.catalog.settings import ModelSettings, SamplingSettings
from zhongshu.core.access import Caller
from zhongshu.core.ids import trace_id
from zhongshu.core.ports import Call
from zhongshu.core.turns import Message, Sampling, Text, Turn, Wire

ACME = Caller("acme", "k_1")


def offers(*versions, **fields):
    return tuple(offer_of(ModelSettings(name="m", upstream="up", version=version, **fields)) for version in versions)


def turn(user=None, trace=None):
    return Turn(trace or trace_id(), 1, "chat", "openai.chat", "m", messages=(Message("user", "hi"),), user=user)


def plans(plan):
    made = TrafficPlans()
    made.use({"m": Planned(plan, assign(plan.shares))})
    return made


def chosen(made, there, caller=ACME, headers=None, user=None):
    split = made.split(turn(user), caller, headers or {}, there)
    assert split.rule.endswith(f": {split.offers[0].release.name}"), "the rule says which release it chose"
    return split.offers[0].release.version, split.rule.partition(":")[0]


RULES = (
    Rule(release="3", tenants=("beta",)),
    Rule(release="2", keys=("k_9", "k_8")),
    Rule(release="3", header="X-Try", value="three"),
    Rule(release="2", header="x-any"),
    Rule(release="2", tenants=("acme",), users=("ann",)),
    Rule(release="gone", users=("bob",)),
)


@pytest.mark.parametrize(
    ("caller", "headers", "user", "expected"),
    [
        (Caller("beta", "k_1"), {}, None, ("3", "rule 1")),
        (Caller("beta", "k_9"), {}, None, ("3", "rule 1")),  # in order
        (Caller("acme", "k_8"), {}, None, ("2", "rule 2")),
        (ACME, {b"x-try": b"three"}, None, ("3", "rule 3")),
        (ACME, {b"x-try": b"two"}, None, ("1", "shares")),  # must not fire
        (ACME, {b"x-any": b""}, None, ("2", "rule 4")),
        (ACME, {}, "ann", ("2", "rule 5")),
        (Caller("other", "k_1"), {}, "ann", ("1", "shares")),  # everything that is named must hold
        (ACME, {}, "bob", ("1", "shares")),  # its release is no longer there
        (ACME, {}, None, ("1", "shares")),
    ],
)
def test_rules_come_first_and_in_order(caller, headers, user, expected):
    made = plans(Plan(shares={"1": 1}, rules=RULES))
    assert chosen(made, offers("1", "2", "3"), caller, headers, user) == expected


@settings(max_examples=10, deadline=None)
@given(st.floats(1, 99))
def test_shares_converge_and_users_stay(percent):
    plan = Plan(shares=mixed({"1": 1}, "2", percent))
    made, there = plans(plan), offers("1", "2")
    first = [chosen(made, there, user=f"u{n}")[0] for n in range(3000)]
    assert abs(first.count("2") / 30 - percent) < 4.5, "five standard deviations"
    assert first[:500] == [chosen(made, there, user=f"u{n}")[0] for n in range(500)]


def test_what_sticks():
    there = offers("1", "2")
    half = {"1": 50, "2": 50}
    by_user = plans(Plan(shares=half))
    assert len({chosen(by_user, there)[0] for _ in range(50)}) == 1, "without a user the key stays"
    assert len({chosen(by_user, there, Caller("acme", f"k_{n}"))[0] for n in range(50)}) == 2
    assert len({chosen(by_user, there, Caller("acme", f"k_{n}"), user="ann")[0] for n in range(50)}) == 1
    tenants = {chosen(by_user, there, Caller(f"t{n}", "k_1"), user="ann")[0] for n in range(50)}
    assert len(tenants) == 2, "another tenant's user of the same name is somebody else"
    by_key = plans(Plan(shares=half, sticky="key"))
    assert len({chosen(by_key, there, user=f"u{n}")[0] for n in range(50)}) == 1
    by_turn = plans(Plan(shares=half, sticky="turn"))
    assert len({chosen(by_turn, there, user="ann")[0] for _ in range(50)}) == 2


@pytest.mark.parametrize(
    ("shares", "expected"),
    [((None, None), {"1"}), ((None, 10), {"2"}), ((90, 10), {"1", "2"}), ((0, 0), {"1"}), ((0, 5), {"2"})],
)
def test_without_a_plan_the_settings_decide(shares, expected):
    there = tuple(
        offer_of(ModelSettings(name="m", upstream="up", version=version, share=share))
        for version, share in zip("12", shares, strict=True)
    )
    made = TrafficPlans()
    assert {chosen(made, there, user=f"u{n}")[0] for n in range(200)} == expected
    assert first_plan([("1", None), ("2", None)]) == Plan(shares={"1": 1.0})


def test_replicas_of_a_release_go_together():
    there = (*offers("1"), *offers("1", upstream_model="other"), *offers("2"))
    split = plans(Plan(shares={"1": 1})).split(turn(), ACME, {}, there)
    assert [offer.release.upstream_model for offer in split.offers] == ["m", "other"]


def test_a_release_that_is_gone_leaves_its_turns_to_the_first_that_is_there():
    made = plans(Plan(shares={"gone": 50, "2": 50}))
    assert Counter(chosen(made, offers("1", "2"), user=f"u{n}")[0] for n in range(100)) == {"2": 100}
    assert chosen(plans(Plan(shares={"gone": 1})), offers("1", "2"))[0] == "1"


def test_new_plans_and_new_settings_count_at_once():
    made, there = plans(Plan(shares={"1": 1})), offers("1", "2")
    assert chosen(made, there)[0] == "1"
    plan = Plan(shares={"2": 1}, canary=Canary(release="2", before={"1": 1}))
    made.use({"m": Planned(plan, assign(plan.shares))})
    assert chosen(made, there) == ("2", "canary")
    assert chosen(made, offers("1", "3"))[0] == "1"


def test_a_part_of_the_turns_has_a_shadow_and_the_shadow_itself_never():
    there = offers("1", "2")
    made = plans(Plan(shares={"1": 50, "2": 50}, sticky="turn", shadow=Shadow("2", 25)))
    seen = Counter()
    for _ in range(4000):
        split = made.split(turn(), ACME, {}, there)
        seen[split.offers[0].release.version, split.shadow[0].release.version if split.shadow else ""] += 1
    assert not seen["2", "2"]
    assert 350 < seen["1", "2"] < 650
    nobody = plans(Plan(shares={"1": 1}, shadow=Shadow("gone")))
    assert nobody.split(turn(), ACME, {}, there).shadow == ()


def test_a_pinned_release_is_not_split():
    catalog = ModelCatalog(offers("1", "2"))
    assert [offer.release.version for offer in catalog.find("m@2")] == ["2"]
    assert len(catalog.find("m")) == 2


WIRE = Wire("openai.chat", {"messages": b"[]", "logit_bias": b"{}"}, frozenset({"messages"}))


def call(asked, **fields):
    messages = (Message("user", "hi"),)
    return Call(
        Turn("t" * 32, 1, "chat", "openai.chat", "m", messages=messages, sampling=asked, wire=WIRE),
        offers("1", **fields)[0],
    )


def test_a_release_changes_the_turn_only_where_it_says_something():
    asked = Sampling(max_tokens=100, temperature=1.0)
    for nothing in ({}, {"sampling": SamplingSettings(temperature=1.0, max_tokens=500)}):
        same = call(asked, **nothing)
        assert same.turn.wire is WIRE
        assert same.dropped == ()
    cooled = call(asked, sampling=SamplingSettings(temperature=0.2, max_tokens=500))
    assert cooled.turn.sampling == Sampling(max_tokens=100, temperature=0.2), "max_tokens only lowers"
    assert cooled.turn.wire.dialect == "openai.chat rest"
    assert list(cooled.turn.wire.fields) == ["logit_bias"], "what was not read is not lost"
    assert call(Sampling(), sampling=SamplingSettings(max_tokens=5)).turn.sampling.max_tokens == 5


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ((Message("user", "hi"),), (Message("system", "Be brief."), Message("user", "hi"))),
        (
            (Message("system", "You sell tea."), Message("user", "hi")),
            (Message("system", "Be brief.\n\nYou sell tea."), Message("user", "hi")),
        ),
        ((Message("developer", ""),), (Message("developer", "Be brief."),)),
        (
            (Message("system", (Text("You sell tea."),)),),
            (Message("system", (Text("Be brief."), Text("You sell tea."))),),
        ),
    ],
)
def test_a_release_s_prompt_stands_before_the_conversation(messages, expected):
    asked = Turn("t" * 32, 1, "chat", "openai.chat", "m", messages=messages)
    assert Call(asked, offers("1", prompt="Be brief.")[0]).turn.messages == expected


def test_a_prompt_is_not_put_before_texts_to_embed():
    asked = Turn("t" * 32, 1, "embedding", "openai.embedding", "m", prompts=("a",), wire=WIRE)
    made = Call(asked, offers("1", prompt="Be brief.", sampling=SamplingSettings(seed=1))[0])
    assert made.turn is asked


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"adapter": "helpdesk-7", "upstream": "embedded"}, "adapter: the embedded engine loads no adapters yet"),
        ({"share": -1}, "share: "),
        ({"share": float("nan")}, "share: "),
    ],
)
def test_a_release_that_cannot_be_is_refused_with_the_remedy(fields, says):
    with pytest.raises(ValueError, match=says) as refused:
        ModelSettings(**{"name": "m", "upstream": "up", **fields})
    assert len(refused.value.args) == 2, "in both languages"


@pytest.mark.parametrize("field", ["max_tokens", "temperature", "top_p", "top_k", "presence_penalty"])
def test_sampling_is_bounded(field):
    with pytest.raises(ValueError, match=f"{field}: give a number from"):
        SamplingSettings(**{field: -3})
