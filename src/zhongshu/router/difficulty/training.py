"""From files of labelled outcomes to a difficulty model: reads lines, makes features, fits the three scores.

A line is JSON with `prompt`, `weak_correct`, `strong_correct`, and, for the score of drafts, `weak_response`. Other
fields are left alone.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec
import numpy as np

from zhongshu.router.difficulty import reading, wording
from zhongshu.router.difficulty.fitting import (
    Matrix,
    Recipe,
    fit,
    own_chance_of,
    predicted_out_of_fold,
    target,
    weights_of,
)
from zhongshu.router.difficulty.judge import DRAFT_NAMES, draft_features
from zhongshu.router.difficulty.linear import Bin, Difficulty, Linear
from zhongshu.router.difficulty.measures import Flags, apgr, calibration_error, reliability
from zhongshu.router.difficulty.word_fitting import Texts

# Length alone is a fair guess of difficulty (measured on questions that are not here: .626 on GSM8K, .560 on MMLU), so
# both fits are pulled towards it. What is learnt for questions with options is mostly what the strong model gains, as
# that is what routing is judged by; a fifth is whether the weak one is wrong, which holds better for unseen subjects.
FREE = Recipe(strength=1000, prior={"characters": 0.12})
CHOICE = Recipe(
    strength=20_000,
    gain=5.0,
    prior={"characters": 0.30, "option_characters": 0.15},
    balanced=True,
    own_chance=10_000,
    words=250,
)
DRAFT = Recipe(strength=100, prior={"question_characters": 0.1})
FEWEST = 50


class Labelled(msgspec.Struct, frozen=True):
    """One question, and how two models did. strong_plain_correct: how the strong one did without thinking first."""

    prompt: str
    weak_correct: bool
    strong_correct: bool
    weak_response: str | None = None
    subject: str = ""
    strong_plain_correct: bool | None = None


NOT_JSON = "it is not JSON in UTF-8"
TOO_DEEP = "it is nested too deep"


class BadLine(ValueError):
    """A line that cannot be used; `place` names the file and the line, `why` what is wrong with it: NOT_JSON, TOO_DEEP or the
    decoder's complaint about a Labelled."""

    def __init__(self, name: str, number: int, why: str) -> None:
        self.name = name
        self.number = number
        self.place = f"{name}, line {number}"
        self.why = why
        super().__init__(f"{self.place}: {why}")


class NothingToLearn(ValueError):
    """There are rows enough, but the weak model was always right, or always wrong, or the two as often as each other."""


def read_lines(path: Path) -> list[Labelled]:
    """The labelled lines of a file; 0 and 1 stand for false and true, and a byte order mark for nothing. Raises OSError;
    BadLine for the first that cannot be used."""
    decode = msgspec.json.Decoder(Labelled, strict=False).decode
    rows: list[Labelled] = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            text = line.removeprefix(BOM_UTF8) if number == 1 else line
            if not text.strip():
                continue
            try:
                rows.append(decode(text))
            except msgspec.ValidationError as error:
                raise BadLine(path.name, number, str(error)) from None
            except (msgspec.DecodeError, UnicodeDecodeError):
                raise BadLine(path.name, number, NOT_JSON) from None
            except RecursionError:
                raise BadLine(path.name, number, TOO_DEEP) from None
    return rows


def train(rows: Sequence[Labelled], version: str, base: Difficulty | None = None) -> Difficulty:
    """Fit what the rows allow; a score for which there are too few (FEWEST) is taken from `base`.

    Raises ValueError when there are too few for anything, NothingToLearn when they tell the two models apart by nothing.
    """
    questions = [reading.parts(row.prompt) for row in rows]
    choice = [(row, reading.read_choice(q)) for row, q in zip(rows, questions, strict=True) if q.is_choice]
    said = [wording.words(q) for q in questions if q.is_choice]
    free = [(row, reading.read(q)) for row, q in zip(rows, questions, strict=True) if not q.is_choice]
    drafted = [(row, draft_features(row.prompt, row.weak_response)) for row, _ in free if row.weak_response]
    measured: dict[str, float] = {}
    bins: dict[str, tuple[Bin, ...]] = {}
    made = {
        "choice": _fitted("choice", reading.CHOICE_NAMES, choice, CHOICE, measured, bins, said),
        "free": _fitted("free", reading.NAMES, free, FREE, measured, bins),
        "draft": _fitted("draft", DRAFT_NAMES, drafted, DRAFT, measured, bins),
    }
    if not any(made.values()):
        if max(len(choice), len(free)) >= FEWEST:
            raise NothingToLearn("the outcomes do not tell the two models apart")
        raise ValueError(f"give at least {FEWEST} labelled questions of one kind; there are {len(rows)}")
    missing = [name for name, score in made.items() if score is None]
    if missing and base is None:
        raise ValueError(f"too few questions for {', '.join(missing)}, and no model to take it from")
    scores: dict[str, Linear] = {name: score or getattr(base, name) for name, score in made.items()}
    counted = f"{len(choice)} questions with options, {len(free)} others, {len(drafted)} of them with a draft"
    heads = scores["choice"], scores["free"], scores["draft"]
    return Difficulty(version, *heads, trained_on=counted, measured=measured, reliability=bins)


def flags(rows: Sequence[Labelled]) -> tuple[Flags, Flags]:
    """Whether the weak and the strong model were right."""
    return np.array([row.weak_correct for row in rows], dtype=bool), np.array(
        [row.strong_correct for row in rows], dtype=bool
    )


def _fitted(
    head: str,
    names: Sequence[str],
    read: Sequence[tuple[Labelled, list[float]]],
    recipe: Recipe,
    measured: dict[str, float],
    bins: dict[str, tuple[Bin, ...]],
    said: Sequence[Collection[str]] | None = None,
) -> Linear | None:
    """One score, and in `measured` and `bins` how it did on rows it was not trained on."""
    if len(read) < FEWEST:
        return None
    weak, strong = flags([row for row, _ in read])
    if weak.all() or not weak.any() or weak.sum() == strong.sum():
        return None
    features: Matrix = np.array([values for _, values in read], dtype=np.float64)
    subjects = [row.subject for row, _ in read]
    texts = Texts(said) if said is not None else None
    model = fit(names, features, weak, strong, recipe, subjects, texts)
    weights = weights_of(subjects, len(read), recipe)
    out = predicted_out_of_fold(names, features, target(weak, strong, recipe.gain), recipe, weights, texts)
    own = own_chance_of(recipe)
    mixed = target(weak, strong, own.gain)
    doubt = predicted_out_of_fold(names, features, mixed, own, texts=texts) if recipe.own_chance else out
    chance = 1 / (1 + np.exp(-(model.slope * doubt + model.offset)))
    measured[f"{head}_apgr"] = round(apgr(out, weak, strong), 4)
    measured[f"{head}_calibration_error"] = round(calibration_error(chance, ~weak), 4)
    measured[f"{head}_rows"] = float(len(read))
    bins[head] = tuple(Bin(round(b.said, 4), round(b.happened, 4), b.rows) for b in reliability(chance, ~weak))
    return model
