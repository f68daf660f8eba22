"""The first rule of `auto`: deep thought when asked for, or when the question plainly shows steps; else the general model.

Honest and simple on purpose: the marks below are words and shapes that tend to go with multi-step work. It is a
stand-in for a learned estimate, says which mark decided, and never reads more than 4,000 characters.
"""

from __future__ import annotations

import re

from zhongshu.core.models import Offer, Route
from zhongshu.core.problems import Refusal, Said, problem
from zhongshu.core.turns import Effort, Image, Turn

_READ_AT_MOST = 4000
_MARKS = (
    (
        "asks for a proof or a derivation",
        "要求证明或推导",
        re.compile(r"\b(prove|proof|derive|theorem)\b|证明|推导|定理", re.I),
    ),
    ("asks for step-by-step work", "要求分步推理", re.compile(r"step[- ]by[- ]step|一步一步|逐步|分步", re.I)),
    (
        "is a calculation in words",
        "是文字计算题",
        re.compile(
            r"\d.*\d.*(how many|how much|what is the total|calculate|solve for)|\d.*\d.*(多少|几个|求|计算|解方程)",
            re.I | re.S,
        ),
    ),
    (
        "asks why something fails",
        "要求分析故障原因",
        re.compile(r"\b(debug|race condition|deadlock|root cause)\b|死锁|根因|调试", re.I),
    ),
    (
        "asks for a plan under constraints",
        "要求在约束下规划",
        re.compile(r"\b(optimi[sz]e|schedule|constraint|trade-?offs?)\b|最优|约束|排班|权衡", re.I),
    ),
)


class FirstRule:
    """Routes a named model to itself and `auto` by the marks above."""

    def route(self, turn: Turn, offers: tuple[Offer, ...]) -> Route | Refusal:
        """Choose among `offers` (not empty) the release for this turn."""
        if turn.model != "auto" and turn.kind in offers[0].card.abilities:
            return Route(offers[0], turn.effort, "named", "The caller named this model.", "调用方指定了该模型。")
        able = tuple([offer for offer in offers if turn.kind in offer.card.abilities])
        if able and turn.kind not in ("chat", "completion"):
            why = "It is the first model that can do this.", "它是首个具备此能力的模型。"
            return Route(able[0], None, "only", *why)
        return _tiered(turn, able) if able else _cannot(turn, offers[0], turn.kind)


def _tiered(turn: Turn, able: tuple[Offer, ...]) -> Route | Refusal:
    if _has_image(turn):
        able = tuple(offer for offer in able if "vision" in offer.card.abilities)
        if not able:
            return Refusal(
                "route",
                problem(
                    "model_cannot",
                    param="messages",
                    model="auto",
                    what=Said("pictures", "图片"),
                    remedy=Said("Add a model with the ability `vision`.", "请添加具备 `vision` 能力的模型。"),
                ),
            )
    general = next((o for o in able if o.card.tier == "general"), able[0])
    reasoning = next((o for o in able if o.card.tier == "reasoning"), None)
    if reasoning is None:
        return Route(general, turn.effort, "only", "Only a general model is configured.", "只配置了通用模型。")
    if turn.effort in ("off", "minimal"):
        return Route(general, turn.effort, "asked", "The caller asked for no deep thought.", "调用方要求不做深度思考。")
    if turn.effort is not None:
        return Route(
            reasoning,
            turn.effort,
            "asked",
            f"The caller asked for {turn.effort} effort.",
            f"调用方要求 {turn.effort} 级思考。",
        )
    mark = _mark(turn)
    if mark is None:
        return Route(
            general, None, "simple", "Nothing in the question asks for deep thought.", "问题中没有需要深度思考的迹象。"
        )
    effort: Effort = "medium" if reasoning.card.thinking != "never" else "off"
    return Route(reasoning, effort, "marked", f"The question {mark[0]}.", f"问题{mark[1]}。")


def _mark(turn: Turn) -> tuple[str, str] | None:
    question = next((m.text() for m in reversed(turn.messages) if m.role == "user"), "")
    for en, zh, pattern in _MARKS:
        if pattern.search(question[:_READ_AT_MOST]):
            return en, zh
    return None


def _has_image(turn: Turn) -> bool:
    return any(isinstance(part, Image) for m in turn.messages if not isinstance(m.content, str) for part in m.content)


def _cannot(turn: Turn, offer: Offer, what: str) -> Refusal:
    return Refusal(
        "route",
        problem(
            "model_cannot",
            param="model",
            model=offer.release.model,
            what=what,
            remedy=Said("See GET /v1/models for models that can.", "支持的模型见 GET /v1/models。"),
        ),
    )
