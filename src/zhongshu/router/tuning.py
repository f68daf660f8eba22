"""From labelled outcomes to a dial: the least use of the reasoning model that keeps a share of its accuracy.

Pure functions of arrays; the same hardness as a turn's is judged by. What is chosen on some rows looks better on them
than elsewhere, so the report holds a figure from rows that were left out too.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from zhongshu.router.settings import least_dial, threshold_of

Numbers = NDArray[np.float64]
_ROUNDS, _FOLDS = 1000, 5


class Span(msgspec.Struct, frozen=True):
    """A figure, and the middle 95% of what resampled rows gave."""

    value: float
    low: float
    high: float


class Tuned(msgspec.Struct, frozen=True):
    """The dial found, and what it comes to on the rows it was found on.

    reached: whether any dial keeps the wanted share. strong_calls: the share of turns that go to the reasoning model;
    kept: accuracy as a share of always asking it. often: in how many of the resamples the wanted share was kept.
    held_out_*: of rows that had no part in choosing, in turn; None with too few rows.
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
    held_out_kept: float | None = None
    held_out_calls: float | None = None


def tune(gains: Sequence[float], weak: Sequence[float], strong: Sequence[float], quality: float) -> Tuned:
    """Find the dial. weak, strong: how right each model was, 0 to 1. Raises ValueError without rows, or where the
    reasoning model was never right."""
    gain, general, reasoning = (np.asarray(values, dtype=np.float64) for values in (gains, weak, strong))
    if not len(gain) or reasoning.sum() <= 0:
        raise ValueError("no row on which the reasoning model was right: there is nothing to keep")
    dial = _dial_for(gain, general, reasoning, quality)
    goes = _goes(gain, dial)
    routed = np.where(goes, reasoning, general)
    rounds = np.random.default_rng(0).integers(0, len(gain), (_ROUNDS, len(gain)))
    kept = routed[rounds].mean(1) / np.maximum(1e-9, reasoning[rounds].mean(1))
    share = float(routed.mean() / reasoning.mean())
    held_kept, held_calls = _held_out(gain, general, reasoning, quality)
    return Tuned(
        quality=quality,
        reached=share >= quality,
        dial=dial,
        least_gain=threshold_of(dial),
        rows=len(gain),
        strong_calls=span_of(float(goes.mean()), goes[rounds].mean(1)),
        kept=span_of(share, kept),
        accuracy=float(routed.mean()),
        general_accuracy=float(general.mean()),
        reasoning_accuracy=float(reasoning.mean()),
        often=float((kept >= quality).mean()),
        held_out_kept=held_kept,
        held_out_calls=held_calls,
    )


def span_of(value: float, drawn: Numbers) -> Span:
    """A figure and its percentile interval (Efron and Tibshirani 1993)."""
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Span(value, float(low), float(high))


def _dial_for(gain: Numbers, weak: Numbers, strong: Numbers, quality: float) -> float:
    """The smallest dial, to a thousandth, that keeps `quality`; 1 where none does. What promises no gain never goes."""
    order = np.argsort(-gain, kind="stable")
    order = order[gain[order] > 0]
    routed = weak.sum() + np.concatenate([[0.0], np.cumsum((strong - weak)[order])])
    last = np.append(np.diff(gain[order]) != 0, [True]) if len(order) else np.zeros(0, dtype=bool)
    whole = np.concatenate([[True], last])  # rows of one gain go together
    enough = np.flatnonzero((routed >= quality * strong.sum() - 1e-9) & whole)
    if not len(enough):
        return 1.0
    first = int(enough[0])
    return 0.0 if first == 0 else least_dial(float(gain[order[first - 1]]), 1000)


def _goes(gain: Numbers, dial: float) -> NDArray[np.bool_]:
    return (gain > 0) & (gain >= threshold_of(dial))


def _held_out(gain: Numbers, weak: Numbers, strong: Numbers, quality: float) -> tuple[float | None, float | None]:
    if len(gain) < _FOLDS * 10:
        return None, None
    fold = np.random.default_rng(1).permutation(len(gain)) % _FOLDS
    goes = np.zeros(len(gain), dtype=bool)
    for number in range(_FOLDS):
        train, test = fold != number, fold == number
        goes[test] = _goes(gain[test], _dial_for(gain[train], weak[train], strong[train], quality))
    return float(np.where(goes, strong, weak).mean() / strong.mean()), float(goes.mean())
