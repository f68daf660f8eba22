"""How rare the words of an English text are: rare words ask for knowledge that small models lack.

The table (words.txt) is read when it is first needed; 3 MB, 15 ms. Of Chinese words, those count that a glossary has.
"""

from __future__ import annotations

import math
import re
from functools import cache
from importlib.resources import files

from zhongshu.router.difficulty.glossing import glossed

_WORD = re.compile(r"[A-Za-z']+")
_UNKNOWN = 1.5
_COMMON = 5.5
_NO_WORDS = (6.0, _COMMON, _COMMON, _COMMON, 0.0, 0.0, 0.0)
# Of a Chinese word that the glossary lacks: names and terms of a subject, most of them.
_NO_GLOSS = 3.5
USUAL = (5.85, 4.44, 3.74, 4.18, 0.23, 0.06, 0.08)
"""What English questions with options have, on the average (those of chinese.CHARACTERS_EACH): for Chinese ones, as what is
glossed of a whole question says nothing of how rare its words would be in English (correlation .05; of options .77)."""

NAMES: tuple[str, ...] = (
    "mean", "mean_uncommon", "rarest", "rarest_three", "rare", "very_rare", "share_unusual",
)  # fmt: skip


def rarity(text: str) -> tuple[float, ...]:
    """The numbers of NAMES for a text: Zipf frequencies (7 for "the", 3 for one word in a million), and how many words
    are rare (below 3.5), very rare (below 2.5), and which share is unusual (below 4)."""
    known = table()
    return _of([known.get(word, _UNKNOWN) for word in _WORD.findall(text.lower())])


def rarity_chinese(text: str) -> tuple[float, ...]:
    """The same for Chinese options, by the English words that theirs stand for."""
    known, found = table(), glossed(text)
    return _of([known.get(word, _UNKNOWN) for word in found.words] + [_NO_GLOSS] * found.others)


def _of(every: list[float]) -> tuple[float, ...]:
    if not every:
        return _NO_WORDS
    uncommon = sorted([zipf for zipf in every if zipf < _COMMON]) or [_COMMON]
    rarest = uncommon[:3]
    return (
        sum(every) / len(every),
        sum(uncommon) / len(uncommon),
        uncommon[0],
        sum(rarest) / len(rarest),
        math.log1p(sum([zipf < 3.5 for zipf in uncommon])),
        math.log1p(sum([zipf < 2.5 for zipf in uncommon])),
        sum([zipf < 4.0 for zipf in uncommon]) / len(every),
    )


@cache
def table() -> dict[str, float]:
    """The Zipf frequency of each word that is known. Read once."""
    lines = files("zhongshu.router.difficulty").joinpath("words.txt").read_text(encoding="ascii").splitlines()
    found: dict[str, float] = {}
    for line in lines:
        if not line.startswith("#"):
            zipf, *words = line.split(" ")
            found.update(dict.fromkeys(words, float(zipf)))
    return found
