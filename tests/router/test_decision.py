"""The decision of `auto`: explained with figures; a plain question never goes to the reasoning model."""

import pytest

from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.prices import Price
from zhongshu.core.problems import Refusal
from zhongshu.core.turns import Audio, File, Format, Image, Message, Sampling, Text, Tool, Turn, Video, Wishes
from zhongshu.router.decision import Decider
from zhongshu.router.settings import RouterSettings, dial_of, threshold_of


def offer(name, tier, **card):
    release = Release(model=name, version="1", upstream="u", upstream_model=name)
    return Offer(release, ModelCard(name=name, tier=tier, **card))


CHEAP, DEAR = Price(input=1, output=2), Price(input=4, output=16)
GENERAL = offer("small", "general", price=CHEAP)
REASONING = offer("deep", "reasoning", thinking="prompted", price=DEAR)
BOTH = (GENERAL, REASONING)


def turn(text, model="auto", **fields):
    return Turn("t", 1, "chat", "openai.chat", model, messages=(Message("user", text),), **fields)


def talk(*texts):
    roles = ("user", "assistant")
    messages = tuple(Message(roles[number % 2], text) for number, text in enumerate(texts))
    return Turn("t", 1, "chat", "openai.chat", "auto", messages=messages)


@pytest.mark.parametrize(
    "text",
    [
        "What is the capital of France?",
        "北京今天天气怎么样？",
        "Translate 'good morning' into Chinese",
        "hi",
        "谢谢！",
        "What is 2+2?",
        "Who won the 1998 and 2002 world cups?",
        "下面是一道证明题，请翻译成英文：证明不存在最大的素数。",
        "Summarise this: " + "The theorem was proved in 1994 by a new method. " * 60,
        "Extract all dates and amounts as JSON: On 3 May 20 boxes at $5 each, total $100. How many are left?",
        "把下面这句话润色一下：我们需要在约束条件下求最优方案。",
        "写一封请假邮件",
        "Write a Python function that reverses a string.",
        "2024年北京和上海的人口分别是多少？",
        "Which of these is a fruit?",
        "Recommend three books about cooking",
    ],
)
def test_what_stays_general(text):
    route = Decider().route(turn(text), BOTH)
    assert (route.offer.release.model, route.rule) == ("small", "simple")
    assert route.reason.endswith(".")
    assert route.reason_zh.endswith("。")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "There are 23 apples in each of 9 crates and 14 of them rot every day. How many are left after 3 days?",
            "mathematics",
        ),
        ("一个水池 3 小时注满，2 小时放空，一共需要多少小时？", "数学"),
        ("Prove that there are infinitely many primes.", "proof"),
        ("证明根号二是无理数。", "证明"),
        ("请逐步分析这个问题", "要求分步"),
        ("Two threads deadlock here. What is the root cause?", "diagnosis"),
        ("为五名护士排班：每人每周至多四班，夜班后必须休息，周末至少两人。", "规划"),
        ("Implement a lock-free queue in C++ that must be linearizable and must not use unbounded memory.", "code"),
    ],
)
def test_what_goes_to_the_reasoning_model(text, said):
    route = Decider().route(turn(text), BOTH)
    assert (route.offer.release.model, route.rule) == ("deep", "hard")
    assert said in route.reason + route.reason_zh
    assert "CNY" in route.reason


@pytest.mark.parametrize(
    ("effort", "chosen"), [("high", "deep"), ("low", "deep"), ("off", "small"), ("minimal", "small")]
)
def test_what_the_caller_asks_for_wins(effort, chosen):
    asked = turn("Prove it", effort=effort) if effort == "off" else turn("hello", effort=effort)
    route = Decider().route(asked, BOTH)
    assert (route.offer.release.model, route.effort, route.rule) == (chosen, effort, "asked")


def test_a_named_model_is_itself():
    route = Decider().route(turn("prove it", model="small"), (GENERAL,))
    assert (route.offer.release.model, route.rule) == ("small", "named")


def test_depth_goes_with_difficulty():
    efforts = [Decider().route(turn(text), BOTH).effort for text in ("Prove that 7 is prime.", "Optimize my day plan.")]
    assert efforts == ["high", "medium"]


def test_one_model_with_a_switch_thinks_only_where_it_pays():
    both_ways = offer("hybrid", "general", thinking="switch")
    assert Decider().route(turn("hello"), (both_ways,)).effort == "off"
    assert Decider().route(turn("Prove that 7 is prime."), (both_ways,)).effort == "high"
    only_deep = offer("r1", "reasoning", thinking="switch")
    assert Decider().route(turn("hello"), (only_deep,)).effort == "off"


# --- the dial and the ceiling


def test_the_dial_goes_from_never_to_whenever_it_helps():
    question = turn("Prove that there are infinitely many primes.")
    assert Decider(RouterSettings(dial=0)).route(question, BOTH).rule == "simple"
    assert Decider(RouterSettings(dial=1)).route(question, BOTH).rule == "hard"
    assert Decider(RouterSettings(dial=1)).route(turn("hello"), BOTH).rule == "simple"
    plain = "What is the capital of France?"
    asked = turn(plain, wishes=Wishes(quality=1.0))
    assert Decider().route(asked, BOTH).rule == "hard"
    assert Decider(RouterSettings(dial=1)).route(turn(plain, wishes=Wishes(quality=0.0)), BOTH).rule == "simple"


def test_it_says_at_which_dial_it_would_turn_round():
    decided = Decider().decide(turn("What is the capital of France?"), BOTH)
    flips = decided.flips_at
    assert flips is not None
    assert not decided.hard
    assert Decider().decide(turn("hello"), BOTH).flips_at is None
    assert dial_of(threshold_of(0.3)) == pytest.approx(0.3)


HARD_SUM = (
    "Ann has 810 books, buys 15 boxes of 12, then gives away 34 and buys 9 boxes of 7. How many has she in total?"
)


@pytest.mark.parametrize(
    "texts",
    [
        ("What is the capital of France?",),
        ("Why is the sea blue, and why does it matter?",),
        ("Prove that there are infinitely many primes.",),
        (HARD_SUM,),
        (HARD_SUM, "What is the capital of France?"),
        ("What is the capital of France?", "Why is the sea blue, and why does it matter?"),
        ("Why is the sea blue, and why does it matter?", "How do I sort a list in Python?"),
        (HARD_SUM, "And if there were 9?"),
        ("hello", "Why is the sea blue, and why does it matter?"),
    ],
)
def test_the_dial_that_is_told_is_the_very_one(texts):
    """Also within a conversation, where a close decision stays as it was."""
    said = talk(*[text for asked in texts for text in (asked, "Well.")][:-1])
    flips = Decider().decide(said, BOTH, explained=True).flips_at
    assert flips == round(flips, 4)
    for dial, hard in ((flips - 1e-4, False), (flips, True)):
        assert Decider(RouterSettings(dial=dial)).decide(said, BOTH).hard is hard


def test_a_ceiling_keeps_a_hard_turn_from_the_dear_model():
    question = "Prove that there are infinitely many primes."
    capped = Decider().route(turn(question, wishes=Wishes(max_cost=0.01)), BOTH)
    assert (capped.offer.release.model, capped.rule) == ("small", "ceiling")
    assert "上限" in capped.reason_zh
    refused = Decider().route(turn(question, wishes=Wishes(max_cost=0.0)), BOTH)
    assert isinstance(refused, Refusal)
    assert refused.problem.param == "zhongshu.max_cost"
    for boundless in (1e300, float("inf")):  # a setting may be either
        assert Decider(RouterSettings(max_cost=boundless)).route(turn(question), BOTH).rule == "hard"
    small = turn(question, wishes=Wishes(max_cost=0.01), sampling=Sampling(max_tokens=100))
    assert Decider().route(small, BOTH).offer.release.model == "deep"


# --- conversations


@pytest.mark.parametrize("again", ["why?", "继续", "为什么？", "Are you sure?", "go on"])
def test_a_short_question_stays_where_the_hard_one_went(again):
    hard = "Prove that there are infinitely many primes."
    route = Decider().route(talk(hard, "Suppose not.", again), BOTH)
    assert (route.offer.release.model, route.rule) == ("deep", "hard")
    assert "earlier question" in route.reason
    assert Decider().route(talk(hard, "Suppose not.", again, "So.", again), BOTH).offer.release.model == "deep"


@pytest.mark.parametrize("last", ["thanks!", "What is the capital of France?", "谢谢"])
def test_another_question_is_judged_by_itself(last):
    assert Decider().route(talk("Prove it for all primes.", "Done.", last), BOTH).offer.release.model == "small"
    assert Decider().route(talk("hello", "Hello.", "why?"), BOTH).offer.release.model == "small"


# --- what models can do

PARTS = {
    "vision": Image("data:x"),
    "audio": Audio("AAAA", "wav"),
    "files": File(name="a.pdf", data="AAAA"),
}


@pytest.mark.parametrize("ability", PARTS)
def test_a_part_goes_only_where_it_is_taken(ability):
    message = Message("user", (Text("what?"), PARTS[ability]))
    seen = Turn("t", 1, "chat", "openai.chat", "auto", messages=(message,))
    refused = Decider().route(seen, BOTH)
    assert isinstance(refused, Refusal)
    assert (refused.problem.code, ability in refused.problem.message) == ("model_cannot", True)
    takes = offer("takes", "general", abilities=frozenset({"chat", ability}))
    assert Decider().route(seen, (*BOTH, takes)).offer.release.model == "takes"


def test_a_refusal_names_the_configured_models_that_could():
    hidden = offer("eyes", "none", abilities=frozenset({"chat", "vision"})).card
    decider = Decider(cards=(GENERAL.card, REASONING.card, hidden))
    for part in (Image("data:x"), Video("https://example.org/v.mp4")):
        turned = Turn("t", 1, "chat", "openai.chat", "auto", messages=(Message("user", (part,)),))
        problem = decider.route(turned, BOTH).problem
        assert "`eyes`" in problem.message
        assert "`eyes`" in problem.message_zh
        assert "small" not in problem.message


def test_tools_and_shapes_are_respected():
    worker = offer("worker", "general", abilities=frozenset({"chat", "tools", "json"}))
    assert Decider().route(turn("go", tools=(Tool("t"),)), (GENERAL, worker)).offer.release.model == "worker"
    assert Decider().route(turn("go", format=Format("json")), (GENERAL, worker)).offer.release.model == "worker"
    assert Decider().route(turn("go", format=Format("schema")), (GENERAL, worker)).problem.param == "response_format"


def test_a_model_is_not_asked_for_what_it_cannot_do():
    asked = Turn("t", 1, "embedding", "openai.embedding", "small", prompts=("x",))
    assert Decider().route(asked, (GENERAL,)).problem.code == "model_cannot"


def test_auto_finds_a_model_that_makes_vectors():
    vectors = offer("vectors", "none", abilities=frozenset({"embedding"}))
    asked = Turn("t", 1, "embedding", "openai.embedding", "auto", prompts=("x",))
    assert Decider().route(asked, (*BOTH, vectors)).offer.release.model == "vectors"
    assert Decider().route(turn("hello"), (vectors, *BOTH)).offer.release.model == "small"
    refused = Decider().route(asked, BOTH).problem
    assert (refused.code, "GET /v1/models" in refused.message) == ("model_cannot", True)
    assert "See" not in refused.message_zh


def test_a_model_whose_upstream_rests_is_passed_over():
    spare = offer("spare", "general")
    decider = Decider(resting=lambda offer: offer is GENERAL)
    assert decider.route(turn("hello"), (GENERAL, spare, REASONING)).offer.release.model == "spare"
    assert Decider(resting=lambda _: True).route(turn("hello"), BOTH).offer.release.model == "small"


def test_a_model_that_rests_and_names_its_own_fallbacks_keeps_its_turns():
    deep = offer("deep", "reasoning", fallbacks=("elsewhere",))
    decider = Decider(resting=lambda one: one.release.model == "deep")
    route = decider.route(turn("Prove that there is no largest prime."), (GENERAL, deep))
    assert (route.offer.release.model, route.rule) == ("deep", "hard")


def test_a_rest_that_turns_wait_for_is_none():
    """Which models rest, which of these rests turns wait for, and who answers a hard turn by which rule."""
    second = offer("second", "reasoning")
    for resting, waited, answers, rule in [
        ({"deep"}, {"deep"}, "second", "hard"),
        ({"deep", "second"}, {"deep"}, "deep", "hard"),
        ({"deep", "second"}, {"second"}, "second", "hard"),
        ({"deep", "second"}, {"deep", "second"}, "deep", "hard"),
        ({"deep", "second"}, set(), "small", "resting"),
        ({"deep", "second", "small"}, {"small"}, "small", "resting"),
        ({"deep", "second", "small"}, {"deep"}, "deep", "hard"),
        ({"deep", "second", "small"}, set(), "deep", "hard"),
    ]:
        decider = Decider(
            resting=lambda one, among=resting: one.release.model in among,
            waits_out=lambda one, among=waited: one.release.model in among,
        )
        for _ in range(2):
            route = decider.route(turn("Prove that there is no largest prime."), (*BOTH, second))
            assert (route.offer.release.model, route.rule) == (answers, rule), (resting, waited)
    assert not Decider(waits_out=lambda _: True).away(GENERAL)


def test_where_all_of_a_kind_rest_the_other_kind_answers():
    hard = "Prove that there is no largest prime."
    resting = set()
    decider = Decider(resting=lambda offer: offer.release.model in resting)
    for rests, text, answers, rule in [
        ("", hard, "deep", "hard"),
        ("deep", hard, "small", "resting"),
        ("small", "hello", "deep", "resting"),
        ("deep", "hello", "small", "simple"),
        ("", hard, "deep", "hard"),
    ]:
        resting = {rests}
        for _ in range(2):  # what was decided before must not stand in the way
            route = decider.route(turn(text), BOTH)
            assert (route.offer.release.model, route.rule) == (answers, rule)
            assert ("resting" in route.reason, "暂停" in route.reason_zh) == (rule == "resting",) * 2
            assert rule != "resting" or route.other is None
    resting = {"deep"}
    assert decider.route(turn(hard, effort="high"), BOTH).offer.release.model == "deep"
    resting = {"small"}
    dear = decider.route(turn("hello", wishes=Wishes(max_cost=0.002)), BOTH)
    assert (dear.offer.release.model, dear.rule) == ("small", "simple")
