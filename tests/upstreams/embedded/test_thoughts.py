"""Budgets of thought, and the marks that must not be seen in an answer."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.upstreams.embedded.thoughts import MarkFilter, budget

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
