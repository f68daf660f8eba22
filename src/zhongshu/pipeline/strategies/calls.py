"""One call of an assistant: its asking, made from the turn and the step, and what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from zhongshu.core.answers import Answer, Fold, Usage
from zhongshu.core.depth import Deep, deep
from zhongshu.core.models import Assistant, Offer, Shape
from zhongshu.core.ports import Asking, EventStream
from zhongshu.core.problems import LEFT, Problem
from zhongshu.core.shapes import shaped
from zhongshu.core.turns import Effort, Sampling, ToolChoice, Turn
from zhongshu.pipeline.estimate import told_apart, usage_of
from zhongshu.pipeline.generate import outrun_nano
from zhongshu.pipeline.stages import Arrived, Judge, Rooms
from zhongshu.pipeline.strategies.steps import By, Step

_ROOM = 1024
"""Tokens that a question of the strategy's own may be answered with, where the caller allows fewer for the answer."""
_SWITCHED = ("switch", "prompted")
_TALLIED = (
    "prompt", "completion", "cached", "thinking", "written", "audio_in", "audio_out", "image_in", "image_out",
)  # fmt: skip
Tiers = tuple[tuple[Offer, ...], ...]


class Inner:
    """One call under way. answer: once it is whole. events: its stream, where there is one. problem: how it ended, None
    for well. cost_nano: once it is over, in its price's currency."""

    __slots__ = ("answer", "asking", "cost_nano", "events", "fold", "problem", "step")

    def __init__(self, step: Step, asking: Asking) -> None:
        self.step = step
        self.asking = asking
        self.fold = Fold()
        self.events: EventStream | None = None
        self.answer: Answer | None = None
        self.problem: Problem | None = LEFT
        self.cost_nano = 0

    def usage(self) -> Usage | None:
        """Its tokens: as its upstream said, else by size; None when nothing came."""
        answer = self.answer or self.fold.answer()
        if answer.usage is not None:
            return told_apart(answer.usage, answer)
        return usage_of(self.asking.turn, answer) if answer.choices else None


class Spent(msgspec.Struct, frozen=True):
    """What one call came to, in billionths of its price's currency."""

    usage: Usage
    cost_nano: int
    currency: str


def prompted(arrived: Arrived, assistant: Assistant) -> Turn:
    """The turn with the assistant's prompt before it."""
    return shaped(arrived.turn, Shape(prompt=assistant.prompt)) if assistant.prompt else arrived.turn


def judge_of(rooms: Rooms, assistant: Assistant) -> Judge | None:
    """Who judges questions and drafts for this assistant's two models."""
    return None if rooms.judge is None else rooms.judge.of_pair(assistant.general, assistant.reasoning)


def depth_of(turn: Turn, assistant: Assistant) -> Deep:
    """How deep the reasoning model thinks: as the caller says, else as the assistant has it."""
    if turn.effort is not None or turn.thinking_tokens is not None:
        return Deep(turn.effort, turn.thinking_tokens)
    return deep(assistant.effort)


def may_skip_thought(turn: Turn, assistant: Assistant, offer: Offer) -> bool:
    """Whether this model would think about the turn, can be told not to, and the caller has not asked for thought."""
    if turn.effort is not None or turn.thinking_tokens is not None:
        return False
    depth = deep(assistant.effort)
    if offer.card.thinking == "switch":
        return depth.effort != "off"
    return offer.card.thinking == "prompted" and (depth.tokens is not None or depth.effort not in (None, "off"))


def asking_of(step: Step, turn: Turn, arrived: Arrived, assistant: Assistant, tiers: Mapping[By, Tiers]) -> Asking:
    """What a step asks, of whom. A key that may ask for the assistant may ask for what it is made of."""
    offers = tiers[step.by]
    effort = "off" if step.unthought else _effort(step, turn, assistant, offers[0][0])
    tokens = None if step.unthought else depth_of(turn, assistant).tokens
    caller = msgspec.structs.replace(arrived.caller, models=())
    return Asking(_turn_of(step, turn, effort, tokens), caller, offers, effort)


def inner_limit(max_tokens: int) -> int:
    """The tokens that an answer to the strategy itself may have, where the caller allows so many for the answer."""
    return max(max_tokens, _ROOM)


def _turn_of(step: Step, turn: Turn, effort: Effort | None, tokens: int | None) -> Turn:
    thinking = tokens if step.by == "reasoning" or not step.why else None
    changes: dict[str, Any] = {"effort": effort, "thinking_tokens": thinking}
    sampling = turn.sampling
    if step.inner:
        most = None if sampling.max_tokens is None else inner_limit(sampling.max_tokens)
        changes |= {"tools": (), "tool_choice": ToolChoice(), "format": step.format, "wire": None}
        changes["sampling"] = Sampling(max_tokens=most, seed=sampling.seed, temperature=sampling.temperature)
    elif step.logprobs and not sampling.logprobs:
        turn = turn.changed(sampling=msgspec.structs.replace(sampling, logprobs=True))
    if step.messages is not None:
        turn = turn.changed(messages=step.messages)
    return msgspec.structs.replace(turn, **changes)


def _effort(step: Step, turn: Turn, assistant: Assistant, offer: Offer) -> Effort | None:
    """How deep this call thinks: the general model of several not at all, where that can be said."""
    if step.by == "general" and (step.why or assistant.reasoning):
        return "off" if offer.card.thinking in _SWITCHED else None
    return depth_of(turn, assistant).effort


def spent_by(inner: Inner, rooms: Rooms) -> Spent | None:
    """What a call cost, at the price of who answered it."""
    usage = inner.usage()
    if usage is None:
        return None
    price = inner.asking.offer.card.price
    cost = price.cost_nano(usage, rooms.clock.now_ns()) if price.timed else price.cost_nano(usage)
    return Spent(usage, cost + outrun_nano(rooms, inner.asking), price.currency)


def summed(calls: list[Spent]) -> Usage:
    """Their tokens together; an estimate when one of them is."""
    sums = {name: sum(getattr(call.usage, name) for call in calls) for name in _TALLIED}
    return Usage(**sums, estimated=any(call.usage.estimated for call in calls))


def cost_in(calls: list[Spent], currency: str, rooms: Rooms, at_ns: int) -> int:
    """Their cost together, each converted where its currency is another."""
    exchange, total = rooms.exchange, 0
    for call in calls:
        if call.currency == currency or exchange is None:
            total += call.cost_nano
        else:
            total += exchange.from_home(exchange.to_home(call.cost_nano, call.currency, at_ns), currency, at_ns)
    return total
