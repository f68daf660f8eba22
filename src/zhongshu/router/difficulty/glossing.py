"""Which English words a Chinese text speaks of: what the trained model learnt of words, it learnt of English ones. Pure; knows
no weights. The table (glossary.txt) is read when it is first needed; 100 kB, a millisecond.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_RUN = re.compile(r"[A-Za-z']+|[\u4e00-\u9fff]+")
_LONGEST = 6
_FEWEST = 2


class Glossed(NamedTuple):
    """words: the English words that were found. others: how many Chinese words about, of two characters each, are not in the
    table."""

    words: list[str]
    others: int


def glossed(text: str) -> Glossed:
    """The English words of a text, and those that its Chinese ones stand for; of several that begin alike the longest."""
    words: list[str] = []
    others = 0
    for run in _RUN.findall(text.lower()):
        if run.isascii():
            words.append(run)
        else:
            others += _look_up(run, words)
    return Glossed(words, others)


def _look_up(run: str, words: list[str]) -> int:
    """Add what is known of a run of Chinese characters to `words`; how many words of it are not known."""
    known = glossary()
    at = missed = others = 0
    while at < len(run):
        sizes = range(min(_LONGEST, len(run) - at), 0, -1)
        size = next((size for size in sizes if run[at : at + size] in known), 0)
        words += known[run[at : at + size]] if size else ()
        if size:
            others, missed = others + _words_in(missed), 0
        else:
            missed += 1
        at += size or 1
    return others + _words_in(missed)


def _words_in(characters: int) -> int:
    """About how many words so many characters make; a single one is mostly grammar."""
    return (characters + 1) // 2 if characters >= _FEWEST else 0


@cache
def glossary() -> dict[str, tuple[str, ...]]:
    """The English words of each Chinese one. Read once."""
    lines = files("zhongshu.router.difficulty").joinpath("glossary.txt").read_text(encoding="utf-8").splitlines()
    found: dict[str, tuple[str, ...]] = {}
    for line in lines:
        if not line.startswith("#"):
            english, *chinese = line.split(" ")
            for word in chinese:
                found[word] = (*found.get(word, ()), english)
    return found
