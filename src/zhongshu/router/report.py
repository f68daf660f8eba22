"""The routing of a period, from what was recorded of its turns, their scores and, where there are any, labels. Pure.

Quality is told only where somebody judged it: of what was done by scores, of what was not done by labels of both
answers. What the other model would have cost is an estimate by its price and the mean length of its own turns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import msgspec

from zhongshu.core.problems import Said
from zhongshu.router.proof import Case, Proof, prove
from zhongshu.router.tuning import Span


class Done(msgspec.Struct, frozen=True):
    """A turn of `auto` that was answered. went: to the reasoning model. tokens: in and out. score: 0 to 1, if any."""

    trace: str
    release: str
    went: bool
    prompt: int
    completion: int
    cost_nano: int
    score: float | None = None
    gain: float | None = None


class Label(msgspec.Struct, frozen=True):
    """How right both models are, 0 to 1: of a recorded turn, or of a prompt by itself. costs: in the home currency."""

    weak_correct: float | bool
    strong_correct: float | bool
    trace: str = ""
    prompt: str = ""
    weak_cost: float = 0.0
    strong_cost: float = 0.0


class Side(msgspec.Struct, frozen=True):
    """The turns that one kind of model answered. quality: mean score of those that were scored, with its 95% interval;
    None without scores."""

    turns: int
    cost_nano: int
    scored: int
    quality: Span | None


class Report(msgspec.Struct, frozen=True):
    """A period. always_*_nano: estimates; None where it cannot be told. saved: of always reasoning, estimated.
    unknown: what cannot be said, and why."""

    turns: int
    releases: dict[str, int]
    general: Side
    reasoning: Side
    all: Side
    currency: str
    always_general_nano: int | None
    always_reasoning_nano: int | None
    saved: float | None
    labelled: int
    proof: Proof | None
    unknown: tuple[Said, ...]


CostOf = Callable[[bool, int, int], int | None]
"""What (reasoning?, tokens in, tokens out) cost by that kind of model, in billionths at home; None where it is not
known."""


def report(
    done: Sequence[Done], labels: Sequence[Label], prompts: Sequence[Case], cost_of: CostOf, currency: str
) -> Report:
    """The report. labels: of recorded turns. prompts: cases that were never turns, as they would be routed now."""
    by_trace = {label.trace: label for label in labels}
    lengths = _lengths(done)
    cases = [*prompts]
    for turn in done:
        if turn.trace in by_trace:
            cases.append(_case(turn, by_trace[turn.trace], lengths, cost_of))
    each = [_costs(turn, lengths, cost_of) for turn in done]
    general, reasoning = _total([pair[0] for pair in each]), _total([pair[1] for pair in each])
    paid = sum(turn.cost_nano for turn in done)
    releases: dict[str, int] = {}
    for turn in done:
        releases[turn.release] = releases.get(turn.release, 0) + 1
    return Report(
        turns=len(done),
        releases=dict(sorted(releases.items())),
        general=_side([turn for turn in done if not turn.went]),
        reasoning=_side([turn for turn in done if turn.went]),
        all=_side(done),
        currency=currency,
        always_general_nano=general,
        always_reasoning_nano=reasoning,
        saved=1 - paid / reasoning if reasoning else None,
        labelled=len(cases),
        proof=prove(cases) if cases else None,
        unknown=tuple(_unknown(done, cases, lengths)),
    )


def _unknown(done: Sequence[Done], cases: Sequence[Case], lengths: Mapping[bool, float]) -> list[Said]:
    found: list[Said] = []
    if not any(turn.score is not None for turn in done) and (done or not cases):
        found.append(
            Said(
                "The quality of what was done is not known: no turn was scored.",
                "无法得知实际质量：没有任何请求被评分。",
            )
        )
    if not cases:
        found.append(
            Said(
                "What the other model would have answered is not known: give --labels with how right both are.",
                "无法得知另一模型会答得如何：请用 --labels 提供两个模型的对错。",
            )
        )
    elif any(case.gain is None for case in cases):
        found.append(
            Said(
                "There is no curve: the text of some labelled turns is not kept.",
                "没有曲线：部分带标签请求的文本未保留。",
            )
        )
    for went, name in ((False, Said("general", "通用")), (True, Said("reasoning", "推理"))):
        if done and went not in lengths:
            found.append(
                Said(
                    f"No turn went to a {name.en} model: its cost is estimated by the other's lengths.",
                    f"没有请求交给{name.zh}模型：其费用按另一模型的长度估计。",
                )
            )
    return found


def _lengths(done: Sequence[Done]) -> dict[bool, float]:
    """The mean tokens of an answer by each kind of model."""
    found: dict[bool, float] = {}
    for went in (False, True):
        tokens = [turn.completion for turn in done if turn.went is went]
        if tokens:
            found[went] = sum(tokens) / len(tokens)
    return found


def _costs(turn: Done, lengths: Mapping[bool, float], cost_of: CostOf) -> tuple[int | None, int | None]:
    """By the general and by the reasoning model: what it cost by the one that answered, an estimate by the other."""
    other = not turn.went
    guessed = cost_of(other, turn.prompt, round(lengths.get(other, turn.completion)))
    return (guessed, turn.cost_nano) if turn.went else (turn.cost_nano, guessed)


def _case(turn: Done, label: Label, lengths: Mapping[bool, float], cost_of: CostOf) -> Case:
    general, reasoning = _costs(turn, lengths, cost_of)
    return Case(
        turn.went,
        float(label.weak_correct),
        float(label.strong_correct),
        (general or 0) / 1e9,
        (reasoning or 0) / 1e9,
        turn.gain,
    )


def _total(costs: Sequence[int | None]) -> int | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _side(turns: Sequence[Done]) -> Side:
    scores = [turn.score for turn in turns if turn.score is not None]
    return Side(len(turns), sum(turn.cost_nano for turn in turns), len(scores), _mean(scores))


def _mean(scores: Sequence[float]) -> Span | None:
    """The mean and its normal interval."""
    if not scores:
        return None
    mean = sum(scores) / len(scores)
    if len(scores) < 2:
        return Span(mean, 0.0, 1.0)
    variance = sum((score - mean) ** 2 for score in scores) / (len(scores) - 1)
    half = 1.96 * math.sqrt(variance / len(scores))
    return Span(mean, max(0.0, mean - half), min(1.0, mean + half))
