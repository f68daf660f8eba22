"""How good a score is at sending the right questions to the strong model. Pure functions of arrays.

The words are RouteLLM's (Ong et al. 2024, section 4): send the questions with the highest scores to the strong model;
PGR is the share of the gap between weak and strong that is recovered; APGR its mean over all shares of strong calls;
CPT(x) the smallest share of strong calls with which PGR reaches x.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zhongshu.router.difficulty.linear import Bin

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]


def recovered(score: Numbers, weak: Flags, strong: Flags) -> Numbers:
    """PGR when the k questions with the highest scores go to the strong model, for k = 0 ... n. Shape (n + 1,).

    Questions with the same score share what they gain, so that their order does not matter.
    """
    gain = strong.astype(np.float64) - weak
    order = np.argsort(-score, kind="stable")
    _, group = np.unique(-score[order], return_inverse=True)
    mean = np.bincount(group, gain[order]) / np.bincount(group)
    gap = gain.sum()
    if gap == 0:
        raise ValueError("weak and strong are right equally often: there is no gap to recover")
    return np.concatenate([[0.0], np.cumsum(mean[group])]) / gap


def apgr(score: Numbers, weak: Flags, strong: Flags) -> float:
    """Area under the recovered curve; 0.5 for a random score."""
    curve = recovered(score, weak, strong)
    return float(np.mean((curve[1:] + curve[:-1]) / 2))


def cpt(score: Numbers, weak: Flags, strong: Flags, share: float) -> float:
    """The smallest share of strong calls that recovers `share` of the gap."""
    curve = recovered(score, weak, strong)
    return float(np.argmax(curve >= share - 1e-12)) / (len(curve) - 1)


def accuracy_at(score: Numbers, weak: Flags, strong: Flags, calls: float) -> float:
    """Share of right answers when this share of the questions goes to the strong model."""
    curve = recovered(score, weak, strong)
    at = curve[round(calls * (len(curve) - 1))]
    return float(weak.mean() + at * (strong.mean() - weak.mean()))


def reliability(chance: Numbers, happened: Flags, bins: int = 10) -> tuple[Bin, ...]:
    """The points of a reliability diagram: bins of equal size, the lowest chances first."""
    order = np.argsort(chance, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return tuple(Bin(float(chance[part].mean()), float(happened[part].mean()), len(part)) for part in parts)


def calibration_error(chance: Numbers, happened: Flags, bins: int = 10) -> float:
    """Expected calibration error over bins of equal size: mean distance of the chance said from how often it
    happened (Naeini et al. 2015, with quantile bins)."""
    off = [abs(one.said - one.happened) * one.rows for one in reliability(chance, happened, bins)]
    return float(sum(off) / len(chance))
