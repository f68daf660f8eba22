"""The judge that strategies ask: of a question what `auto` would think of it, of a draft what the trained model says."""

from __future__ import annotations

from zhongshu.router.difficulty.judge import Judge, Judgement
from zhongshu.router.estimate import hardness_of


class TaskJudge:
    """Judges a question by its kind of task first: the trained model knows only some kinds, and elsewhere sees length."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def question(self, text: str) -> Judgement:
        """The chance that a general model is wrong; `score` is what deep thought is expected to add."""
        found = hardness_of(text, self._judge)
        return Judgement(found.gain, found.chance, found.task)

    def draft(self, question: str, answer: str) -> Judgement:
        """How doubtful a draft answer is."""
        return self._judge.draft(question, answer)
