"""What has a result, and whether two answers come to the same: told of words and shapes alone, else counted as different."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.core.turns import Format
from zhongshu.pipeline.strategies.alike import has_result, needs_thought, same_result

SUM = "A shop sells 12 boxes of 7 pens each and 9 pens are broken. How many pens are left in total?"
CAPITAL = "What is the capital of Australia?"
CHOICE = "Which planet is largest?\nA. Mars\nB. Jupiter\nC. Venus\nD. Earth"
PLANET = "Which is the largest planet in the solar system? Answer briefly."
PICKED = "Is the guest satisfied or unsatisfied? Reply with one of these two words.\n\nThe soup was cold."
SEATTLE = "Which flight goes to Seattle?\n\nYou are booked on LH152 from Boston to Seattle, and return on BA532."
FINAL = "Who won the final of 1966, England against Germany?"
LARGER = "Which is larger, Mars or Venus?"


@pytest.mark.parametrize(
    ("question", "first", "second", "same"),
    [
        (SUM, "12 * 7 - 9 = 75", "Answer: 75", True),
        (SUM, "The answer is 75 of 84.", "75", True),
        (SUM, "Answer: 75", "Answer: 76", False),
        ("Athens is the capital of which country?", "Athens is the capital of Greece.", "Answer: Greece", True),
        ("柏林是哪个国家的首都？", "柏林是德国的首都。", "答案：德国", True),
        ("柏林是哪个国家的首都？", "柏林是法国的首都。", "答案：德国", False),
        ("What is H?", "**Hydrogen**", "The final answer is: hydrogen.", True),
        (PLANET, "The largest planet is Jupiter.", "Jupiter is the largest planet in the solar system.", True),
        (PLANET, "The largest planet in the solar system is Mars.", "Jupiter", False),
        (CAPITAL, "Canberra", "Not Canberra", False),
        (CAPITAL, "Canberra", "It isn't Canberra", False),
        (CAPITAL, "Sydney", "Sydney or Canberra", False),
        (CAPITAL, "Canberra", "Sydney, not Canberra", False),
        (CAPITAL, "It might be Sydney", "Sydney", False),
        ("Which country is at war?", "Korea", "It is North Korea", False),
        ("哪个国家？", "非洲", "东非洲", False),
        (PICKED, "Satisfied", "unsatisfied", False),
        (PICKED, "Satisfied", "The answer is: satisfied", True),
        (SEATTLE, "LH152", "Answer: BA532", False),
        (SEATTLE, "LH152", "You are booked on LH152", False),
        (SEATTLE, "LH152", "BA152", False),
        ("Which flight is it?", "LH152", "It is LH152.", True),
        ("How long does it take?", "5 minutes", "5 hours", False),
        ("How long does it take?", "It takes 5 minutes", "5 minutes", True),
        ("What does it cost?", "It is 459.210", "459.21", True),
        ("How far is it?", "12km", "12 km", True),
        ("How old is she?", "41", "She is 41 years old", True),
        ("多久？", "5分钟", "5小时", False),
        (LARGER, "Mars is larger than Venus", "Venus is larger than Mars", False),
        (LARGER, "Mars", "Venus", False),
        (LARGER, "Venus", "Venus is larger than Mars", False),
        (FINAL, "England defeated Germany", "Germany defeated England", False),
        (FINAL, "England defeated Germany", "England was defeated by Germany", False),
        ("What is the opposite of hot?", "The opposite of hot is cold.", "cold", True),
        ("“快”的反义词是什么？", "“快”的反义词是“慢”。", "慢", True),
        (CHOICE, "B", "Answer: B. Jupiter", True),
        ("Give it as JSON", '{"a": 1}', '```json\n{"a": 1.0}\n```', True),
        ("Give it as JSON", '{"a": 1}', '{"a": 2}', False),
        ("Explain rainbows", "Light is refracted. " * 20, "Drops bend light. " * 20, False),
        ("x", "", "y", False),
    ],
)
def test_what_comes_to_the_same(question, first, second, same):
    assert same_result(question, first, second) is same
    assert same_result(question, second, first) is same


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_any_answer_comes_to_the_same_as_itself_and_order_does_not_matter(question, one, other):
    assert same_result(question, one, one) is True
    assert same_result(question, one, other) is same_result(question, other, one)


@pytest.mark.parametrize(
    ("question", "draft", "form", "result"),
    [
        (SUM, "First 84. " * 50, "text", True),
        (CHOICE, "B, as I explain here. " * 30, "text", True),
        (CAPITAL, "Canberra", "text", True),
        (CAPITAL, "Canberra. " * 50, "text", False),
        ("List the fields of the form below.", '{"a": "' + "b" * 300 + '"}', "schema", True),
        ("Write a short poem about 3 cats", "Cats.", "text", False),
        ("写一首关于猫的短诗", "猫。", "text", False),
        ("Write a Python function that adds two numbers", "def add(a, b): return a + b", "text", False),
        ("Write one sentence that invites my neighbours to a party on Saturday.", "Come to my party!", "text", False),
        ("Could you please suggest a name for my cat?", "Tom", "text", False),
        ("Explain in a sentence what an atom is.", "The smallest part of an element.", "text", False),
        ("Give me two good tips for sleep", "Sleep early.", "text", False),
        ("写一句邀请邻居周六来聚会的话。", "欢迎周六来做客！", "text", False),
        ("请帮我用一句话介绍北京。", "北京是中国的首都。", "text", False),
        ("用一句话" * 5000 + "是什么", "x", "text", True),
        ("please " * 5000 + "?", "x", "text", True),
        ("Who wrote Hamlet?", "Shakespeare", "text", True),
        ("Give me the flight number.\n\nWrite to us: LH152", "LH152", "text", True),
        ("请写出航班号。\n\n您已预订CA7660航班。", "CA7660", "text", True),
        ("写出航班号，不写别的。\n\n您已预订CA7660航班。", "CA7660", "text", True),
        ("编号是多少？", "A279", "text", True),
        ("设计师是谁？", "李华", "text", True),
        ("Is this mail spam or normal?\n\nPlease explain the invoice.", "normal", "text", True),
        ("Hello!", "Hello! How can I help?", "text", False),
    ],
)
def test_what_has_a_result(question, draft, form, result):
    assert has_result(question, draft, Format(form)) is result


@pytest.mark.parametrize(
    ("question", "thought"),
    [(SUM, True), ("Prove that the square root of 2 is irrational.", True), (CAPITAL, False), (PICKED, False)],
)
def test_what_is_worked_out_in_steps(question, thought):
    assert needs_thought(question) is thought
