"""What a question asks, by its words: the guard against questions that are near each other and ask different things.

An embedding puts "enable" beside "disable" and 北京 beside 南京: two questions that differ in one word are nearer to
each other than two wordings of one question. So the words decide first. Two questions may share an answer when these
agree:

    kind       what is asked for: how, why, when, where, who, how much, which, yes or no, or simply what
    denied     how often it is negated (not, never, without; 不, 没, 无 ...)
    persons    mine or yours, where both say (my name, your name; 我的, 你的)
    numbers    every number, in digits or words, in order
    words      every word that carries meaning, with forms and synonyms made one (english.py, chinese.py)
    order      of those words, where direction matters ("from A to B", "A 比 B", 把 A 换成 B), and wherever the two
               are made of the very same words ("does A chase B", "does B chase A")

Names, units, dates and opposites are words that have no synonym here, so they must be the same. Words that both tables
do not know must be the same too: the guard errs on the side of asking again.
"""

from __future__ import annotations

import re
import unicodedata

import msgspec

from zhongshu.caches.guard import chinese, english
from zhongshu.caches.guard.numbers import digits_of

_PIECE = re.compile(
    r"[0-9][0-9,_]*(?:\.[0-9]+)?|[a-z_][a-z0-9_]*(?:[.+#&/'-][a-z0-9_+#]+)*[+#]*|[\u3400-\u4dbf\u4e00-\u9fff]+|%|[^\s\w]"
)
_MEANT_SIGNS = frozenset("%+*/=<>^$€£¥#@&|~")
_CJK = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")


class Gist(msgspec.Struct, frozen=True):
    """What a question asks. words: each once, sorted; ordered: as they stand. bag: every letter, sorted."""

    language: str
    kind: str
    denied: int
    numbers: tuple[str, ...]
    words: tuple[str, ...]
    ordered: tuple[str, ...]
    directed: bool
    bag: tuple[str, ...]
    persons: frozenset[str]


def same_gist(one: Gist, other: Gist) -> bool:
    """Whether two questions may ask the same. Empty questions never do."""
    if not (one.words or one.numbers):
        return False
    if (one.language, one.kind, one.denied, one.numbers, one.words) != (
        other.language, other.kind, other.denied, other.numbers, other.words,
    ):  # fmt: skip
        return False
    if one.persons and other.persons and one.persons != other.persons:
        return False
    directed = one.directed or other.directed or one.bag == other.bag
    return one.ordered == other.ordered if directed else True


def gist(text: str) -> Gist:
    """What a question asks."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'").strip()
    pieces = _PIECE.findall(plain)
    in_chinese = bool(_CJK.search(plain))
    read = chinese.read(pieces) if in_chinese else english.read(pieces)
    numbers, words = _apart(read.words)
    return Gist(
        language="zh" if in_chinese else "en",
        kind=read.kind,
        denied=read.denied,
        numbers=numbers,
        words=tuple(sorted(set(words))),
        ordered=tuple(words),
        directed=read.directed,
        persons=read.persons,
        bag=tuple(sorted(character for character in plain if character.isalnum())),
    )


def _apart(found: list[str]) -> tuple[tuple[str, ...], list[str]]:
    numbers: list[str] = []
    words: list[str] = []
    for word in found:
        number = digits_of(word)
        if number is not None:
            numbers.append(number)
        elif word[0].isalnum() or word in _MEANT_SIGNS or _CJK.match(word):
            words.append(word)
    return tuple(numbers), words
