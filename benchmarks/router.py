"""Routing on labelled questions: how much of the gap between a weak and a strong model a score recovers.

    python -m benchmarks.router --data FOLDER

FOLDER holds gsm8k-dev.jsonl and mmlu-dev.jsonl (RouteLLM's outcomes of Mixtral-8x7B and GPT-4). Every figure is of
questions that the score was not trained on: ten folds by item, ten by subject, or trained on the one file and measured
on the other. Beside it, in the same run: random, prompt length alone, the nearest neighbours by features, and the
oracle. Last, what `route tune` and `route report` promise, against what it comes to (promises.py).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks import command, machine, promises
from benchmarks.rows import Reference, Row, at_least, at_most
from zhongshu.router.difficulty import measures, reading, wording
from zhongshu.router.difficulty.fitting import Matrix, Recipe, chances, fit, fit_score, predict, target
from zhongshu.router.difficulty.judge import DRAFT_NAMES, draft_features
from zhongshu.router.difficulty.linear import Linear
from zhongshu.router.difficulty.measures import Numbers
from zhongshu.router.difficulty.training import CHOICE, DRAFT, FREE, Labelled, flags, read_lines
from zhongshu.router.difficulty.word_fitting import Texts

NAME = "router"
DATA = Path(__file__).parents[2] / "shared" / "data" / "routing"
_FOLDS = 10
# Questions with options say little of questions without: so this fit keeps close to length.
ACROSS = Recipe(strength=50_000, gain=5.0, prior={"characters": 0.12}, balanced=True)


class Set:
    """Questions with their features and outcomes."""

    def __init__(
        self, name: str, rows: Sequence[Labelled], features: Matrix, names: Sequence[str], texts: Texts | None = None
    ) -> None:
        self.name = name
        self.rows = rows
        self.features = features
        self.names = names
        self.texts = texts
        self.weak, self.strong = flags(rows)
        self.length = np.array([len(row.prompt) for row in rows], dtype=np.float64)

    def fitted(self, train: Numbers, test: Numbers, recipe: Recipe) -> tuple[Numbers, Numbers]:
        """Scores, and chances that the weak model is wrong, of `test` by a model trained on `train`."""
        model, asked = self._trained(fit, train, recipe), self._texts(test)
        return predict(model, self.features[test], asked), chances(model, self.features[test], asked)

    def scored(self, train: Numbers, test: Numbers, recipe: Recipe) -> Numbers:
        """The scores alone."""
        return predict(self._trained(fit_score, train, recipe), self.features[test], self._texts(test))

    def _trained(self, how: Callable[..., Linear], train: Numbers, recipe: Recipe) -> Linear:
        subjects = [self.rows[at].subject for at in train]
        weak, strong = self.weak[train], self.strong[train]
        return how(self.names, self.features[train], weak, strong, recipe, subjects, self._texts(train))

    def _texts(self, rows: Numbers) -> Texts | None:
        return self.texts.part(rows) if self.texts else None


def by_item(size: int, seed: int) -> list[Numbers]:
    """Ten parts drawn at random."""
    return np.array_split(np.random.default_rng(seed).permutation(size), _FOLDS)


def by_subject(rows: Sequence[Labelled], seed: int) -> list[Numbers]:
    """Ten parts, no subject in two of them."""
    subjects = np.random.default_rng(seed).permutation(sorted({row.subject for row in rows}))
    of = np.array([row.subject for row in rows])
    return [np.flatnonzero(np.isin(of, part)) for part in np.array_split(subjects, _FOLDS)]


def out_of_fold(data: Set, parts: list[Numbers], recipe: Recipe) -> tuple[Numbers, Numbers]:
    """Score and chance of every question by a model that was trained without its part."""
    score, chance = np.zeros(len(data.rows)), np.zeros(len(data.rows))
    for part in parts:
        rest = np.setdiff1d(np.arange(len(data.rows)), part)
        score[part], chance[part] = data.fitted(rest, part, recipe)
    return score, chance


def scored_out_of_fold(data: Set, parts: list[Numbers], recipe: Recipe) -> Numbers:
    """The scores alone."""
    score = np.zeros(len(data.rows))
    for part in parts:
        score[part] = data.scored(np.setdiff1d(np.arange(len(data.rows)), part), part, recipe)
    return score


def neighbours(data: Set, parts: list[Numbers], recipe: Recipe, near: int = 40) -> Numbers:
    """The mean outcome of the nearest questions by standardised features."""
    standard = (data.features - data.features.mean(axis=0)) / np.maximum(data.features.std(axis=0), 1e-9)
    wanted = target(data.weak, data.strong, recipe.gain)
    score = np.zeros(len(data.rows))
    for part in parts:
        rest = np.setdiff1d(np.arange(len(data.rows)), part)
        known = standard[rest]
        for at in part:
            score[at] = wanted[rest[np.argpartition(((known - standard[at]) ** 2).sum(axis=1), near)[:near]]].mean()
    return score


def averaged(score: Callable[[int], Numbers], data: Set, times: int = 5) -> float:
    """APGR, the mean over several ways of cutting the questions into folds."""
    return float(np.mean([measures.apgr(score(seed), data.weak, data.strong) for seed in range(times)]))


def table(title: str, data: Set, recipe: Recipe, parts: Callable[[int], list[Numbers]], goal: float) -> list[Row]:
    """Every figure of one way of cutting one file."""
    score, chance = out_of_fold(data, parts(0), recipe)
    length = measures.apgr(data.length, data.weak, data.strong)
    mean = averaged(lambda seed: scored_out_of_fold(data, parts(seed), recipe), data)
    rows = [
        Row(name=f"{title}: APGR", value=mean, unit="APGR", reference=Reference("length alone", length), target=at_least(goal),
            note=f"{len(data.rows)} questions, mean of 5 cuts into {_FOLDS} folds; random .50"),
        Row(name=f"{title}: APGR of the nearest neighbours", unit="APGR",
            value=measures.apgr(neighbours(data, parts(0), recipe), data.weak, data.strong)),
        Row(name=f"{title}: APGR of the oracle", unit="APGR",
            value=measures.apgr(data.strong.astype(np.float64) - data.weak, data.weak, data.strong)),
        *[Row(name=f"{title}: CPT({share:.0%})", value=measures.cpt(score, data.weak, data.strong, share), unit="share of calls",
              reference=Reference("random", share)) for share in (0.5, 0.8)],
        *[Row(name=f"{title}: accuracy at {calls:.0%} strong calls", unit="share right",
              value=measures.accuracy_at(score, data.weak, data.strong, calls),
              reference=Reference("random", float(data.weak.mean() + calls * (data.strong.mean() - data.weak.mean()))))
          for calls in (0.25, 0.5, 0.75)],
        Row(name=f"{title}: calibration error", value=measures.calibration_error(chance, ~data.weak), unit="share"),
    ]  # fmt: skip
    return rows


def latency(questions: Sequence[str]) -> Row:
    """What judging one question takes by the shipped model."""
    from zhongshu.router.difficulty.judge import Judge
    from zhongshu.router.difficulty.linear import load

    judge = Judge(load())
    judge.question(questions[0])
    took: list[float] = []
    for question in questions[:1000]:
        began = time.perf_counter()
        judge.question(question)
        took.append(time.perf_counter() - began)
    return Row(name="judging one question, p50", value=float(np.median(took) * 1000), unit="ms", target=at_most(1.0))


def promised(labelled: Sequence[Labelled]) -> list[Row]:
    """What `tune` and `report` promise of these questions by the shipped model."""
    from zhongshu.router.difficulty.judge import Judge
    from zhongshu.router.difficulty.linear import load
    from zhongshu.router.estimate import hardness_of

    judge = Judge(load())
    gains = [hardness_of(row.prompt, judge).gain for row in labelled]
    weak, strong = flags(labelled)
    return promises.rows(gains, weak.astype(np.float64), strong.astype(np.float64))


def run(data: Path = DATA) -> list[Row]:
    """Every table."""
    if not (data / "gsm8k-dev.jsonl").exists():
        return [Row(name="routing", value=None, unit="APGR", note="give --data, the folder of the labelled questions")]
    gsm, mmlu = read_lines(data / "gsm8k-dev.jsonl"), read_lines(data / "mmlu-dev.jsonl")
    free = Set("GSM8K", gsm, np.array([reading.read(reading.parts(row.prompt)) for row in gsm]), reading.NAMES)
    questions = [reading.parts(row.prompt) for row in mmlu]
    texts = Texts([wording.words(question) for question in questions])
    choice = Set("MMLU", mmlu, np.array([reading.read_choice(q) for q in questions]), reading.CHOICE_NAMES, texts)
    plain = Set("MMLU", mmlu, np.array([reading.read(question) for question in questions]), reading.NAMES)
    drafts = Set("GSM8K", gsm, np.array([draft_features(r.prompt, r.weak_response or "") for r in gsm]), DRAFT_NAMES)
    subjects = [row.subject for row in mmlu]
    across = fit(reading.NAMES, plain.features, plain.weak, plain.strong, ACROSS, subjects)
    return [
        *table("MMLU, by item", choice, CHOICE, lambda seed: by_item(len(mmlu), seed), 0.70),
        *table("MMLU, unseen subjects", choice, CHOICE, lambda seed: by_subject(mmlu, seed), 0.60),
        *table("GSM8K, by item", free, FREE, lambda seed: by_item(len(gsm), seed), 0.68),
        Row(name="trained on MMLU, GSM8K: APGR", value=measures.apgr(predict(across, free.features), free.weak, free.strong),
            unit="APGR", reference=Reference("length alone", measures.apgr(free.length, free.weak, free.strong))),
        *table("GSM8K drafts (cascade)", drafts, DRAFT, lambda seed: by_item(len(gsm), seed), 0.80),
        latency([row.prompt for row in (*mmlu, *gsm)][::5]),
        *promised((*mmlu, *gsm)),
    ]  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command.parser(__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of the labelled questions")
    given = command.parsed(parser, arguments)
    machine.describe()
    return command.finish(NAME, run(given.data), given)


if __name__ == "__main__":
    sys.exit(main())
