"""A trained score: a weighted sum of features, and the chance it stands for. Plain Python; a turn must not load NumPy.

A model's file is JSON and names its features, so that one trained for other features is refused, not misread.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import msgspec

_LIST = re.compile(r"\[\n[^\[\]{}]*\]")  # no text holds a line's end, so this is never within one


class Linear(msgspec.Struct, frozen=True):
    """score = bias + sum(weights * (features - means) / scales); chance = logistic(slope * score + offset).

    doubt: where the chance has weights of its own, these and doubt_bias take the place of weights and bias in it: what
    the strong model gains and how often the weak one is wrong are two things. words: what each word of the question adds
    to either (wording.added); none, where it was trained without.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    slope: float = 1.0
    offset: float = 0.0
    doubt: tuple[float, ...] = ()
    doubt_bias: float = 0.0
    words: dict[str, tuple[float, float]] = {}

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.means) == len(self.scales) == len(self.weights):
            raise ValueError("names, means, scales and weights must be as many")
        if self.doubt and len(self.doubt) != len(self.names):
            raise ValueError("doubt must be as many as names, or none")
        if not all(scale > 0 for scale in self.scales):
            raise ValueError("scales must be above 0")

    def score(self, features: Sequence[float], words: float = 0.0) -> float:
        """Higher: the strong model is needed more. Features far from those it was trained on count as far as 4
        standard deviations. words: what the words add to it."""
        return self.bias + self._sum(self.weights, features) + words

    def chance(self, features: Sequence[float], words: float = 0.0) -> float:
        """The chance that the weak model's answer is wrong, from 0 to 1. words: what the words add to the doubt."""
        doubt = self.doubt_bias + self._sum(self.doubt, features) + words if self.doubt else self.score(features, words)
        at = self.slope * doubt + self.offset
        return 1 / (1 + math.exp(-min(30.0, max(-30.0, at))))

    def share_of(self, features: Sequence[float], words: float = 0.0) -> list[tuple[str, float]]:
        """What each feature, and the words, add to what the chance is made of, the weightiest first: the explanation of a
        decision."""
        parts = zip(self.names, features, self.means, self.scales, self.doubt or self.weights, strict=True)
        found = [(n, w * min(4.0, max(-4.0, (f - m) / s))) for n, f, m, s, w in parts]
        if self.words:
            found.append(("which_words", words))
        return sorted(found, key=lambda pair: -abs(pair[1]))

    def _sum(self, weights: Sequence[float], features: Sequence[float]) -> float:
        parts = zip(features, self.means, self.scales, weights, strict=True)
        # As min and max would, which take ten times as long.
        return sum([w * (4.0 if (z := (f - m) / s) > 4.0 else -4.0 if z < -4.0 else z) for f, m, s, w in parts])


class Odds(msgspec.Struct, frozen=True):
    """How two models did on one kind of task, in chances from 0 to 1.

    wrong: that the weak model is wrong. rest: that the strong one is wrong too where the weak one is. harm: that it is
    wrong where the weak one is right. rows: counted. plain: that the strong one is wrong when it does not think first;
    None where that was not counted.
    """

    wrong: float
    rest: float
    harm: float
    rows: int = 0
    plain: float | None = None

    def __post_init__(self) -> None:
        chances = (self.wrong, self.rest, self.harm, self.plain or 0.0)
        if not all(0 <= chance <= 1 for chance in chances):
            raise ValueError("odds must be chances from 0 to 1")


class Bin(NamedTuple):
    """Questions of about one chance: what was said of them, on the average, how often it happened, and how many."""

    said: float
    happened: float
    rows: int


class Difficulty(msgspec.Struct, frozen=True):
    """The trained scores of one version. choice: questions with options to choose from; free: all others; draft: a
    draft answer beside its question. trained_on and measured say how it was made, and reliability, of
    each score, how often the weak model was wrong where it said so, on rows left out. pair: names of the weak and the strong
    model that the outcomes are of, where they are models that an installation may have. tasks: how these did, by kind of
    task (router.task)."""

    version: str
    choice: Linear
    free: Linear
    draft: Linear
    trained_on: str = ""
    measured: dict[str, float] = {}
    pair: tuple[str, ...] = ()
    tasks: dict[str, Odds] = {}
    reliability: dict[str, tuple[Bin, ...]] = {}


SHIPPED = "shipped.json"
FOR_PAIRS: dict[tuple[str, str], str] = {("qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"): "qwen_coder.json"}
"""Shipped files made of the outcomes of two models that an installation may have; how: docs/routing.md."""


def load(path: Path | str | None = None) -> Difficulty:
    """A model's file, or by its name a shipped one, the general one without. Raises OSError; ValueError when it is
    none."""
    shipped = files("zhongshu.router.difficulty")
    data = path.read_bytes() if isinstance(path, Path) else shipped.joinpath(path or SHIPPED).read_bytes()
    try:
        return msgspec.json.decode(data, type=Difficulty)
    except msgspec.DecodeError as error:
        raise ValueError(f"this is not a difficulty model: {error}") from None


def dump(model: Difficulty) -> bytes:
    """The file of a model: a line for each field, and as few as may be for a list of numbers or words."""
    laid_out = msgspec.json.format(msgspec.json.encode(model), indent=1).decode()
    return _LIST.sub(
        lambda listed: textwrap.fill(" ".join(listed[0].split()), 120, break_on_hyphens=False), laid_out
    ).encode()
