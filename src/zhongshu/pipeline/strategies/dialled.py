"""A dial over a strategy: where deep thought is not worth it, or passes a ceiling, the general model answers alone.

Nothing said, a strategy runs as its assistant is set up. tiered and cascade decide by a threshold, which a dial puts in
place of the assistant's own; of the others a dial decides whether the reasoning model has a part in it at all.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from zhongshu.core.dials import NO_DIAL, Dial
from zhongshu.core.models import Assistant
from zhongshu.core.problems import Refusal
from zhongshu.core.turns import Turn
from zhongshu.pipeline.stages import Rooms, Worth
from zhongshu.pipeline.strategies.calls import Tiers, judge_of
from zhongshu.pipeline.strategies.steps import By, Plan, Step, Told

_BY_THRESHOLD = ("tiered", "cascade")


class Dialled(NamedTuple):
    """An assistant as a turn's dial has it. alone: why the general model answers by itself, None where it does not."""

    assistant: Assistant
    alone: Told | None
    dial: Dial


def dialled(rooms: Rooms, turn: Turn, assistant: Assistant, tiers: dict[By, Tiers], dial: Dial) -> Dialled | Refusal:
    """The assistant for this turn. What the caller says of effort goes before any dial."""
    if dial == NO_DIAL or len(tiers) < 2 or turn.effort is not None:
        return Dialled(assistant, None, dial)
    judge = judge_of(rooms, assistant)
    if judge is None:
        return Dialled(assistant, None, dial)
    worth = judge.worth(turn, tiers["general"][0][0], tiers["reasoning"][0][0], dial)
    if isinstance(worth, Refusal):
        return worth
    if worth.stopped:
        return Dialled(assistant, _stopped(worth.stopped), worth.dial)
    if dial.quality is None:
        return Dialled(assistant, None, worth.dial)
    if assistant.strategy in _BY_THRESHOLD:
        least = min(worth.needed, 1.0)  # which no chance reaches
        return Dialled(msgspec.structs.replace(assistant, threshold=least), None, worth.dial)
    return Dialled(assistant, None if worth.deep else _too_little(worth), worth.dial)


def by_general_alone(told: Told) -> Plan:
    """The general model answers by itself."""
    yield Step("general", "", shown=True)
    return told


def _stopped(by: str) -> Told:
    if by == "seconds":
        return Told(
            "The reasoning model was expected to take longer than the ceiling, so the general model answered alone.",
            "推理模型预计用时超过上限，由通用模型单独回答。",
        )
    return Told(
        "The reasoning model was expected to cost more than the ceiling, so the general model answered alone.",
        "推理模型预计费用超过上限，由通用模型单独回答。",
    )


def _too_little(worth: Worth) -> Told:
    dial = worth.dial.quality or 0.0
    return Told(
        f"Deep thought adds less here than dial {dial:.2f} asks for, so the general model answered alone.",
        f"深度思考的收益低于档位 {dial:.2f} 的要求，由通用模型单独回答。",
    )
