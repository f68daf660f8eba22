"""The first rule of `auto`: says which mark decided; a plain question never goes to the reasoning model."""

import pytest

from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.problems import Refusal
from zhongshu.core.turns import Image, Message, Text, Turn
from zhongshu.router.rules import FirstRule


def offer(name, tier, **card):
    release = Release(model=name, version="1", upstream="u", upstream_model=name)
    return Offer(release, ModelCard(name=name, tier=tier, **card))


GENERAL = offer("small", "general")
REASONING = offer("deep", "reasoning", thinking="prompted")
BOTH = (GENERAL, REASONING)


def turn(text, model="auto", **fields):
    return Turn("t", 1, "chat", "openai.chat", model, messages=(Message("user", text),), **fields)


@pytest.mark.parametrize(
    ("text", "chosen", "rule"),
    [
        ("What is the capital of France?", "small", "simple"),
        ("北京今天天气怎么样？", "small", "simple"),
        ("Translate 'good morning' into Chinese", "small", "simple"),
        ("There are 23 apples and 9 pears, how many in all?", "deep", "marked"),
        ("一个水池 3 小时注满，2 小时放空，一共需要多少小时？", "deep", "marked"),
        ("Prove that there are infinitely many primes.", "deep", "marked"),
        ("请逐步分析这个问题", "deep", "marked"),
    ],
)
def test_auto(text, chosen, rule):
    route = FirstRule().route(turn(text), BOTH)
    assert (route.offer.release.model, route.rule) == (chosen, rule)
    assert route.reason.endswith(".")
    assert route.reason_zh.endswith("。")


@pytest.mark.parametrize(
    ("effort", "chosen"), [("high", "deep"), ("low", "deep"), ("off", "small"), ("minimal", "small")]
)
def test_what_the_caller_asks_for_wins(effort, chosen):
    asked = turn("Prove it", effort=effort) if effort == "off" else turn("hello", effort=effort)
    route = FirstRule().route(asked, BOTH)
    assert (route.offer.release.model, route.effort) == (chosen, effort)


def test_a_named_model_is_itself():
    route = FirstRule().route(turn("prove it", model="small"), (GENERAL,))
    assert (route.offer.release.model, route.rule) == ("small", "named")


def test_pictures_go_only_where_they_can_be_seen():
    seen = Turn("t", 1, "chat", "openai.chat", "auto", messages=(Message("user", (Text("what?"), Image("data:x"))),))
    refused = FirstRule().route(seen, BOTH)
    assert isinstance(refused, Refusal)
    assert refused.problem.code == "model_cannot"
    eyes = offer("eyes", "general", abilities=frozenset({"chat", "vision"}))
    assert FirstRule().route(seen, (*BOTH, eyes)).offer.release.model == "eyes"


def test_a_model_is_not_asked_for_what_it_cannot_do():
    asked = Turn("t", 1, "embedding", "openai.embedding", "small", prompts=("x",))
    assert FirstRule().route(asked, (GENERAL,)).problem.code == "model_cannot"


def test_auto_finds_a_model_that_makes_vectors():
    vectors = offer("vectors", "none", abilities=frozenset({"embedding"}))
    asked = Turn("t", 1, "embedding", "openai.embedding", "auto", prompts=("x",))
    assert FirstRule().route(asked, (*BOTH, vectors)).offer.release.model == "vectors"
    assert FirstRule().route(turn("hello"), (vectors, *BOTH)).offer.release.model == "small"
    refused = FirstRule().route(asked, BOTH).problem
    assert (refused.code, "GET /v1/models" in refused.message) == ("model_cannot", True)
    assert "See" not in refused.message_zh
