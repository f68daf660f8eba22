"""What a strategy is made of: a plan yields Steps and gets each one's answer back, until an answer stands.

A plan is an ordinary generator and asks nobody itself, so it can be read and tried without a model. A Fault of a step
is raised where the plan yielded it: a plan that has something else to offer catches it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Literal

import msgspec

from zhongshu.core.answers import Answer
from zhongshu.core.models import Assistant
from zhongshu.core.turns import Format, Message, Turn
from zhongshu.pipeline.stages import Judge

NO_FORMAT = Format()
By = Literal["general", "reasoning"]
Why = Literal["", "draft", "check", "escalate", "rewrite", "solve", "phrase", "repair"]


class Step(msgspec.Struct, frozen=True):
    """One call. why: its stage, in the record and in progress.

    messages: in place of the turn's own. shown: what it writes is the answer, and goes out as it comes. inner: a
    question of the strategy's own, for which the caller's tools, form and limits do not hold. logprobs: wanted to judge
    the answer by. unthought: without thought, whatever depth was asked for.
    """

    by: By
    why: Why
    messages: tuple[Message, ...] | None = None
    shown: bool = False
    inner: bool = False
    format: Format = NO_FORMAT
    logprobs: bool = False
    unthought: bool = False


class Stand(msgspec.Struct, frozen=True):
    """An answer that was held back stands: it goes out whole. answer: that of an earlier step, itself."""

    answer: Answer


class Told(msgspec.Struct, frozen=True):
    """What happened, in one sentence, both languages."""

    en: str
    zh: str


class Given(msgspec.Struct, frozen=True):
    """What a plan goes by. turn: with the assistant's prompt. able: what the general and the reasoning model can do.
    may_skip: the reasoning model would think about this turn, can be told not to, and the caller has not asked for it."""

    turn: Turn
    assistant: Assistant
    judge: Judge | None
    able: dict[By, frozenset[str]]
    may_skip: bool = False


Plan = Generator[Step | Stand, Answer, Told]


def text_of(answer: Answer) -> str:
    """The words of the answer."""
    return answer.choices[0].text if answer.choices else ""


def is_empty(answer: Answer, turn: Turn) -> bool:
    """Whether it says nothing, where no stop words of the caller's may be the reason."""
    if turn.sampling.stop or text_of(answer).strip() or calls_tools(answer):
        return False
    return not any(choice.refusal for choice in answer.choices)


def is_whole(answer: Answer) -> bool:
    """Whether it says something, and to its end."""
    if not answer.choices or answer.choices[0].stop not in ("stop", "tool_calls"):
        return False
    return bool(text_of(answer).strip()) or calls_tools(answer)


def calls_tools(answer: Answer) -> bool:
    """Whether the model asks for a tool, which only the caller can run: such an answer is no draft."""
    return bool(answer.choices and answer.choices[0].tool_calls)
