"""The guard of thoughts: fires on those that get nowhere, never on healthy ones, wherever the text is cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.upstreams.embedded.thoughts_written import BAD, HEALTHY
from zhongshu.upstreams.embedded.conclusions import figure
from zhongshu.upstreams.embedded.guard import Guard


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
