"""Which trained model judges: the installation's own file, else the one made for its two models, else the general one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zhongshu.core.models import ModelCard
from zhongshu.router.difficulty.judge import Judge
from zhongshu.router.difficulty.linear import FOR_PAIRS, load

Pair = tuple[str, str]
"""Names of a general and a reasoning model; empty where there is none."""


def judge_for(cards: Sequence[ModelCard], file: Path | None = None) -> Judge:
    """The judge of an installation with these models. Raises OSError, ValueError for a file that is no such model."""
    return Judge(load(file or FOR_PAIRS.get(pair_of(cards))))


def judge_for_pair(pair: Pair, autos: Judge) -> Judge:
    """The judge of an assistant with these two models: what was made of their own outcomes; else of nobody's in particular.
    What was made of the outcomes of another pair, such as `auto`'s, says nothing of theirs. autos: the judge of `auto`."""
    if autos.pair == pair or (not autos.pair and pair not in FOR_PAIRS):
        return autos
    return Judge(load(FOR_PAIRS.get(pair)))


def pair_of(cards: Sequence[ModelCard]) -> Pair:
    """The models that `auto` asks first, by tier."""
    first: dict[str, str] = {}
    for card in cards:
        first.setdefault(card.tier, card.name)
    return first.get("general", ""), first.get("reasoning", "")
