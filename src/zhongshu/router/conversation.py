"""What a turn has to do with those before it in its conversation. Pure; reads words of the user only.

Every protocol hands the conversation over whole, be it sent again or remembered (`previous_response_id`), so what was
decided before can be known from the questions alone, by whichever worker.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from zhongshu.core.turns import Turn
from zhongshu.router import chinese, patterns
from zhongshu.router.task import mark, part_read

_EARLIER_AT_MOST = 20
_SHORT = 160

STAYS, CHANGES = 0.5, 1.25
"""In a conversation a turn stays with the reasoning model down to this share of the least gain, and leaves the general
one from this share on: close decisions do not go to and fro."""

# For text in lower case: ignoring case takes several times as long.
_CONTINUES = re.compile(
    r"\W*(?:(?:and|but|so|or|ok(?:ay)?,? (?:and|but|so|now)|now|then|what if|suppose|instead|same|likewise|how about|what about|"
    r"using (?:that|this|it)|with (?:that|this)|in that case|if (?:he|she|it|they|we|that|this|there|instead))\b"
    r"|那么?|换成|改成|改为|再|又|接着|然后|同样|这样的话|这种情况下"
    # Short, or asked with 呢: 如果 also begins questions that stand by themselves.
    r"|(?:如果|假如|要是|假设|若)(?=.{0,22}$|.*呢\W*$))"
)
_BUT = re.compile(r".{1,16}呢\W*$")

# Words and characters that two texts may share without being about the same.
_EMPTY = frozenset(
    b"a about after again all already an and answer any are as ask at back be been before but by calculate can compute could "
    b"did do does each else far fast find first for from get gets give had has have he her him his how i in into is it its "
    b"last left long make makes many me more much must my no not nothing now number of old on one only or our please reply "
    b"said she should so solve still take takes tell than that the their them then there they this those to told total up us "
    b"was we were what when where which who will with would you your".split()
)
_EMPTY_ZH = frozenset(
    "的了是有多少几个一二两三共在和与或我你您他她它们这那么吗呢吧啊只要会能应该可以请问写出数字不别就都还也把被给从到再又最"
    "现回说事什怎样每先后前面刚才上下算计求平均总为人大小时钱"
)


def questions_of(turn: Turn) -> list[str]:
    """What the user asked, newest first; a bounded number."""
    return [message.text() for message in reversed(turn.messages) if message.role == "user"][:_EARLIER_AT_MOST]


def continues(text: str) -> bool:
    """Whether a question is asked within the one before it: short, and joined to what was said."""
    if len(text) > _SHORT:
        return False
    if text.isascii():
        return _CONTINUES.match(text.strip().lower()) is not None
    if chinese.length(text) > _SHORT:
        return False
    plain = chinese.plain(text.strip().lower())
    return _CONTINUES.match(plain) is not None or (_BUT.match(plain) is not None and any(map(str.isdecimal, plain)))


def asks_amount(question: str) -> bool:
    """Whether this asks for an amount without being mathematics by itself: it holds fewer than two numbers."""
    marked = mark(question)
    low = marked.text.lower()
    return marked.task == "lookup" and patterns.WORKED.found(low, patterns.seen(low))


def told_before(question: str, earlier: Sequence[str]) -> str:
    """What the user told earlier about what an amount is asked of now, in the order it was told: the messages that speak of
    the same, or all of them where the question names nothing. Empty where both together are no mathematics.
    earlier: newest first."""
    if not earlier or not asks_amount(question):
        return ""
    about = _speaks_of(part_read(question))
    parts = [part_read(text) for text in reversed(earlier)]
    told = "\n".join([part for part in parts if not about or not about.isdisjoint(_speaks_of(part))])
    return told if mark(f"{told}\n{question}").task == "mathematics" else ""


def told_of(turn: Turn) -> str:
    """What was told before of what the user asks the amount of last; as `told_before`."""
    asked = questions_of(turn)
    return told_before(asked[0], asked[1:]) if asked else ""


def whole_question(turn: Turn) -> str:
    """What the user asked last, with what was told before of what it asks the amount of in front of it."""
    told, asked = told_of(turn), "".join(questions_of(turn)[:1])
    return f"{told}\n{asked}" if told else asked


def _speaks_of(text: str) -> set[bytes | str]:
    """Its words in plain letters, without endings of the plural, and its Chinese characters, but for empty ones."""
    low = chinese.plain(text.lower())
    words = {word.removesuffix(b"s") for word in patterns.words_of(low) if word not in _EMPTY and not word.isdigit()}
    characters = {sign for sign in low if "\u4e00" <= sign <= "\u9fff"} - _EMPTY_ZH
    return {*words, *characters}
