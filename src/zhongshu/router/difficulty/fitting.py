"""Training: labelled questions -> a linear score. Ridge regression towards a prior, then a logistic calibration on
predictions for folds that were left out. NumPy; used by `zhongshu route train` and the benchmark, never by a turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from zhongshu.router.difficulty.linear import Linear
from zhongshu.router.difficulty.measures import Flags, Numbers
from zhongshu.router.difficulty.word_fitting import Texts, learn, parts

Matrix = NDArray[np.float64]
_GAIN_IN_CHANCE = 2.0


class Recipe(msgspec.Struct, frozen=True):
    """How one score is fitted.

    strength: of the ridge, in questions. gain: see `target`. prior: weights (of standardised features) towards which
    it pulls where the data says little. balanced: a subject weighs as the root of its number of questions, so that no
    large one decides what is learnt for all. own_chance: strength of a second ridge, for the chance that the weak model
    is wrong; 0: the chance is made from the score. words: strength of the ridge over the words of the questions; 0: they
    are left alone. folds, seed: of the calibration.
    """

    strength: float
    gain: float = 1.0
    prior: dict[str, float] = {}
    balanced: bool = False
    own_chance: float = 0.0
    words: float = 0.0
    folds: int = 10
    seed: int = 1


def target(weak: Flags, strong: Flags, gain: float) -> Numbers:
    """What is predicted: what the strong model would gain (-1, 0, 1; `gain` times), plus 1 where the weak one is wrong.
    The first is what routing is judged by; the second says much the same with less noise, and holds for subjects that
    were not trained on."""
    return gain * (strong.astype(np.float64) - weak) + ~weak


def fit(
    names: Sequence[str],
    features: Matrix,
    weak: Flags,
    strong: Flags,
    recipe: Recipe,
    subjects: Sequence[str] | None = None,
    texts: Texts | None = None,
) -> Linear:
    """Train on all rows; calibrate the chance that the weak model is wrong on rows left out in turn. texts: the words of
    the rows, for a recipe that learns from them."""
    fitted = fit_score(names, features, weak, strong, recipe, subjects, texts)
    if not recipe.own_chance:
        wanted, weights = target(weak, strong, recipe.gain), weights_of(subjects, len(weak), recipe)
        slope, offset = _logistic(predicted_out_of_fold(names, features, wanted, recipe, weights, texts), ~weak)
        return msgspec.structs.replace(fitted, slope=slope, offset=offset)
    own = own_chance_of(recipe)
    mixed = target(weak, strong, own.gain)
    slope, offset = _logistic(predicted_out_of_fold(names, features, mixed, own, texts=texts), ~weak)
    doubt = _fitted(names, features, mixed, own, None, texts)
    words = {word: (adds, doubt.words[word][1]) for word, (adds, _) in fitted.words.items()}
    return msgspec.structs.replace(
        fitted, slope=slope, offset=offset, doubt=doubt.weights, doubt_bias=doubt.bias, words=words
    )


def fit_score(
    names: Sequence[str],
    features: Matrix,
    weak: Flags,
    strong: Flags,
    recipe: Recipe,
    subjects: Sequence[str] | None = None,
    texts: Texts | None = None,
) -> Linear:
    """The same without its chance: in a tenth of the time, for who asks only which question is harder."""
    wanted, weights = target(weak, strong, recipe.gain), weights_of(subjects, len(weak), recipe)
    return _fitted(names, features, wanted, recipe, weights, texts)


def own_chance_of(recipe: Recipe) -> Recipe:
    """How the sum behind a chance of its own is fitted: rows weigh alike and nothing pulls, as a chance is to be right
    on average; of gain and doubt it takes as much as still tells how often the weak model is wrong."""
    words, folds, seed = recipe.words, recipe.folds, recipe.seed
    return Recipe(recipe.own_chance, gain=_GAIN_IN_CHANCE, words=words, folds=folds, seed=seed)


def weights_of(subjects: Sequence[str] | None, count: int, recipe: Recipe) -> Numbers:
    """How much each row weighs, 1 on average."""
    if not recipe.balanced or subjects is None:
        return np.ones(count)
    _, which, sizes = np.unique(np.array(subjects), return_inverse=True, return_counts=True)
    weights = 1 / np.sqrt(sizes[which])
    return weights / weights.mean()


def predicted_out_of_fold(
    names: Sequence[str],
    features: Matrix,
    wanted: Numbers,
    recipe: Recipe,
    weights: Numbers | None = None,
    texts: Texts | None = None,
) -> Numbers:
    """A prediction for each row by a score that was trained without it."""
    order = np.random.default_rng(recipe.seed).permutation(len(wanted))
    each = np.ones(len(wanted)) if weights is None else weights
    out = np.zeros(len(wanted))
    for part in np.array_split(order, recipe.folds):
        rest = np.setdiff1d(order, part)
        known, asked = (None, None) if texts is None else (texts.part(rest), texts.part(part))
        model = _fitted(names, features[rest], wanted[rest], recipe, each[rest], known)
        out[part] = predict(model, features[part], asked)
    return out


def predict(model: Linear, features: Matrix, texts: Texts | None = None) -> Numbers:
    """The scores of many rows at once: the same as Linear.score of each."""
    words = 0.0 if texts is None else parts(texts, model.words)[0]
    return _summed(model, model.weights, features) + model.bias + words


def chances(model: Linear, features: Matrix, texts: Texts | None = None) -> Numbers:
    """The chances of many rows at once: the same as Linear.chance of each."""
    if model.doubt:
        words = 0.0 if texts is None else parts(texts, model.words)[1]
        doubt = _summed(model, model.doubt, features) + model.doubt_bias + words
    else:
        doubt = predict(model, features, texts)
    return 1 / (1 + np.exp(-np.clip(model.slope * doubt + model.offset, -30, 30)))


def _summed(model: Linear, weights: Sequence[float], features: Matrix) -> Numbers:
    standard = (features - np.array(model.means)) / np.array(model.scales)
    return np.clip(standard, -4, 4) @ np.array(weights)


def _fitted(
    names: Sequence[str],
    features: Matrix,
    wanted: Numbers,
    recipe: Recipe,
    weights: Numbers | None,
    texts: Texts | None,
) -> Linear:
    """The features first, and by the words what these leave."""
    model = _ridge(names, features, wanted, recipe, weights)
    if texts is None or not recipe.words:
        return model
    learnt = learn(texts, wanted - predict(model, features), recipe.words)
    return msgspec.structs.replace(model, words={word: (adds, adds) for word, adds in learnt.items()})


def _ridge(
    names: Sequence[str], features: Matrix, wanted: Numbers, recipe: Recipe, weights: Numbers | None = None
) -> Linear:
    means, scales = features.mean(axis=0), features.std(axis=0)
    scales[scales < 1e-9] = 1.0
    standard = np.clip((features - means) / scales, -4, 4)
    weights = np.ones(len(wanted)) if weights is None else weights
    bias = float((weights * wanted).sum() / weights.sum())
    towards = np.array([recipe.prior.get(name, 0.0) for name in names])
    weighed = standard.T * weights
    gram = weighed @ standard + recipe.strength * np.eye(len(names))
    solved = cast("Numbers", np.linalg.solve(gram, weighed @ (wanted - bias - standard @ towards)))
    return Linear(tuple(names), _plain(means), _plain(scales), _plain(towards + solved), _told(bias))


def _plain(values: object) -> tuple[float, ...]:
    return tuple(_told(value) for value in cast("Numbers", values))


def _told(value: float) -> float:
    """To nine digits: those after differ with the number of cores that add up, and a file is to be made alike anywhere."""
    return float(f"{value:.9g}")


def _logistic(score: Numbers, happened: Flags) -> tuple[float, float]:
    """Platt's scaling by Newton's method, with his smoothed targets (Platt 1999)."""
    positive, negative = int(happened.sum()), int((~happened).sum())
    goal = np.where(happened, (positive + 1) / (positive + 2), 1 / (negative + 2))
    design = np.column_stack([score, np.ones_like(score)])
    weights = np.zeros(2)
    for _ in range(50):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (chance - goal)
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + 1e-9 * np.eye(2)
        move = np.linalg.solve(curvature, slope)
        weights -= move
        if np.abs(move).max() < 1e-9:
            break
    return _told(weights[0]), _told(weights[1])
