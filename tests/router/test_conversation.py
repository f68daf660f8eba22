"""Within a conversation: a turn stays with its model unless the difficulty changes; a ceiling of time; who rests."""

import pytest
from tests.router.test_decision import BOTH, GENERAL, REASONING, offer, talk, turn

from zhongshu.core.dials import Dial
from zhongshu.core.problems import Refusal
from zhongshu.router.conversation import continues
from zhongshu.router.decision import Decider
from zhongshu.router.settings import RouterSettings, threshold_of

HARD = "Prove that there are infinitely many primes."
EASY = "What is the capital of France?"


@pytest.mark.parametrize(
    ("last", "model"),
    [
        ("why?", "deep"),
        ("继续", "deep"),
        ("And what if there were only finitely many?", "deep"),
        ("那如果只用奇数呢", "deep"),
        ("如果换成合数会怎样？", "deep"),
        ("Now prove it by induction.", "deep"),
        (EASY, "small"),
        ("Thanks!", "small"),
        ("And translate that into French, please.", "small"),
        ("Write a slogan for a bakery.", "small"),
    ],
)
def test_a_follow_up_to_a_hard_question(last, model):
    assert Decider().route(talk(HARD, "Suppose there were finitely many ...", last), BOTH).offer.release.model == model


@pytest.mark.parametrize(("last", "model"), [(HARD, "deep"), ("And why is that?", "small"), ("And of Spain?", "small")])
def test_a_follow_up_to_an_easy_question(last, model):
    assert Decider().route(talk(EASY, "Paris.", last), BOTH).offer.release.model == model


def test_a_close_decision_stays_as_it_was():
    """A question whose gain is a little under, or a little over, what the dial asks for."""
    decider = Decider()
    close = "Optimize my day plan."
    gain = decider.decide(turn(close), BOTH).hardness.gain
    under, over = (1 - (gain * share) ** (1 / 3) for share in (1.2, 0.9))
    assert threshold_of(under) > gain > threshold_of(over)
    for dial, alone, after_hard, after_easy in ((under, "small", "deep", "small"), (over, "deep", "deep", "small")):
        decider = Decider(RouterSettings(dial=dial))
        assert decider.route(turn(close), BOTH).offer.release.model == alone
        assert decider.route(talk(HARD, "...", close), BOTH).offer.release.model == after_hard
        assert decider.route(talk(EASY, "Paris.", close), BOTH).offer.release.model == after_easy
    stays = decider.decide(talk(EASY, "Paris.", close), BOTH)
    assert stays.stays
    assert "stays with the general model" in decider.route(talk(EASY, "Paris.", close), BOTH).reason
    assert "仍由回答上一问题的通用模型回答" in decider.route(talk(EASY, "Paris.", close), BOTH).reason_zh


def test_what_is_no_close_decision_does_not_stay():
    assert not Decider().decide(talk(HARD, "...", EASY), BOTH).stays
    assert not Decider().decide(talk(EASY, "...", HARD), BOTH).stays


@pytest.mark.parametrize("text", ["And 9?", "what if not", "那换成 9 呢", "Instead, use 7"])
def test_what_is_joined_to_what_was_said(text):
    assert continues(text)


@pytest.mark.parametrize("text", ["Android phones", "Sofia is where?", "再见" * 100, "", "Thence"])
def test_what_is_not(text):
    assert not continues(text)


TOLD, NUMBERS = "A garden is 17 m long and 11 m wide. A fence around it costs 11 dollars a metre.", "mathematics"


@pytest.mark.parametrize(
    ("said", "task"),
    [
        ((TOLD, "Noted.", EASY, "Paris.", "Now how many dollars does the fence cost?"), NUMBERS),
        ((TOLD, "Noted.", "How many people live in Paris?"), "lookup"),
        ((TOLD, "Noted.", "How long do I need for learning to knit?"), "lookup"),
        (("A garden has a fence.", "Noted.", "How many dollars does the fence cost?"), "lookup"),
        (("Apples cost 4 dollars each.", "Ok.", "I took 7 apples.", "Ok.", "How much is that in all?"), NUMBERS),
        (("Apples cost 4 dollars each.", "Ok.", "How much is that in all?"), "lookup"),
        (("苹果每斤4元。", "好的。", "我买了7斤苹果。", "好的。", "一共多少钱？"), NUMBERS),
        (("农场里鸡有26只，鸭的只数是鸡的5倍，鹅比鸭少20只。", "好的。", "鹅有多少只？"), NUMBERS),
        (("我的房子120平米，租金5000元。", "好的。", "北京有多少人口？"), "lookup"),
        ((TOLD, "Noted.", "Write a poem about how many dollars the fence costs."), "writing"),
    ],
)
def test_an_amount_is_asked_of_what_was_told_before(said, task):
    decider = Decider()
    found = decider.decide(talk(*said), BOTH).hardness
    assert (found.task, found.follow_up) == (task, task == NUMBERS)
    assert decider.decide(turn(said[-1]), BOTH).hardness.task != NUMBERS
    first, again = (decider.route(talk(*said), BOTH) for _ in range(2))
    assert first == again


def test_long_conversations_are_read_as_far_as_is_bounded():
    """The oldest of more than twenty questions is not looked for."""
    filler = [text for n in range(30) for text in (f"Tell me more about part {n}", "Gladly.")]
    asked = "How many dollars does the fence cost?"
    assert Decider().decide(talk(TOLD, "Noted.", *filler[:20], asked), BOTH).hardness.task == NUMBERS
    assert Decider().decide(talk(TOLD, "Noted.", *filler, asked), BOTH).hardness.task == "lookup"


# --- a ceiling of time


def speedy(**of_models):
    return lambda offer: of_models.get(offer.release.model)


def test_a_ceiling_of_time_goes_by_the_speed_that_was_measured():
    decider = Decider(speed=speedy(small=(100_000, 1000), deep=(500_000, 50_000)))
    found = decider.decide(turn(HARD), BOTH, dial=Dial(max_seconds=5.0, max_seconds_by="request"))
    assert (found.chosen.offer, found.rule, found.stopped) == (GENERAL, "ceiling", "seconds")
    assert "longer than the ceiling" in decider.route(turn(HARD), BOTH, Dial(max_seconds=5.0)).reason
    slow = decider.decide(turn(HARD), BOTH, dial=Dial(max_seconds=500.0))
    assert (slow.chosen.offer, slow.stopped) == (REASONING, "")


def test_an_unmeasured_model_is_not_kept_from_by_time():
    found = Decider(speed=speedy(deep=(0, 0))).decide(turn(HARD), BOTH, dial=Dial(max_seconds=0.001))
    assert found.chosen.offer is REASONING
    assert found.chosen.seconds is None


def test_of_one_kind_the_first_that_is_quick_enough_answers():
    quick = offer("quick", "general")
    decider = Decider(speed=speedy(small=(9_000_000, 0), quick=(1000, 0)))
    assert decider.decide(turn(EASY), (GENERAL, quick), dial=Dial(max_seconds=1.0)).chosen.offer is quick


def test_time_alone_refuses_nobody():
    found = Decider(speed=speedy(small=(9_000_000, 0))).decide(turn(EASY), (GENERAL,), dial=Dial(max_seconds=1.0))
    assert not isinstance(found, Refusal)
