"""Sums are recomputed as written, and nothing else is ever evaluated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.router.difficulty.arithmetic import notes, steps, value


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("3 * 60", 180),
        ("2 + 3 x 4", 14),
        ("(2 + 3) × 4", 20),
        ("$1,200 ÷ 4", 300),
        ("25% * 80", 20),
        ("-3 + 5", 2),
        ("10 / 0", None),
        ("", None),
        ("2 +", None),
        ("(1", None),
        ("2 ** 9999999", None),
        ("1 2", None),
        ("__import__('os')", None),
        ("9" * 500, None),
    ],
)
def test_value(text, true):
    found = value(text)
    assert found == true if true is None else found == pytest.approx(true)


@given(st.text(max_size=80))
def test_any_text_is_borne(text):
    value(text)
    steps(text)
    notes(text)


@given(st.integers(1, 999), st.integers(1, 999), st.sampled_from("+-*/"))
def test_steps_are_found_and_judged(a, b, sign):
    true = {"+": a + b, "-": a - b, "*": a * b, "/": a / b}[sign]
    (right,) = steps(f"So it is {a} {sign} {b} = {true:.4f} apples.")
    (wrong,) = steps(f"So it is {a} {sign} {b} = {abs(true) * 1.1 + 7:.4f} apples.")
    assert not right.wrong
    assert wrong.wrong


def test_notes_are_kept_apart_from_steps():
    text = "15 + 5 = <<15+5=20>>20 eggs"
    assert [step.value for step in notes(text)] == [20]
    assert [step.value for step in steps(text)] == [20]
