"""The judge that strategies ask: of a question what `auto` would think of it, of a draft what the trained model says."""

from __future__ import annotations

import math

import msgspec

from zhongshu.core.dials import Dial
from zhongshu.core.models import Offer
from zhongshu.core.problems import Refusal
from zhongshu.core.turns import Turn
from zhongshu.router.decision import Decider
from zhongshu.router.difficulty.judge import Judge, Judgement
from zhongshu.router.estimate import hardness_of
from zhongshu.router.judges import Pair, judge_for_pair


class Weighed(msgspec.Struct, frozen=True):
    """A turn between two models, weighed by a dial: see pipeline.stages.Worth."""

    chance: float
    needed: float
    stopped: str
    dial: Dial

    @property
    def deep(self) -> bool:
        """Whether it is worth asking the reasoning model."""
        return not self.stopped and self.chance >= self.needed


class TaskJudge:
    """Judges a question by its kind of task first: the trained model knows only some kinds, and elsewhere sees length."""

    def __init__(self, judge: Judge, decider: Decider | None = None) -> None:
        self._judge = judge
        self._decider = decider or Decider(judge=judge)
        self._pairs: dict[Pair, TaskJudge] = {}

    def of_pair(self, general: str, reasoning: str) -> TaskJudge:
        """The judge for an assistant of these two models (names of models or of pinned releases)."""
        pair = general.partition("@")[0], reasoning.partition("@")[0]
        found = self._pairs.get(pair)
        if found is None:
            judge = judge_for_pair(pair, self._judge)
            found = self if judge is self._judge else TaskJudge(judge, self._decider.judging_by(judge))
            self._pairs[pair] = found
        return found

    def worth(self, turn: Turn, general: Offer, reasoning: Offer, dial: Dial) -> Weighed | Refusal:
        """What a dial makes of a turn between two models, as `auto` would see it."""
        found = self._decider.weigh(turn, (general,), (reasoning,), dial)
        if isinstance(found, Refusal):
            return found
        asked = dial.quality is not None
        needed = found.hardness.chance_for(found.least_gain) if asked else 0.0
        if asked and found.hardness.gain <= 0:
            needed = math.inf
        return Weighed(found.hardness.chance, needed, found.over, found.weighed)

    def question(self, text: str) -> Judgement:
        """The chance that a general model is wrong; `score` is what deep thought is expected to add."""
        found = hardness_of(text, self._judge)
        return Judgement(found.gain, found.chance, found.task)

    def draft(self, question: str, answer: str) -> Judgement:
        """How doubtful a draft answer is. The trained score knows worked arithmetic, and doubts every answer without
        steps ("The capital of France is Paris."): any other draft is as doubtful as its question is hard."""
        found = hardness_of(question, self._judge)
        if found.task == "mathematics":
            return self._judge.draft(question, answer)
        return Judgement(found.gain, found.chance, found.task)
