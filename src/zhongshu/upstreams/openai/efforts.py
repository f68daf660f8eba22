"""Which words of effort a model takes, by its name: facts only. A model that is not named here takes them all.

OpenAI (API reference and its own refusals, read 2026-11-22): models before gpt-5.1 know no "none", those since no
"minimal"; Codex models always think; Pro models think hard only. Google in OpenAI's format: what cannot stop thinking
knows no "none". Moonshot: kimi-k3 has words and cannot stop, kimi-k2.7 cannot stop either.
"""

from __future__ import annotations

import re

Words = tuple[str, ...]

SCALE: Words = ("none", "minimal", "low", "medium", "high")
_THINKS: Words = SCALE[1:]
_OLD: Words = ("low", "medium", "high")
_NEW: Words = ("none", "low", "medium", "high")

# The first that matches counts. What is above "high" is never asked for.
_ROWS: tuple[tuple[re.Pattern[str], Words], ...] = (
    (re.compile(r"\bo\d(-|$)"), _OLD),
    (re.compile(r"gpt-oss"), _OLD),
    (re.compile(r"gpt-5(\.\d+)?-pro"), ("high",)),
    (re.compile(r"gpt-5(\.\d+)?-codex"), _OLD),
    (re.compile(r"gpt-5(-|$)"), _THINKS),
    (re.compile(r"gpt-(5\.\d|[6-9])"), _NEW),
    (re.compile(r"gemini-.*-pro"), _OLD),
    (re.compile(r"gemini-([3-9]|\d\d)"), _THINKS),
    (re.compile(r"kimi-k([3-9]|\d\d)"), ("low", "high")),
)
_NO_SWITCH = re.compile(r"kimi-(k2[.-]7|k2-thinking|k([3-9]|\d\d))")
_WORDS_FOR_A_SWITCH = re.compile(r"kimi-k([3-9]|\d\d)")


def words_of(model: str) -> Words:
    """The words that a model of this name takes, in order of depth."""
    name = model.lower()
    return next((words for pattern, words in _ROWS if pattern.search(name)), SCALE)


def always_thinks(model: str) -> bool:
    """Whether a model whose kind has a switch is known to refuse "off"."""
    return _NO_SWITCH.search(model.lower()) is not None


def has_words(model: str) -> bool:
    """Whether a model whose kind has a switch alone is known to take words instead."""
    return _WORDS_FOR_A_SWITCH.search(model.lower()) is not None


def nearest(effort: str, taken: Words) -> str:
    """The word that stands for an effort ("off" ... "high"): itself, else the next deeper one, else the deepest."""
    wanted = SCALE.index("none" if effort == "off" else effort)
    return next((word for word in taken if SCALE.index(word) >= wanted), taken[-1])
