"""What is counted in a text of ASCII by looking words up is what the patterns find in it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhongshu.router.difficulty.reading import _COUNTED, _counts

PIECES = (
    "half", "each", "every_", "per", "percent", "percentage", "xpercent", "if", "More", "than", "NOT", "except", "statement 1",
    "Scenario 2", "mis-statement 3", "how", "show", "which", "following", "def f(x)", "class A", "f(x)", "a(b(c)", "(y)", "```",
    ";\n", "; \n\n", "$", "$x + 1$", "$5$", "\\frac", "\\x", "_", "__", "___", "=", "<>", "|", ",", "%", "é", "每", "多少", "不", "，", "￥",
)  # fmt: skip
BETWEEN = (" ", "", "-", "\n", "_", "1", ". ")


def spelled_out(text):
    return [float(len(pattern.findall(text))) for pattern in _COUNTED.values()]


@pytest.mark.parametrize(
    "text", ["", "Per cent, per\x1fcent", "If 5% of $30 is \\frac{1}{2}, what is 3 percent?", *PIECES]
)
def test_a_text_is_counted_as_by_the_patterns(text):
    assert _counts(text) == spelled_out(text)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES) | st.sampled_from(BETWEEN) | st.characters(codec="ascii"), max_size=20).map(
        "".join
    )
)
def test_any_text_is_counted_as_by_the_patterns(text):
    assert _counts(text) == spelled_out(text)
