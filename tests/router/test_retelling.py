"""A recorded reason is told in Chinese as it would have been said then, word for word, whatever was decided."""

import itertools

import pytest
from tests.router.test_decision import BOTH, CHEAP, DEAR, GENERAL, REASONING, offer, talk, turn

from zhongshu.core.dials import Dial
from zhongshu.core.models import Route
from zhongshu.router.decision import Decider
from zhongshu.router.difficulty import reading
from zhongshu.router.difficulty.naming import NAMED
from zhongshu.router.retelling import in_chinese
from zhongshu.router.settings import RouterSettings

TEXTS = [
    "Hello!", "What is the capital of France?", "Translate: good morning", "Write a poem", "Write a Python function that sorts",
    "证明根号2是无理数。", "Plan a trip to Rome", "为什么我的服务会崩溃？", "小林有320张邮票，给了弟弟一半，又买了45张，现在有多少张？",
    "Which?\nA. one\nB. two\nC. three", "Explain step by step, rigorously, why the sky is blue", "Why? How? Where? Compare them.",
    "Implement a lock-free queue in C++ that must be fast and must not allocate, at most 3 locks, exactly 1 thread",
]  # fmt: skip
SWITCH = offer("switch", "reasoning", thinking="switch", price=DEAR)


def routes():
    for text, effort, dial, offers in itertools.product(
        TEXTS, (None, "off", "low", "high"), (0.2, 0.5, 0.9), (BOTH, (GENERAL,), (REASONING,), (GENERAL, SWITCH))
    ):
        yield Decider().route(turn(text, effort=effort), offers, Dial(dial, "request"))
    for first, then in itertools.product(
        TEXTS, ("Why?", "And if there were 9?", "那第二天呢？", "And what about 18%?")
    ):
        yield Decider().route(talk(first, "So.", then), BOTH)
    for text in TEXTS:
        yield Decider().route(turn(text, model="deep"), BOTH)
        yield Decider().route(turn(text), BOTH, Dial(0.9, "key", 0.004, "key"))
        slow = Decider(speed=lambda one: (5_000_000, 20_000))
        yield slow.route(turn(text), BOTH, Dial(0.9, "key", None, "", 10.0, "key"))
        yield Decider(resting=lambda one: one.release.model == "deep").route(turn(text), BOTH)
        yield Decider(RouterSettings(dial=0.9), resting=lambda one: one.release.model == "small").route(
            turn(text), BOTH
        )


def test_every_reason_of_a_decision_is_told_as_it_was_said():
    rules, told = set(), 0
    for route in routes():
        if isinstance(route, Route):
            rules.add(route.rule)
            told += 1
            assert in_chinese(route.reason) == route.reason_zh
            read = f"Made into text first (notes.txt by read, a.wav by ear). {route.reason}"
            assert in_chinese(read) == f"先转为文字（notes.txt by read, a.wav by ear）。{route.reason_zh}"
    assert rules == {"named", "asked", "hard", "simple", "ceiling", "only", "resting"}
    assert told > 600


def test_a_close_decision_is_told_too():
    before = "小林有320张邮票，给了弟弟一半，又买了45张，现在有多少张？"
    found = [
        Decider(RouterSettings(dial=dial / 100)).route(talk(before, "182", then), BOTH)
        for dial in range(30, 70)
        for then in TEXTS
    ]
    close = [route for route in found if route.reason.startswith("A close decision")]
    assert close
    assert all(in_chinese(route.reason) == route.reason_zh for route in close)


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "It was so.",
        "This is wonderful: nothing of the kind.",
        "This is mathematics: deep thought is expected to move the chance of a right answer from 0.1 to 0.2, who knows.",
        "The caller asked for low thought; this is unheard of: x.",
    ],
)
def test_what_is_not_known_stays_as_it_is(reason):
    assert in_chinese(reason) == reason


def test_every_feature_has_a_name_in_both_languages():
    assert set(NAMED) == {*reading.CHOICE_NAMES, "which_words"}
    assert len({said.en for said in NAMED.values()}) == len({said.zh for said in NAMED.values()}) == len(NAMED)
    assert all(said.en.isascii() and not said.zh.isascii() for said in NAMED.values())


def test_a_learnt_difficulty_is_explained_by_names_that_people_know():
    asked = turn("小林有320张邮票，给了弟弟一半，又买了45张，现在有多少张？")
    found = Decider().decide(asked, (offer("a", "general", price=CHEAP), REASONING), explained=True)
    assert len(found.hardness.weightiest) == 5
    assert ("length in characters", "字数") in {(en, zh) for en, zh, _ in found.hardness.weightiest}
