"""Depth of thought in Google's words: `thinkingConfig`.

Models before Gemini 3 take a budget in tokens (0 switches thinking off, where the model allows it), later ones a level
(ai.google.dev, "Gemini thinking", read 2026-11-22). A budget in tokens is understood by both, so one that the caller
gave is written as it is, within what the model takes. Pro models and all of Gemini 3 cannot stop thinking: they get the
least they take, and that is stated.
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
    level = "low" if pro else "minimal"
    if effort not in ("off", "minimal"):
        level = effort
    if level != effort:
        state(call, "reasoning_effort")
    return {"thinkingLevel": level, **shown}


def _taken(call: Call, model: str, tokens: int) -> int:
    """The budget nearest to this one that the model takes; stated where it is another."""
    if not _BY_BUDGET.search(model):
        return tokens
    least, most = next(bounds for pattern, bounds in _BOUNDS if pattern.search(model))
    taken = min(max(tokens, least), most)
    if taken != tokens:
        state(call, "thinking_tokens")
    return taken
