"""Depth of thought in Google's words: `thinkingConfig`.

Models before Gemini 3 take a budget in tokens (0 switches thinking off, where the model allows it), later ones a level
(ai.google.dev, "Gemini thinking", read 2026-11-22). A budget in tokens is understood by both, so one that the caller
gave is written as it is. Pro models cannot stop thinking: they get the least they take, and that is stated.
"""

from __future__ import annotations

import re
from typing import Any

from zhongshu.core.ports import Call

_BY_BUDGET = re.compile(r"gemini-(1|2)\b|gemini-robotics-er-1")
_PRO = re.compile(r"-pro\b")
_BUDGETS = {"off": 0, "minimal": 512, "low": 2048, "medium": 8192, "high": 24_576}
_LEAST_OF_PRO = 128
_SWITCHED = frozenset({"switch", "always"})


def thinking_config(call: Call) -> dict[str, Any] | None:
    """The thinkingConfig of this call; None where the model has no such switch or nothing was asked."""
    if call.offer.card.thinking not in _SWITCHED:
        return None
    turn, model = call.turn, call.offer.release.upstream_model
    effort = call.effort or turn.effort
    if turn.thinking_tokens and call.effort in (None, turn.effort):
        return {"thinkingBudget": turn.thinking_tokens, "includeThoughts": True}
    if effort is None:
        return {"includeThoughts": True}
    shown = {"includeThoughts": effort != "off"}
    pro = _PRO.search(model) is not None
    if pro and effort == "off":
        call.dropped = (*call.dropped, "reasoning_effort")
    if _BY_BUDGET.search(model):
        return {"thinkingBudget": _LEAST_OF_PRO if pro and effort == "off" else _BUDGETS[effort], **shown}
    if effort in ("off", "minimal"):
        return {"thinkingLevel": "low" if pro else "minimal", **shown}
    return {"thinkingLevel": effort, **shown}
