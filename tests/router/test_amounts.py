"""Whether two results with numbers are one amount: their units and scales are a part of it, in both languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.router.agreement import agree
from zhongshu.router.amounts import amounts, plainly

FAR = "A car drives 2 km and then 3 km more, and each km takes a minute. How far has it driven in total?"
KM = "A car drives 2 km and then 3 km more. How many km has it driven in total?"
HOURS = "A task takes 2 hours and another takes 1 hour. How many hours do they take in total?"
COST = "A pen costs 2 and a book costs 3. How much do they cost in total?"
YUAN = "一支笔2元，一本书3元。一共多少元？"
LONG = "一段路长2公里，另一段长3公里。总共多长？"
LATER = "小明先走了2小时，又走了1小时。一共走了多久？"


@pytest.mark.parametrize(
    ("question", "first", "second", "same"),
    [
        # One number, two units.
        (FAR, "5 km", "5 miles", None),
        (FAR, "It is 2 + 3 = 5 km.", "The answer is 5 miles.", None),
        (HOURS, "3 hours", "3 minutes", None),
        (COST, "30%", "30 dollars", None),
        (COST, "$5", "€5", None),
        (COST, "5元", "5角", None),
        (LONG, "5公里", "5米", None),
        (LONG, "答案是5公里", "5 km", True),
        (LATER, "3小时", "3分钟", None),
        (COST, "5 million dollars", "5 dollars", None),
        (COST, "5万元", "5元", None),
        (FAR, "5 square meters", "5 meters", None),
        (HOURS, "\\boxed{3} hours", "\\boxed{3} minutes", None),
        (HOURS, "\\boxed{3 \\text{ hours}}", "#### 3 minutes", None),
        # One unit in other words.
        (COST, "5 dollars", "$5", True),
        (COST, "$5", "5美元", True),
        (COST, "5美元", "5 USD", True),
        (COST, "USD 5", "US$5.00", True),
        (COST, "5 USD", "5$", True),
        (COST, "five dollars", "$5", None),
        (COST, "5 yuan", "¥5", True),
        (YUAN, "5块钱", "人民币5元", True),
        (COST, "£5", "5 pounds", True),
        (COST, "5 pounds", "5 lbs", True),
        (FAR, "5 kilometres", "5公里", True),
        (HOURS, "3 hrs", "3 h", True),
        (HOURS, "a 3-hour job", "**3** hours", True),
        (HOURS, "$3$ hours", "3 hours", True),
        (HOURS, "$t = 3$ hours", "3 hours", True),
        (COST, "30%", "30 percent", True),
        (COST, "30%", "百分之30", True),
        # A bare number is of the unit that is asked for, else of any.
        (KM, "5", "5 km", True),
        (KM, "5", "5 miles", None),
        (KM, "5", "5000 m", True),
        (FAR, "5", "5 miles", True),
        (YUAN, "5", "5元", True),
        (YUAN, "5", "5角", None),
        (YUAN, "5", "50角", True),
        (COST, "5", "$5", True),
        (COST, "5 pens", "5", True),
        (COST, "0.3", "30%", True),
        # Units of one thing can be counted in one another; of different things they cannot.
        (HOURS, "180 minutes", "3 hours", True),
        (HOURS, "180 minutes", "2 hours", False),
        (FAR, "5 km", "3 miles", False),
        (FAR, "5 km", "5000 meters", True),
        (COST, "500 cents", "$5", True),
        (COST, "500 cents", "€5", True),
        (COST, "$6", "5 euros", None),
        (LATER, "2小时30分", "2.5小时", True),
        (LATER, "2小时30分", "3小时30分", False),
        (COST, "5元3角", "5.3元", True),
        (COST, "5 dollars and 30 cents", "6 dollars and 30 cents", False),
        (HOURS, "2 hours and 30 minutes", "150 minutes", True),
        (HOURS, "1h30min", "90 min", True),
        (FAR, "5 m²", "5 平方米", True),
        (COST, "5万元", "50000元", True),
        (COST, "5 million", "5,000,000", True),
        (COST, "1.2亿", "1.2万", None),
        # What merely looks like a unit.
        (COST, "There are 5 in total", "5 minutes", True),
        (COST, "5 mice", "5", True),
        (COST, "5 dollars an hour", "$5 per hour", True),
        (COST, "5分之3", "3", True),
        (COST, "5年级", "5", True),
        (COST, "-$5", "$5", False),
        (COST, "84 - 9 = $75", "75", True),
        (COST, "\\boxed{\\frac{3}{4}}", "\\boxed{\\frac{1}{4}}", False),
        (COST, "\\boxed{\\frac{3}{4}}", "0.75", True),
    ],
)
def test_units_are_a_part_of_a_result(question, first, second, same):
    assert agree(question, first, second) is same
    assert agree(question, second, first) is same


@given(st.text(alphabet="0123456789.,/%$€¥£-+ hkmusdol元角分万小时个()\\{}^2", max_size=40), st.text(max_size=40))
def test_no_text_breaks_it_and_order_does_not_matter(first, second):
    for one in amounts(plainly(first)):
        assert 0 <= one.begin < one.end <= len(plainly(first))
    assert agree(COST, first, second) is agree(COST, second, first)
    assert agree(HOURS, first, first) is True
