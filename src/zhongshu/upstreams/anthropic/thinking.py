"""How depth of thought is spelt: a budget in tokens for the older models, a word of effort for the newer."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw

from zhongshu.upstreams.anthropic.traits import Traits

# Tokens to think in, by effort. 1,024 is the least that is taken.
_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384}
_LEAST = 1024
_WORDS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high"}
_encode = msgspec.json.Encoder().encode


def budget_of(effort: str | None, tokens: int | None, max_tokens: int | None) -> int | None:
    """The budget to ask for; None when max_tokens leaves no room for one (it must be the larger)."""
    budget = max(tokens if tokens is not None else _BUDGETS.get(effort or "", _BUDGETS["high"]), _LEAST)
    if max_tokens is None:
        return budget
    return min(budget, max_tokens - 1) if max_tokens > _LEAST else None


def spelt(
    effort: str, tokens: int | None, max_tokens: int | None, traits: Traits, given: dict[str, Any]
) -> dict[str, Any]:
    """The fields that say it. given: fields of the request that stand already, of which output_config is added to.

    Thoughts are asked for in a form that can be read (display): newer models leave them out otherwise.
    """
    if effort == "off":
        return {"thinking": {"type": traits.off}} if traits.off else {}
    if traits.thinking == "budget":
        budget = budget_of(effort, tokens, max_tokens)
        return {"thinking": {"type": "enabled", "budget_tokens": budget}} if budget is not None else {}
    config: dict[str, Any] = {}
    if "output_config" in given:
        config = msgspec.json.decode(_encode(given["output_config"]), type=dict[str, Raw])
    return {
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {**config, "effort": _WORDS.get(effort, "high")},
    }


def reasoned_before(messages: list[dict[str, Any]]) -> bool:
    """Whether an older model may think now: while its last calls are being answered, the message that made them must
    begin with the thought that led to them, signed; a conversation that came by another way has none."""
    for message in reversed(messages):
        blocks = message["content"]
        if message["role"] == "assistant":
            calls = any(block["type"] == "tool_use" for block in blocks)
            return not calls or blocks[0]["type"] in ("thinking", "redacted_thinking")
        if not any(block["type"] == "tool_result" for block in blocks):
            return True
    return True
