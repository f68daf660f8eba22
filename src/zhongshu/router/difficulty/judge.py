"""The difficulty of a question and the doubt about a draft, by a trained model. Pure; a fraction of a millisecond."""

from __future__ import annotations

import math

import msgspec

from zhongshu.router.difficulty import checking, reading, wording
from zhongshu.router.difficulty.linear import Difficulty, Linear
from zhongshu.router.difficulty.reading import CHOICE_NAMES, NAMES

DRAFT_NAMES = (*checking.NAMES, "question_characters")


class Judgement(msgspec.Struct, frozen=True):
    """What is thought of a question or a draft.

    score: higher, the strong model is needed more. chance: that the weak model's answer is wrong, 0 to 1. head: which
    score was used. weightiest: the features that moved it most, each with what it added.
    """

    score: float
    chance: float
    head: str
    weightiest: tuple[tuple[str, float], ...] = ()


class Judge:
    """Judges by one version of the trained model. pair: the two models that it was made of, if it is for these alone.
    Raises ValueError for a model that was trained for other features than are read here."""

    def __init__(self, model: Difficulty) -> None:
        if (model.choice.names, model.free.names, model.draft.names) != (CHOICE_NAMES, NAMES, DRAFT_NAMES):
            raise ValueError("this difficulty model was trained for other features than this version reads")
        self._model = model
        self.version = model.version
        self.tasks = model.tasks
        self.pair = model.pair

    def question(self, text: str, *, explained: bool = False) -> Judgement:
        """How hard a question is."""
        question = reading.parts(text)
        if question.is_choice:
            model = self._model.choice
            added = wording.added(model.words, wording.words(question)) if model.words else (0.0, 0.0)
            return _judged(model, reading.read_choice(question), "choice", explained, added)
        return _judged(self._model.free, reading.read(question), "free", explained)

    def draft(self, question: str, answer: str, *, explained: bool = False) -> Judgement:
        """How doubtful a draft answer is."""
        return _judged(self._model.draft, draft_features(question, answer), "draft", explained)


def draft_features(question: str, answer: str) -> list[float]:
    """The features of a draft beside its question, in the order of DRAFT_NAMES."""
    return [*checking.check(question, answer), math.log1p(len(question))]


def _judged(
    model: Linear, features: list[float], head: str, explained: bool, words: tuple[float, float] = (0.0, 0.0)
) -> Judgement:
    shares = tuple(model.share_of(features, words[1])[:5]) if explained else ()
    return Judgement(model.score(features, words[0]), model.chance(features, words[1]), head, shares)
