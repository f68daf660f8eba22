"""From labelled outcomes to a dial: the least use of the reasoning model that keeps a share of its accuracy.

Pure functions of arrays; the same hardness as a turn's is judged by. What is chosen on some rows looks better on them
than elsewhere: a dial that just keeps the share on them misses it on the next turns about every other time. So there is a dial beside it
of which one can be sure, and a figure from rows that were left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from zhongshu.router.proving.promise import CONFIDENCE, bounds, needed
from zhongshu.router.settings import least_dial, threshold_of

Numbers = NDArray[np.float64]
_ROUNDS, _FOLDS = 1000, 5


class Span(msgspec.Struct, frozen=True):
    """A figure, and the middle 95% of what resampled rows gave."""

    value: float
    low: float
    high: float


class Sure(msgspec.Struct, frozen=True):
    """The smallest dial that keeps the share on other turns like these too, with this confidence. dial, strong_calls: None
    where these rows tell it of none; needed: about how many rows would, None where no number would."""

    confidence: float
    dial: float | None = None
    strong_calls: float | None = None
    needed: int | None = None


class Tuned(msgspec.Struct, frozen=True):
    """The dial found, and what it comes to on the rows it was found on.

    reached: whether any dial keeps the wanted share (where confidence was asked for: surely). strong_calls: the share of turns that go to the reasoning model;
    kept: accuracy as a share of always asking it. often: in how many of the resamples the wanted share was kept.
    held_out_*: of rows that had no part in choosing, in turn; None with too few rows. sure: the dial to be sure of.
    """

    quality: float
    reached: bool
    dial: float
    least_gain: float
    rows: int
    strong_calls: Span
    kept: Span
    accuracy: float
    general_accuracy: float
    reasoning_accuracy: float
    often: float
    sure: Sure
    held_out_kept: float | None = None
    held_out_calls: float | None = None


def tune(
    gains: Sequence[float],
    weak: Sequence[float],
    strong: Sequence[float],
    quality: float,
    confidence: float | None = None,
) -> Tuned:
    """Find the dial: the best guess, or with a confidence (as in `promise`) the one to be so sure of. weak, strong: how right
    each model was, 0 to 1. Raises ValueError without rows, or where the reasoning model was never right."""
    gain, general, reasoning = (np.asarray(values, dtype=np.float64) for values in (gains, weak, strong))
    if not len(gain) or reasoning.sum() <= 0:
        raise ValueError("no row on which the reasoning model was right: there is nothing to keep")
    sure = _sure(gain, general, reasoning, quality, confidence or CONFIDENCE)

    def choose(rows: slice | NDArray[np.bool_]) -> float:
        if confidence is None:
            return _dial_for(gain[rows], general[rows], reasoning[rows], quality)
        found = _sure(gain[rows], general[rows], reasoning[rows], quality, confidence).dial
        return 1.0 if found is None else found

    dial = choose(slice(None))
    goes = _goes(gain, dial)
    routed = np.where(goes, reasoning, general)
    rounds = np.random.default_rng(0).integers(0, len(gain), (_ROUNDS, len(gain)))
    kept = routed[rounds].mean(1) / np.maximum(1e-9, reasoning[rounds].mean(1))
    share = float(routed.mean() / reasoning.mean())
    held_kept, held_calls = _held_out(gain, general, reasoning, choose)
    return Tuned(
        quality=quality,
        reached=share >= quality if confidence is None else sure.dial is not None,
        dial=dial,
        least_gain=threshold_of(dial),
        rows=len(gain),
        strong_calls=span_of(float(goes.mean()), goes[rounds].mean(1)),
        kept=span_of(share, kept),
        accuracy=float(routed.mean()),
        general_accuracy=float(general.mean()),
        reasoning_accuracy=float(reasoning.mean()),
        often=float((kept >= quality).mean()),
        sure=sure,
        held_out_kept=held_kept,
        held_out_calls=held_calls,
    )


def span_of(value: float, drawn: Numbers) -> Span:
    """A figure and its percentile interval (Efron and Tibshirani 1993)."""
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Span(value, float(low), float(high))


def _dial_for(gain: Numbers, weak: Numbers, strong: Numbers, quality: float) -> float:
    """The smallest dial, to a thousandth, that keeps `quality`; 1 where none does. What promises no gain never goes."""
    order, whole = _cuts(gain)
    routed = weak.sum() + _along((strong - weak)[order])
    enough = np.flatnonzero((routed >= quality * strong.sum() - 1e-9) & whole)
    return _dial_at(gain[order], int(enough[0])) if len(enough) else 1.0


def _sure(gain: Numbers, weak: Numbers, strong: Numbers, quality: float, confidence: float) -> Sure:
    """From the most careful dial downwards, as far as each keeps the share by a test at this confidence: in a fixed order no
    correction for many tests is needed (Angelopoulos et al. 2021, "Learn then Test")."""
    order, whole = _cuts(gain)
    low, high = weak - quality * strong, strong - quality * strong
    total = low.sum() + _along((high - low)[order])
    squares = (low**2).sum() + _along((high**2 - low**2)[order])
    cuts = np.flatnonzero(whole)[::-1]
    kept = bounds(total, squares, len(gain), quality, confidence)[cuts] >= 0
    sure = int(np.argmin(np.append(kept, [False])))
    if not sure:
        most = cuts[0]
        return Sure(confidence, needed=needed(float(total[most]), float(squares[most]), len(gain), quality, confidence))
    dial = _dial_at(gain[order], int(cuts[sure - 1]))
    return Sure(confidence, dial, float(_goes(gain, dial).mean()))


def _cuts(gain: Numbers) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The rows that promise a gain, the highest first, and after how many of them a dial can cut: rows of one gain go together."""
    order = np.argsort(-gain, kind="stable")
    order = order[gain[order] > 0]
    last = np.append(np.diff(gain[order]) != 0, [True]) if len(order) else np.zeros(0, dtype=bool)
    return order, np.concatenate([[True], last])


def _along(values: Numbers) -> Numbers:
    return np.concatenate([[0.0], np.cumsum(values)])


def _dial_at(falling: Numbers, count: int) -> float:
    """The smallest dial, to a thousandth, at which the first so many go."""
    return 0.0 if count == 0 else least_dial(float(falling[count - 1]), 1000)


def _goes(gain: Numbers, dial: float) -> NDArray[np.bool_]:
    return (gain > 0) & (gain >= threshold_of(dial))


def _held_out(
    gain: Numbers, weak: Numbers, strong: Numbers, choose: Callable[[NDArray[np.bool_]], float]
) -> tuple[float | None, float | None]:
    if len(gain) < _FOLDS * 10:
        return None, None
    fold = np.random.default_rng(1).permutation(len(gain)) % _FOLDS
    goes = np.zeros(len(gain), dtype=bool)
    for number in range(_FOLDS):
        test = fold == number
        goes[test] = _goes(gain[test], choose(~test))
    return float(np.where(goes, strong, weak).mean() / strong.mean()), float(goes.mean())
