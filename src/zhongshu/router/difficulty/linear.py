"""A trained score: a weighted sum of features, and the chance it stands for. Plain Python; a turn must not load NumPy.

A model's file is JSON and names its features, so that one trained for other features is refused, not misread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import msgspec


class Linear(msgspec.Struct, frozen=True):
    """score = bias + sum(weights * (features - means) / scales); chance = logistic(slope * score + offset)."""

    names: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    slope: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if not len(self.names) == len(self.means) == len(self.scales) == len(self.weights):
            raise ValueError("names, means, scales and weights must be as many")
        if not all(scale > 0 for scale in self.scales):
            raise ValueError("scales must be above 0")

    def score(self, features: Sequence[float]) -> float:
        """Higher: the strong model is needed more. Features far from those it was trained on count as far as 4
        standard deviations."""
        parts = zip(features, self.means, self.scales, self.weights, strict=True)
        return self.bias + sum([w * min(4.0, max(-4.0, (f - m) / s)) for f, m, s, w in parts])

    def chance(self, features: Sequence[float]) -> float:
        """The chance that the weak model's answer is wrong, from 0 to 1."""
        at = self.slope * self.score(features) + self.offset
        return 1 / (1 + math.exp(-min(30.0, max(-30.0, at))))

    def share_of(self, features: Sequence[float]) -> list[tuple[str, float]]:
        """What each feature adds to the score, the weightiest first: the explanation of a decision."""
        parts = zip(self.names, features, self.means, self.scales, self.weights, strict=True)
        found = [(n, w * min(4.0, max(-4.0, (f - m) / s))) for n, f, m, s, w in parts]
        return sorted(found, key=lambda pair: -abs(pair[1]))


class Difficulty(msgspec.Struct, frozen=True):
    """The trained scores of one version. choice: questions with options to choose from; free: all others; draft: a
    draft answer beside its question. trained_on and measured say how it was made."""

    version: str
    choice: Linear
    free: Linear
    draft: Linear
    trained_on: str = ""
    measured: dict[str, float] = {}


def load(path: Path | None = None) -> Difficulty:
    """A model's file, or the shipped one. Raises OSError; ValueError when it is none."""
    data = path.read_bytes() if path else files("zhongshu.router.difficulty").joinpath("shipped.json").read_bytes()
    try:
        return msgspec.json.decode(data, type=Difficulty)
    except msgspec.DecodeError as error:
        raise ValueError(f"this is not a difficulty model: {error}") from None


def dump(model: Difficulty) -> bytes:
    """The file of a model."""
    return msgspec.json.format(msgspec.json.encode(model), indent=1)
