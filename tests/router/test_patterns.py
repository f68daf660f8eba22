"""The marks in use say of any text what the rules spelled out say, whatever is looked up first."""

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.router import spelled_out

from zhongshu.router import patterns
from zhongshu.router.patterns import Mark, seen, several_numbers
from zhongshu.router.task import is_follow_up, mark, part_read

MARKS = {name: found for name, found in vars(patterns).items() if isinstance(found, Mark)}
SPELLED_OUT = {name.lstrip("_"): found for name, found in vars(spelled_out).items() if isinstance(found, re.Pattern)}

TEXTS = [
    "Why is a record made durable before the reply ends?",
    "Why does my service crash every night?", "xwhy does my service crash", "为什么我的服务一启动就报错？",
    "Prove that sqrt(2) is irrational.", "provе it", "a proof_of x", "show me that", "Show that 2 > 1",
    "Tom has 3 boxes with 4 pens each. How many pens are there?", "Half of twelve is what?", "1", "1 2", "x1y2 how many",
    "小明有25个苹果，给了小红8个，还剩几个？", "三个工人5天完成，两个工人几天完成？", "水是什么？", "用python写一个函数", "用 python 写一个函数", "请summarize以下内容", "súper theorem", "파이썬 python으로",
    "Translate: prove it", "x" * 400 + " translate it", "x" * 239 + " translate it", "請翻译这段话", "c++ or c?", "O(n log n) or o(1)?",
    "A. one\nB. two\nC. three", "Which?\n(A) 1\n(B) 2\n(C) 3\n(D) 4", "下列哪项？\nA、甲\nB、乙\nC、丙",
    "must must not must", "at least 1, at most 2, no more than 3, exactly 4, only if 5", "必须至少三个，不得超过五个",
    "\\frac{1}{2} + \\sum x", "50% off $30, how much?", "```\ncode\n```", "write a small sql query", "stack trace", "stacktrace",
    "knights and knaves", "plan a trip", "Plan: none", "tl;dr", "Step-by-step, please", "why? how? where?", "hi", "OK 👍", "ｈｏｗ many",
    "İstanbul'da why", "K is how many kelvin? 3 4", "a    b\t\t\t\tc", "a\u3000\u3000\u3000\u3000b", "\x00\x1f", "", " ",
    "¿Cuántos son 3 y 4?", "Докажите, что 2 + 2 = 4", "3と4を足すといくつですか？", "٣ و ٤ how many",
]  # fmt: skip


def same(text):
    assert msgspec.structs.astuple(mark(text)) == tuple(spelled_out.mark(text))
    assert part_read(text) == spelled_out.part_read(text)
    assert is_follow_up(text) == spelled_out.is_follow_up(text)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_marked_as_by_the_rules_spelled_out(text):
    same(text)
    same(text.upper())
    same(f"{text}\n" * 40)


def fragments():
    """Pieces of the rules themselves: the words of their alternatives, and what stands between words."""
    source = " ".join(pattern.pattern for pattern in SPELLED_OUT.values())
    words = sorted(set(re.findall(r"[a-z]{2,}|[\u4e00-\u9fff]{1,4}", source)))
    between = [" ", "", "-", ", ", "\n", "? ", "？", "1 ", "2", "_", "é", "\nA. ", "\nB) ", "    ", "\t \n ", "$", "%", "`", "```", "\\", "(", ")"]  # fmt: skip
    return st.lists(st.sampled_from(words) | st.sampled_from(between) | st.characters(), max_size=14).map("".join)


@settings(max_examples=600, deadline=None)
@given(fragments(), st.sampled_from(["", " ", "x" * 230, "word " * 300]), fragments())
def test_any_text_is_marked_as_by_the_rules_spelled_out(start, filling, end):
    same(start + filling + end)


@settings(max_examples=600, deadline=None)
@given(st.lists(fragments(), max_size=5).map(" ".join).map(str.lower))
def test_a_pattern_is_seen_where_it_is_found(text):
    flags = seen(text)
    for found in MARKS.values():
        assert found.found(text, flags) == (found.pattern.search(text) is not None)
    assert several_numbers(text) == (len(patterns.QUANTITY.findall(text)) >= 2)


@pytest.mark.parametrize("name", sorted(set(MARKS) & set(SPELLED_OUT) - {"DIAGNOSIS", "CHAT"}))
def test_every_word_of_a_pattern_is_found_by_itself_too(name):
    """Words and phrases of the rules, each alone in a sentence: what the rule finds, the mark finds."""
    source = SPELLED_OUT[name].pattern
    phrases = [re.sub(r"\(\?:([^|()]*)(?:\|[^()]*)?\)\??", r"\1", part) for part in re.split(r"\|(?![^(]*\))", source)]
    tried = 0
    for phrase in phrases:
        text = f"so, {re.sub(r'[^a-z0-9 一-鿿-]', '', phrase.replace('b(?:', ''))} a 1 2".lower()
        if SPELLED_OUT[name].search(text):
            tried += 1
            assert MARKS[name].found(text, seen(text)), text
    assert tried >= 3
