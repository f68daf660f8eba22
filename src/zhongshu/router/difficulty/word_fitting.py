"""Training: what each word of a question adds, learnt from what the features leave unexplained. A ridge over words, solved
step by step, as there are thousands of them and few in each question. NumPy; never used by a turn."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from zhongshu.router.difficulty import rarity
from zhongshu.router.difficulty.measures import Numbers
from zhongshu.router.difficulty.wording import Weights

_FEWEST = 10
_ROUNDS = 200
_EXACT = 1e-18
_DIGITS = 4


class Texts:
    """The words of many questions: word number `word[i]` is in question `row[i]`. names: the words by number.

    Only those of the shipped table of words (rarity.py) are kept: a model's file tells no word that only
    its questions had, and no number.
    """

    def __init__(self, said: Sequence[Collection[str]]) -> None:
        table = rarity.table()
        numbers: dict[str, int] = {}
        pairs = [
            (numbers.setdefault(word, len(numbers)), row)
            for row, words in enumerate(said)
            for word in sorted(words)
            if word in table
        ]
        self.names = list(numbers)
        self.word, self.row = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        self.rows = len(said)

    def part(self, rows: NDArray[np.int64]) -> Texts:
        """The texts of some rows, in their order."""
        place = np.full(self.rows, -1)
        place[rows] = np.arange(len(rows))
        kept = place[self.row] >= 0
        part = object.__new__(Texts)
        part.names, part.rows = self.names, len(rows)
        part.word, part.row = self.word[kept], place[self.row[kept]]
        return part


def learn(texts: Texts, unexplained: Numbers, strength: float) -> dict[str, float]:
    """What each word adds (wording.added) that is in at least ten of the questions; strength: of the ridge, for words
    that weigh as the logarithm of how rare they are here."""
    often = np.bincount(texts.word, minlength=len(texts.names))
    known = np.flatnonzero(often >= _FEWEST)
    rare = np.zeros(len(texts.names))
    rare[known] = np.log(texts.rows / often[known])
    word, row, value = _columns(texts, rare, often >= _FEWEST)

    def of_rows(words: Numbers) -> Numbers:
        return _sums(row, value * words[word], texts.rows)

    def of_words(rows: Numbers) -> Numbers:
        return _sums(word, value * rows[row], len(texts.names))

    solved = np.zeros(len(texts.names))
    left = of_words(unexplained - unexplained.mean())
    move, square = left.copy(), float(left @ left)
    enough = _EXACT * square
    for _ in range(_ROUNDS):  # conjugate gradients
        if square <= enough:
            break
        bent = of_words(of_rows(move)) + strength * move
        step = square / float(move @ bent)
        solved += step * move
        left -= step * bent
        before, square = square, float(left @ left)
        move = left + square / before * move
    worth = rare * solved
    return {texts.names[at]: round(float(worth[at]), _DIGITS) for at in known}


def parts(texts: Texts, weights: Weights) -> tuple[Numbers, Numbers]:
    """What the words of each question add: the same as `wording.added` of each."""
    known = np.array([name in weights for name in texts.names], dtype=bool)
    worth = np.array([weights.get(name, (0.0, 0.0)) for name in texts.names]).reshape(-1, 2)
    _, row, score = _columns(texts, worth[:, 0], known)
    _, _, doubt = _columns(texts, worth[:, 1], known)
    return _sums(row, score, texts.rows), _sums(row, doubt, texts.rows)


def _sums(place: NDArray[np.int64], value: Numbers, places: int) -> Numbers:
    """The sum of the values of each place."""
    return cast("Numbers", np.bincount(place, value, minlength=places))


def _columns(
    texts: Texts, value: Numbers, known: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Numbers]:
    """Word, row and value of each known word in each row; the value over the root of how many known words are there."""
    kept = known[texts.word]
    word, row = texts.word[kept], texts.row[kept]
    count = np.bincount(row, minlength=texts.rows)
    return word, row, value[word] / np.sqrt(count[row])
