"""Which words a question is made of, and what each says of its difficulty: what a question is about tells much of what the
strong model gains. Pure and plain Python; knows no label. How words come to their weights: word_fitting.py.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from zhongshu.router import chinese
from zhongshu.router.difficulty.glossing import glossed
from zhongshu.router.difficulty.reading import Question

_LETTERS = bytes(at if chr(at) in "abcdefghijklmnopqrstuvwxyz'" else 32 for at in range(256))

Weights = Mapping[str, tuple[float, float]]
"""What a word adds to the score, and to the sum behind the chance, in a question of no other word that is known."""


def words(question: Question) -> set[str]:
    """The English words of a question and its options, each once, in lower case; of Chinese ones, what they stand for."""
    low = "\n".join((question.stem, *question.options)).lower()
    if not low.isascii() and chinese.HAN.search(low):
        return set(glossed(low).words)
    return set(low.encode("ascii", "replace").translate(_LETTERS).decode().split())


def added(weights: Weights, said: Iterable[str]) -> tuple[float, float]:
    """What the words of a question add to the score and to the sum behind the chance. Many words say less each: as the
    root of their number, so that a long question is not further from the mean for its length."""
    found = [pair for pair in map(weights.get, said) if pair]
    if not found:
        return 0.0, 0.0
    root = math.sqrt(len(found))
    scores, doubts = zip(*found, strict=True)
    # Words come in the order of a set, which is another in each process: these sums are the same in any.
    return math.fsum(scores) / root, math.fsum(doubts) / root
