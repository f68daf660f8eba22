"""The questions of the strategies benchmark: their truths, how splits are kept apart, and what counts as right."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest
from benchmarks.questions import arithmetic, making, talks
from benchmarks.questions.checking import number_of, plain, right
from benchmarks.questions.kinds import KINDS, LANGUAGES, Form, Question

# What each problem asks for, worked out a second time from the numbers in the order in which its text gives them.
SOLVED: dict[str, Callable[..., float]] = {
    "shop-boxes": lambda boxes, each, sold, more: boxes * each - sold + more,
    "pages-left": lambda a_day, days, weekend, book: book - (a_day * days + weekend),
    "wages": lambda an_hour, hours, days, rent: an_hour * hours * days - rent,
    "bill-shared": lambda friends, bill, parking, drink: bill / friends + parking + drink,
    "half-rolls": lambda rolls, afternoon, bag: (rolls - rolls / 2 - afternoon) / bag,
    "train-legs": lambda v1, t1, v2, t2: v1 * t1 + v2 * t2,
    "stamps-together": lambda mine, times, given: mine * (1 + times) - given,
    "zh-apples": lambda boxes, each, morning, afternoon: boxes * each - (morning + afternoon),
    "zh-tickets": lambda adults, children, adult, child: adults * adult + children * child,
    "zh-workshop": lambda a_day, days, more_days, more_a_day: a_day * days + more_days * more_a_day,
    "zh-savings": lambda a_month, months, books, prize: a_month * months - books + prize,
    "zh-class": lambda pupils, cycling, groups: (pupils / 2 - cycling) / groups,
    "zh-shared": lambda people, meal, taxi: meal / people + taxi,
    "garden-fence": lambda long, wide, gate, price: (2 * long + 2 * wide - gate) * price,
    "bus-stops": lambda start, off, on, last: (start - off + on) / 2 + last,
    "tank": lambda litres, flow_in, flow_out, minutes: litres + minutes * flow_in - minutes * flow_out,
    "cinema": lambda n1, p1, n2, p2, costs: n1 * p1 + n2 * p2 - costs,
    "hens": lambda hens, eggs, kept, price: (hens * eggs - kept) * price,
    "marbles-older": lambda mine, more, times: (mine - more) * times,
    "parcels": lambda n1, w1, n2, w2, off: n1 * w1 + n2 * w2 - off,
    "zh-road": lambda metres, days, a_day, rest: (metres - days * a_day) / rest,
    "zh-stationery": lambda pens, pen, books, book, paid: paid - pens * pen - books * book,
    "zh-library": lambda had, lent, back, packs, each: had - lent + back + packs * each,
    "zh-farm": lambda hens, times, fewer: hens * times - fewer,
    "zh-water": lambda litres, flow_in, flow_out, minutes: litres + (flow_in - flow_out) * minutes,
    "zh-oranges": lambda baskets, each, kept, price: (baskets * each - kept) * price,
}
EVERY = [*making.questions("train"), *making.questions("report")]


def question(form: Form, truth: tuple[str, ...], others: tuple[str, ...] = ()) -> Question:
    return Question(
        id="1", split="train", kind="fact", language="en", template="t", prompt="?",
        form=form, truth=truth, others=others,
    )  # fmt: skip


def test_truths_of_word_problems_come_out_when_worked_again() -> None:
    tried = Counter[str]()
    for one in EVERY:
        if one.kind == "arithmetic":
            numbers = [int(n) for n in re.findall(r"\d+", one.prompt)]
            assert float(one.truth[0]) == SOLVED[one.template](*numbers), one
            tried[one.template] += 1
    assert set(tried) == SOLVED.keys()


def test_a_formula_that_no_numbers_fit_is_said() -> None:
    problem = arithmetic.Problem("never", "{a}", {"a": (1, 3, 1)}, "a-9")
    with pytest.raises(ValueError, match="never: no numbers fit"):
        arithmetic.asked(problem, "train", "en", 1, making.random.Random(1))


def test_the_same_seed_makes_the_same_questions_and_another_makes_others() -> None:
    assert making.questions("report") == making.questions("report")
    assert making.questions("report", 1) != making.questions("report")


def test_no_template_and_no_question_is_in_both_splits() -> None:
    train, report = making.questions("train"), making.questions("report")
    assert not {one.template for one in train} & {one.template for one in report}
    assert len({one.prompt for one in EVERY}) == len({one.id for one in EVERY}) == len(EVERY)
    assert len(report) >= 200


def test_every_kind_in_both_languages_and_early() -> None:
    for split in ("train", "report"):
        asked = making.questions(split)
        assert Counter(one.kind for one in asked) == making.COUNTS[split]
        assert {(one.kind, one.language) for one in asked[:16]} == {(k, lang) for k in KINDS for lang in LANGUAGES}


def test_what_is_to_be_found_stands_in_the_text_and_so_does_what_is_not() -> None:
    for one in EVERY:
        if one.kind == "extract":
            assert one.truth[0] in one.prompt, one
            assert one.others[0] in one.prompt, one
            assert right(one, one.truth[0]), one
            assert not right(one, one.others[0]), one
        if one.kind == "classify":
            assert all(label.casefold() in one.prompt.casefold() for label in (*one.truth, *one.others)), one


def test_conversations_tell_first_and_ask_last_with_no_number_between() -> None:
    found = talks.questions()
    assert len({one.id for one in found}) == len(found) == 2 * talks.COUNT
    for one in found:
        told, *between = [text for _, text in one.before]
        assert float(one.truth[0]) == SOLVED[one.template](*map(int, re.findall(r"\d+", told + one.prompt))), one
        assert not re.search(r"\d", "".join(between)), one
        assert [role for role, _ in one.before] == ["user", "assistant"] * (1 + talks.BETWEEN)
        assert re.search(r"[?？]", one.prompt), one
    assert found == talks.questions()


@pytest.mark.parametrize(
    ("form", "truth", "others", "answer", "expected"),
    [
        ("number", ("42",), (), "42", True),
        ("number", ("42",), (), "42.", True),
        ("number", ("42",), (), "42.0", True),
        ("number", ("42",), (), "The shop has 42 pencils.", True),
        ("number", ("42",), (), "6 * 9 - 12 = 42", True),
        ("number", ("42",), (), "There are **42** left.", True),
        ("number", ("42",), (), "Answer: 42 (in 3 boxes)", True),
        ("number", ("42",), (), "The answer is 6 * 7 = 42.", True),
        ("number", ("42",), (), r"\boxed{42}", True),
        ("number", ("42",), (), "#### 42", True),
        ("number", ("42",), (), "答案是42个。", True),
        ("number", ("42",), (), "还剩４２个", True),
        ("number", ("1170",), (), "1,170", True),
        ("number", ("1170",), (), "１，１７０元", True),
        ("number", ("1234567",), (), "1,234,567 dollars", True),
        ("number", ("300",), (), "$300", True),
        ("number", ("300",), (), "￥300", True),
        ("number", ("300",), (), "300 m²", True),
        ("number", ("7",), (), "10-3=7", True),
        ("number", ("42",), (), "42 - 5 = 37", False),
        ("number", ("42",), (), "142", False),
        ("number", ("42",), (), "4.2", False),
        ("number", ("42",), (), "-42", False),
        ("number", ("42",), (), "forty-two or so", False),
        ("number", ("42",), (), "", False),
        ("number", ("1170",), (), "1,17", False),
        ("number", ("42",), (), "42 or 43", False),
        ("number", ("42",), (), "答案是24，不是42", False),
        ("label", ("positive",), ("negative",), "Positive.", True),
        ("label", ("positive",), ("negative",), "The review is **positive**", True),
        ("label", ("satisfied",), ("unsatisfied",), "Satisfied", True),
        ("label", ("IT",), ("HR", "Finance"), "IT", True),
        ("label", ("正面",), ("负面",), "这是一条正面的影评。", True),
        ("label", ("unsatisfied",), ("satisfied",), "unsatisfied", True),
        ("label", ("positive",), ("negative",), "positive or negative", False),
        ("label", ("positive",), ("negative",), "not positive", False),
        ("label", ("satisfied",), ("unsatisfied",), "unsatisfied", False),
        ("label", ("满意",), ("失望",), "不满意", False),
        ("label", ("正面",), ("负面",), "这不是正面的影评", False),
        ("label", ("IT",), ("HR", "Finance"), "Put it to HR", False),
        ("label", ("spam",), ("normal",), "", False),
        ("text", ("Au",), (), "The symbol is Au.", True),
        ("text", ("carbon dioxide", "CO2"), (), "CO₂", True),
        ("text", ("星期四", "周四"), (), "星期三的后一天是周四。", True),
        ("text", ("JW-31555",), ("YL-22149",), "Order number: JW-31555", True),
        ("text", ("JW-31555",), ("YL-22149",), "ＪＷ－３１５５５", True),
        ("text", ("459.21",), ("162.50",), "$459.21.", True),
        ("text", ("john.baker@example.com",), ("maria.lopez@example.com",), "john.baker@example.com", True),
        ("text", ("Au",), (), "August", False),
        ("text", ("JW-31555",), ("YL-22149",), "JW-315556", False),
        ("text", ("JW-31555",), ("YL-22149",), "JW-31555 or YL-22149", False),
        ("text", ("459.21",), ("162.50",), "459.2", False),
        ("text", ("459.21",), ("162.50",), "1459.21", False),
        ("text", ("Paris",), (), "It is not Paris but Lyon.", False),
        ("text", ("Paris",), (), "Paris " + "and much else " * 20, False),
    ],
)  # fmt: skip
def test_what_counts_as_right(
    form: Form, truth: tuple[str, ...], others: tuple[str, ...], answer: str, expected: bool
) -> None:
    assert right(question(form, truth, others), answer) is expected


def test_numbers_are_read_off_plain_text() -> None:
    assert number_of(plain("从 1,000 到 2，500。答案：2500")) == 2500
    assert number_of(plain("no number")) is None
