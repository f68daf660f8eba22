"""Kinds of tasks, by marks. What is read is bounded whatever the text, and the same text is always read the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.turns import Message, Turn
from zhongshu.router.decision import Decider
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.difficulty.linear import load
from zhongshu.router.judging import TaskJudge
from zhongshu.router.task import is_follow_up, mark, part_read

DECIDER = Decider()
BOTH = tuple(
    Offer(Release(model=name, version="1", upstream="u", upstream_model=name), ModelCard(name=name, tier=name))
    for name in ("general", "reasoning")
)


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("hi there", "chat"),
        ("晚上好", "chat"),
        ("Thank you so much!", "chat"),
        ("Hello, I would like to know which documents I need in order to renew my passport abroad.", "lookup"),
        ("What is the boiling point of water?", "lookup"),
        ("How many continents are there?", "lookup"),
        ("Translate into French: prove it", "transform"),
        ("请把下面的推导过程总结成一句话：……", "transform"),
        ("x" * 400 + "\nSummarise the text above in two lines.", "transform"),
        ("Classify the sentiment: I solved 3 equations in 5 minutes", "transform"),
        ("写一首关于秋天的诗", "writing"),
        ("Draft a cover letter for a nurse", "writing"),
        ("用Python写一个快速排序函数", "code"),
        ("用Python写一个快速排序", "code"),  # no space about the English word
        ("请summarize以下内容", "transform"),
        ("파이썬 python으로 정렬", "code"),
        ("Which pythons live in Ghana?", "lookup"),
        ("Sabes de súper theorems?", "lookup"),
        ("```\nfor i in x: pass\n``` what does it print", "code"),
        ("Solve x^2 - 5x + 6 = 0 by the quadratic equation", "mathematics"),
        ("小明有 25 个苹果，给了小红 8 个，还剩几个？", "mathematics"),
        ("三个工人5天完成，两个工人几天完成？", "mathematics"),
        ("Kyle paid $19.50 with a 25% discount. What was the original price?", "mathematics"),
        ("Prove that there is no largest prime", "proof"),
        ("用数学归纳法证明 1+2+...+n = n(n+1)/2", "proof"),
        ("Plan a trip for my family under these constraints", "planning"),
        ("Design a payment system for three regions", "planning"),
        ("设计一个秒杀系统架构", "planning"),
        ("Design a poster for the solar system", "lookup"),
        ("为什么我的服务一启动就报错？", "diagnosis"),
        ("Which gas is it?\nA. oxygen\nB. neon\nC. argon\nD. xenon", "choice"),
        ("下列哪项正确？\nA. 甲\nB. 乙\nC. 丙\nD. 丁", "choice"),
    ],
)
def test_kinds(text, task):
    assert mark(text).task == task


@pytest.mark.parametrize(
    "text", ["why?", "继续", "Go on.", "为什么？", "那第二个呢？", "Are you sure?", "what about n=3"]
)
def test_what_only_goes_on(text):
    assert is_follow_up(text)


@pytest.mark.parametrize("text", ["why is the sky blue?", "thanks", "", "为什么天空是蓝色的？", "continue " * 30])
def test_what_is_a_question_of_its_own(text):
    assert not is_follow_up(text)


def test_marks_add_up():
    plain = mark("Explain photosynthesis")
    more = mark("Explain step by step; it must name exactly 3 stages and must not use formulas. Why? How? Where?")
    assert plain.marks == ()
    assert {english for english, _, _ in more.marks} == {
        "step-by-step work", "3 conditions", "several questions", "weighing or reasons"
    }  # fmt: skip


PIECES = st.sampled_from(
    ["a", "1 ", "\n", " ", "$", "(", "A. ", "why is my ", "证明", "求", "一", "?", "translate ", "step "]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PIECES, max_size=6), st.integers(1, 4000), st.text(max_size=80))
def test_any_text_is_decided_the_same_and_little_of_it_is_read(pieces, times, end):
    text = "".join(pieces) * times + end
    assert len(part_read(text)) <= 1401
    turn = Turn("t", 1, "chat", "openai.chat", "auto", messages=(Message("user", text),))
    first, again = DECIDER.decide(turn, BOTH), DECIDER.decide(turn, BOTH)
    assert first == again
    assert 0 < first.hardness.chance < 1
    assert first.chosen in first.candidates


def test_what_lies_in_the_middle_of_a_long_text_is_not_read():
    middle = "Prove the theorem. " * 20
    assert mark("a " * 2000 + middle + "b " * 2000).task == "lookup"


def test_strategies_ask_by_the_kind_of_task_too():
    raw = Judge(load())
    judge = TaskJudge(raw)
    long_text = "Translate into Chinese: " + "The increase of 5% each year gives $300 more than before. " * 20
    assert judge.question(long_text).chance < 0.1 < raw.question(long_text).chance
    proof = "Prove that there is no largest prime."
    assert raw.question(proof).chance < 0.5 < judge.question(proof).chance
    worked = "Tom has 3 apples and buys 4 more every day. How many has he after 5 days?"
    assert judge.draft(worked, "3 + 4 * 5 = 23") == raw.draft(worked, "3 + 4 * 5 = 23")
    fact, said = "What is the capital of France? Answer briefly.", "The capital of France is Paris."
    assert judge.draft(fact, said).chance < 0.2 < 0.5 < raw.draft(fact, said).chance
