"""What `route tune` promises, against what it comes to: many draws of a few judged questions from all of them.

A dial is found on each draw and tried on all questions; a draw misses when it keeps less there than was asked for. The best
guess must miss about every other time. With a confidence it must miss in no more than the share that this leaves, and what
that costs is in calls of the reasoning model. `route report --quality` is tried the same way: how often it calls kept
what is broken, or broken what is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks import command
from benchmarks.rows import Reference, Row, at_most
from zhongshu.router.proving.promise import Wanted, promise_of
from zhongshu.router.proving.tuning import tune
from zhongshu.router.settings import threshold_of

Numbers = NDArray[np.float64]
QUALITY, SIZES, DRAWS = 0.95, (100, 300, 1000), 300
WAYS: tuple[float | None, ...] = (None, 0.9, 0.95)


class Tried(msgspec.Struct, frozen=True):
    """How often a way found a dial, of these how often it missed, and the share of calls it took; all by draws."""

    found: float
    missed: float
    calls: float


def rows(gains: Sequence[float], weak: Numbers, strong: Numbers, draws: int = DRAWS) -> list[Row]:
    """The table."""
    gain, made = np.asarray(gains, dtype=np.float64), list[Row]()
    for size in SIZES:
        command.say(f"  dials found on {draws} draws of {size} questions")
        guess = tried(gain, weak, strong, size, None, draws)
        for confidence in WAYS:
            found = guess if confidence is None else tried(gain, weak, strong, size, confidence, draws)
            name = f"tune on {size} questions, " + ("best guess" if confidence is None else f"{confidence:.0%} sure")
            made.append(
                Row(
                    name=f"{name}: keeps less than {QUALITY:.0%} elsewhere",
                    value=found.missed,
                    unit="share of draws",
                    target=None if confidence is None else at_most(1 - confidence),
                    note=f"{draws} draws; a dial found in {found.found:.0%}",
                )
            )
            made.append(
                Row(
                    name=f"{name}: calls",
                    value=found.calls,
                    unit="share of calls",
                    reference=None if confidence is None else Reference("best guess", guess.calls),
                )
            )
    return [*made, *verdicts(gain, weak, strong, draws)]


def tried(
    gain: Numbers, weak: Numbers, strong: Numbers, size: int, confidence: float | None, draws: int = DRAWS
) -> Tried:
    """One way, on draws of so many questions."""
    generator, kept, calls = np.random.default_rng(size), list[float](), list[float]()
    for _ in range(draws):
        drawn = generator.integers(0, len(gain), size)
        found = tune(gain[drawn].tolist(), weak[drawn].tolist(), strong[drawn].tolist(), QUALITY, confidence)
        if confidence is not None and not found.reached:
            continue
        goes = (gain > 0) & (gain >= threshold_of(found.dial))
        kept.append(float(np.where(goes, strong, weak).mean() / strong.mean()))
        calls.append(float(goes.mean()))
    missed = sum(share < QUALITY for share in kept) / draws
    return Tried(len(kept) / draws, missed, float(np.mean(calls)) if calls else 1.0)


def verdicts(gain: Numbers, weak: Numbers, strong: Numbers, draws: int) -> list[Row]:
    """What `report --quality` says of dials whose truth is known: the wrong ones, and those that say nothing, for the dial at each
    tenth."""
    made: list[Row] = []
    for size in SIZES:
        generator, wrong, silent, asked = np.random.default_rng(size), 0, 0, 0
        for dial in np.arange(0, 10) / 10:
            done = np.where((gain > 0) & (gain >= threshold_of(float(dial))), strong, weak)
            truth = "kept" if done.mean() >= QUALITY * strong.mean() else "broken"
            for _ in range(draws // 10):
                drawn = generator.integers(0, len(gain), size)
                state = promise_of(done[drawn], strong[drawn], Wanted(QUALITY)).state
                asked, silent = asked + 1, silent + (state == "open")
                wrong += state not in ("open", truth)
        made.append(
            Row(
                name=f"report on {size} questions, 95% sure: wrong about {QUALITY:.0%}",
                value=wrong / asked,
                unit="share of draws",
                target=at_most(0.05),
                note=f"{asked} draws at ten dials; left open in {silent / asked:.0%}",
            )
        )
    return made
