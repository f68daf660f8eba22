"""Depth of thought in Google's words: `thinkingConfig`.

Models before Gemini 3 take a budget in tokens (0 switches thinking off, where the model allows it), later ones a level
(ai.google.dev, "Gemini thinking", read 2026-11-22). A budget in tokens is understood by both, so one that the caller
gave is written as it is, within what the model takes. Pro models and all of Gemini 3 cannot stop thinking: they get the
least they take, and that is stated. Gemini 3 Pro, the first of its kind, knows two levels; from Flash 3.7 on there is no
"minimal" (docs.cloud.google.com, "Thinking", table of levels, read 2026-11-22).
"""

from __future__ import annotations

import re
from typing import Any

from zhongshu.core.ports import Call
from zhongshu.upstreams.cannot import state

_BY_BUDGET = re.compile(r"gemini-(1|2)\b|gemini-robotics-er-1")
_PRO = re.compile(r"-pro\b")
_BUDGETS = {"off": 0, "minimal": 512, "low": 2048, "medium": 8192, "high": 24_576}
_LEAST_OF_PRO = 128
_BOUNDS = (
    (_PRO, (_LEAST_OF_PRO, 32_768)),
    (re.compile(r"-lite\b"), (512, 24_576)),
    (re.compile(""), (1, 24_576)),
)
_LEVELS = (
    (re.compile(r"gemini-3(\.0)?-pro\b"), ("low", "high")),
    (_PRO, ("low", "medium", "high")),
    (re.compile(r"-lite\b"), ("minimal", "low", "medium", "high")),
    (re.compile(r"gemini-flash-latest|gemini-(3\.([7-9]|\d\d)|[4-9]|\d\d)\b"), ("low", "medium", "high")),
    (re.compile(""), ("minimal", "low", "medium", "high")),
)
"""What each kind of model takes; the first that fits counts."""
_DEPTHS = ("off", "minimal", "low", "medium", "high")
_SWITCHED = frozenset({"switch", "always"})


def thinking_config(call: Call) -> dict[str, Any] | None:
    """The thinkingConfig of this call; None where the model has no such switch or nothing was asked."""
    if call.offer.card.thinking not in _SWITCHED:
        return None
    turn, model = call.turn, call.offer.release.upstream_model
    effort = call.effort or turn.effort
    if turn.thinking_tokens and call.effort in (None, turn.effort):
        return {"thinkingBudget": _taken(call, model, turn.thinking_tokens), "includeThoughts": True}
    if effort is None:
        return {"includeThoughts": True}
    shown = {"includeThoughts": effort != "off"}
    pro = _PRO.search(model) is not None
    if _BY_BUDGET.search(model):
        if pro and effort == "off":
            state(call, "reasoning_effort")
        return {"thinkingBudget": _LEAST_OF_PRO if pro and effort == "off" else _BUDGETS[effort], **shown}
    level = _level(model, effort)
    if level != effort:
        state(call, "reasoning_effort")
    return {"thinkingLevel": level, **shown}


def _level(model: str, effort: str) -> str:
    """The level that the model takes for this depth: the depth itself, else the next deeper one."""
    levels = next(levels for pattern, levels in _LEVELS if pattern.search(model))
    deep = _DEPTHS.index(effort)
    return next(level for level in levels if _DEPTHS.index(level) >= deep)


def _taken(call: Call, model: str, tokens: int) -> int:
    """The budget nearest to this one that the model takes; stated where it is another."""
    if not _BY_BUDGET.search(model):
        return tokens
    least, most = next(bounds for pattern, bounds in _BOUNDS if pattern.search(model))
    taken = min(max(tokens, least), most)
    if taken != tokens:
        state(call, "thinking_tokens")
    return taken
