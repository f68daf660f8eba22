"""Depth of thought in the spellings of OpenAI's followers: words, switches and budgets in tokens.

A budget in tokens is written where the provider has one; elsewhere the nearest word stands for it.
"""

from __future__ import annotations

from typing import Any, Literal

Thinking = Literal[
    "none", "reasoning_effort", "thinking", "thinking+effort", "enable_thinking", "chat_template_kwargs",
    "chat_template_kwargs+budget", "reasoning",
]  # fmt: skip
BUDGETED = frozenset({"enable_thinking", "chat_template_kwargs+budget", "reasoning"})
"""Spellings in which a budget in tokens is kept. A template (chat_template_kwargs) may ignore its own."""

WORDLESS = frozenset({"thinking", "chat_template_kwargs", "chat_template_kwargs+budget"})
"""Spellings that can say on and off, and no degree between."""

# DashScope and SiliconFlow take a budget in tokens where others take a word; "high" leaves the model's own.
_BUDGETS = {"minimal": 512, "low": 2048, "medium": 8192}
_WORDS = ((1024, "minimal"), (4096, "low"), (16_384, "medium"))


def word_of(tokens: int) -> str:
    """The effort that comes nearest to a budget in tokens."""
    return next((word for most, word in _WORDS if tokens <= most), "high")


def effort_fields(thinking: Thinking, effort: str, tokens: int | None = None) -> dict[str, Any]:
    """How an effort ("off", "minimal", "low", "medium", "high") is written, by the upstream's spelling. tokens: the
    budget that the caller gave, which goes before the word.

    reasoning_effort      OpenAI, Ollama, LM Studio: a word, "none" for off
    thinking              Moonshot, Zhipu: {"type": "enabled" | "disabled"}
    thinking+effort       DeepSeek: both of the above
    enable_thinking       DashScope, SiliconFlow: a switch, with a budget in tokens below "high"
    chat_template_kwargs  vLLM, SGLang, llama.cpp: the template's own switch, called by both of its names, and its
                          budget, which a template may not know; llama.cpp has a field of its own for it, called by one of
                          two names, which the others skip
    ...+budget            vLLM with a reasoning parser whose marks it knows: its own field too. Any other vLLM answers that
                          field with a 400 (vLLM 0.26, v1/engine/input_processor.py)
    reasoning             OpenRouter: {"effort": word} or {"max_tokens": budget}
    """
    on = effort != "off"
    budget = tokens if on else None
    match thinking:
        case "reasoning_effort":
            return {"reasoning_effort": effort if on else "none"}
        case "thinking":
            return {"thinking": {"type": "enabled" if on else "disabled"}}
        case "thinking+effort":
            switch: dict[str, Any] = {"thinking": {"type": "enabled" if on else "disabled"}}
            return {**switch, "reasoning_effort": effort} if on else switch
        case "enable_thinking":
            limit = budget or _BUDGETS.get(effort)
            return {"enable_thinking": on, **({"thinking_budget": limit} if limit else {})}
        case "chat_template_kwargs" | "chat_template_kwargs+budget":
            kept = thinking == "chat_template_kwargs+budget"
            names = ("thinking_budget_tokens", "reasoning_budget_tokens", *(("thinking_token_budget",) if kept else ()))
            limited = {"thinking_budget": budget} if budget else {}
            own = dict.fromkeys(names, budget) if budget else {}
            return {"chat_template_kwargs": {"enable_thinking": on, "thinking": on, **limited}, **own}
        case "reasoning":
            return {"reasoning": {"max_tokens": budget} if budget else {"effort": effort if on else "none"}}
        case "none":
            return {}
