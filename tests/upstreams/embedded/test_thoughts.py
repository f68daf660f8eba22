"""Budgets of thought, and the marks that must not be seen in an answer."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.upstreams.embedded.thoughts import MarkFilter, Watch, budget

_PIECES = st.lists(st.sampled_from(["<think>", "</think>", "<", "th", "ink>", "</", "a", "你", " ", "<thin"]))


@pytest.mark.parametrize(
    ("effort", "context", "tokens"),
    [(None, 4096, 0), ("off", 4096, 0), ("minimal", 4096, 96), ("low", 4096, 256), ("high", 1024, 341), ("odd", 99, 0)],
)
def test_the_budget_is_the_efforts_within_a_third_of_the_window(effort: str | None, context: int, tokens: int):
    assert budget(effort, context) == tokens


@given(_PIECES)
def test_marks_and_what_is_between_them_never_pass(pieces: list[str]):
    marks = MarkFilter()
    seen = "".join([*(marks.feed(piece) for piece in pieces), marks.feed("", last=True)])
    whole = re.sub(r"<think>.*?(</think>|$)", "", "".join(pieces), flags=re.S).replace("</think>", "")
    assert seen == whole


def test_only_what_may_be_a_mark_is_withheld():
    marks = MarkFilter()
    assert [marks.feed(piece) for piece in ("a <b", " c <th", "e d", "<")] == ["a <b", " c ", "<the d", ""]
    assert marks.feed("", last=True) == "<"


def watched(text: str, budget: int) -> tuple[str, str]:
    """Why a thought was closed, and what was kept of it, where every piece of two characters is a token."""
    watch = Watch(budget)
    for at in range(0, len(text), 2):
        if ended := watch.feed(text[at : at + 2], at // 2 + 1):
            return ended, watch.kept()
    return "", watch.kept()


@pytest.mark.parametrize(
    ("text", "last"),
    [
        (
            "There are 7 days in a week, and 24 hours in each of them. So a week has 7 * 24 = 168 hours. Of these, he "
            "sleeps 56. What is left is 168 - 56 = 112 hours. Half of that is work. ",
            "112 hours. ",
        ),
        (
            "Each of 6 shelves holds 24 books, so the sum is 6 * 24 = 144. Then 57 are lent. Left are 87. All done",
            "144.",
        ),
        (
            "一周有7天，每天24小时。所以一周共有168小时。其中睡眠56小时。剩下168减56等于112小时。其中一半用来工作。",
            "112小时。",
        ),
    ],
)
def test_a_thought_that_has_nearly_spent_its_budget_is_closed_where_a_sentence_ends(text: str, last: str):
    tokens = (text.index(last) + len(last) + 1) // 2
    ended, kept = watched(text, round(tokens / 0.95))
    assert ended == "budget"
    assert kept.rstrip().endswith(last.rstrip())


@pytest.mark.parametrize("text", ["A first sentence. A second sentence. " * 2, "第一句话。第二句话。第三句话。"])
def test_a_thought_with_most_of_its_budget_left_goes_on(text: str):
    assert watched(text, len(text)) == ("", text)


def test_the_middle_of_a_sentence_closes_nothing():
    """Decimals and unfinished sums are no ends; the hard cap stands behind."""
    assert watched("The sum of 3.5 and 4.25 and 5.125 and 6.0625 is, when it is added up with care,", 20)[0] == ""
