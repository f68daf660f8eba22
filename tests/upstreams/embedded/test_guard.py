"""The guard of thoughts: fires on those that get nowhere, never on healthy ones, wherever the text is cut."""

from __future__ import annotations

import re

import pytest
from benchmarks.guard import PUZZLE_THOUGHTS, Kept, kept, stepped_in
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.upstreams.embedded.thoughts_written import BAD, HEALTHY
from zhongshu.upstreams.embedded.conclusions import figure
from zhongshu.upstreams.embedded.guard import Guard

THOUGHTS = list(kept("qwen2.5-coder-1.5b").values())
PUZZLED = list(kept("qwen2.5-coder-1.5b", PUZZLE_THOUGHTS).values())


@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_thought_is_left_alone(name: str):
    guard = Guard()
    assert guard.feed(HEALTHY[name] + "\n") is None


@pytest.mark.parametrize("name", BAD)
def test_a_thought_that_gets_nowhere_is_ended(name: str):
    reason, text = BAD[name]
    guard = Guard()
    assert guard.feed(text + "\n") == reason
    assert 0 < guard.kept <= len(text) + 1


def test_of_a_loop_the_first_copy_is_kept():
    guard = Guard()
    guard.feed("To begin: " + "we add two and two and write four. " * 20)
    kept = ("To begin: " + "we add two and two and write four. " * 20)[: guard.kept]
    assert kept.startswith("To begin: we add two")
    assert kept.count("four") <= 2


def test_a_check_too_many_is_not_part_of_what_is_kept():
    _, text = BAD["worked out a third time"]
    guard = Guard()
    guard.feed(text)
    assert text[: guard.kept].rstrip().endswith("144 - 57 = 87")


@pytest.mark.parametrize("one", THOUGHTS, ids=[str(number) for number in range(len(THOUGHTS))])
def test_real_thoughts_are_left_alone_up_to_where_the_model_ends_them(one: Kept):
    """Of the local 1.5B, at effort high (benchmarks/guard.py): short, and none of them gets nowhere."""
    assert stepped_in(one.first) == ("", one.first)


def test_of_real_thoughts_about_puzzles_those_that_go_round_are_closed_and_no_other():
    """Nothing was added to them; that the other nineteen are no loops was read one by one."""
    reasons = {one.question[:13]: why for one in PUZZLED if (why := stepped_in(one.first)[0])}
    assert reasons == {
        "Five people s": "circling",
        "A farmer must": "circling",
        "Solve SEND + ": "circling",
        "How many lett": "repeating",
    }
    assert len(PUZZLED) == 23


def test_of_real_thoughts_with_two_checks_none_is_cut_before_its_result_was_checked():
    """Where the guard steps in, what is left holds the figure that the thought ended with, twice."""
    cut = [(one, stepped_in(one.whole)[1]) for one in THOUGHTS if stepped_in(one.whole)[0] == "settled"]
    assert cut
    for one, left in cut:
        results = re.findall(r"=[^=\d\n]*(\d[\d.,]*)", left)
        assert results.count(results[-1]) >= 2, one.question


@settings(max_examples=60)
@given(
    st.sampled_from([text for _, text in BAD.values()] + list(HEALTHY.values())),
    st.lists(st.integers(1, 90), min_size=1, max_size=40),
)
def test_how_the_text_is_cut_changes_nothing(text: str, cuts: list[int]):
    by_one, by_many = Guard(), Guard()
    at = next((n for n, char in enumerate(text, 1) if by_one.feed(char)), None)
    fed, turn = 0, 0
    while fed < len(text) and by_many.feed(text[fed : fed + cuts[turn % len(cuts)]]) is None:
        fed, turn = fed + cuts[turn % len(cuts)], turn + 1
    assert (by_many.reason, by_many.kept) == (by_one.reason, by_one.kept)
    if at is not None:
        assert fed < at <= fed + cuts[turn % len(cuts)]


@given(st.text(max_size=400))
def test_any_text_can_be_read(text: str):
    Guard().feed(text)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("42.", "42"),
        ("**1,250.50** yuan", "1250.5"),
        ("6 * 7 = 42 apples", "42"),
        ("-3/4", "-3/4"),
        ("(B) the second", "B"),
        ("Paris", "paris"),
        ("四十二", "四 十 二"),
        ("what remains after all of the other cases have been seen", ""),
    ],
)
def test_the_figure_of_an_answer(said: str, answer: str):
    assert figure(said) == answer
