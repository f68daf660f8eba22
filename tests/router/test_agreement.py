"""Whether two answers say the same: told of numbers, options, JSON and short texts; of anything else nothing is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.router.agreement import agree

SUM = "A shop sells 12 boxes of 7 pens each and 9 pens are broken. How many pens are left in total?"
CHOICE = "Which planet is largest?\nA. Mars\nB. Jupiter\nC. Venus\nD. Earth"


@pytest.mark.parametrize(
    ("question", "first", "second", "same"),
    [
        (SUM, "12 * 7 = 84, 84 - 9 = 75. The answer is 75.", "First 84, then **75** pens", True),
        (SUM, "The answer is 75.", "The answer is 76.", False),
        (SUM, "\\boxed{1,075}", "So there are 1075", True),
        (SUM, "#### 75", "75.0 pens", True),
        (SUM, "答案是 75 支", "一共 75", True),
        (SUM, "I cannot tell.", "75", None),
        (CHOICE, "The answer is B.", "B", True),
        (CHOICE, "(B) Jupiter, since ... The correct option: B", "Answer: C", False),
        (CHOICE, "故选B。", "答案：B", True),
        (CHOICE, "Jupiter", "It is the big one", None),
        ("Extract the name as JSON", '{"name": "Ann", "age": 3}', '```json\n{"age": 3, "name": "Ann"}\n```', True),
        ("Extract the name as JSON", '{"name": "Ann"}', '{"name": "Bob"}', False),
        ("What is the capital of France?", "Paris.", " paris", True),
        ("What is the capital of France?", "Paris.", "The capital of France is Paris.", None),
        ("Write a poem", "Roses are red", "Violets are blue", None),
        ("How old is she?", "41", "42", False),
        ("How old is she?", "She is 41.", "41 years", True),
        ("How far is it?", "12km", "12 km", True),
        ("Which flight is it?", "LH152", "BA152", None),
        ("Which flight is it?", "LH152", "Flight LH 152", None),
        ("Whom do I write to?", "sales40@example.com", "help40@example.com", None),
        ("x", "", "", True),
        ("How long does it take?", "5 minutes", "5 hours", None),
        ("How many minutes or hours does it take?", "5 minutes", "5 hours", None),
        ("How long does it take?", "60 minutes", "1 hour", True),
        ("How long does it take?", "5 minutes", "6 minutes", False),
        ("How long does it take?", "The answer is 5.", "It takes 5 minutes", True),
        ("多久？", "5分钟", "5小时", None),
        ("多久？", "需要5分钟", "5 分钟。", True),
        ("How far is it?", "12km", "12 miles", None),
        ("What does it cost?", "$5", "€5", None),
        ("What does it cost?", "$5", "5", True),
        ("What does it cost?", "5 dollars", "$ 6", False),
        ("How many are there?", "5", "not 5", None),
        ("How many are there?", "5", "more than 5", None),
        ("有几个？", "5个", "不是5个", None),
        ("What is its share?", "5%", "5 km", None),
        ("What is its share?", "75%", "75", True),
        ("Which language is it?", "C", "C#", None),
        (SUM, "75 minutes", "75 hours", None),
    ],
)
def test_what_agrees(question, first, second, same):
    assert agree(question, first, second) is same
    assert agree(question, second, first) is same


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_agrees_with_itself_and_never_breaks(question, text):
    assert agree(question, text, text) is True
    assert agree(text, question, text) in (True, False, None)


def test_empty_lines_are_passed_once() -> None:
    """One answer of four thousand of them took two seconds."""
    question = "Which?\nA. one\nB. two\nC. three"
    for _ in range(100):
        assert agree(question, "\n" * 5000 + "C", "(C)\n\n") is True
        assert agree(question, "\n" * 5000, "(C)\n\n") is None
