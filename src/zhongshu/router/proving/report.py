"""The routing of a period, from what was recorded of its turns, their scores and, where there are any, labels. Pure.

Quality is told only where somebody judged it: of what was done by scores, of what was not done by labels of both
answers. What the other model would have cost is an estimate by its price and the mean length of its own turns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import msgspec

from zhongshu.core.problems import Said
from zhongshu.router.proving.promise import Wanted, untold
from zhongshu.router.proving.proof import Case, Proof, prove
from zhongshu.router.proving.tuning import Span


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


class Seen(msgspec.Struct, frozen=True):
    """A turn that both kinds of model answered. *_nano: what each answer cost, at home; extra_nano: what the sample and its
    judging cost beside the turn. general, reasoning: how right each was, None where nobody could tell."""

    trace: str
    went: bool
    general_nano: int
    reasoning_nano: int
    gain: float
    state: str
    by: str
    general: float | None
    reasoning: float | None
    extra_nano: int
    done: float | None = None
    done_nano: int | None = None


class Samples(msgspec.Struct, frozen=True):
    """The samples of a period. by: how many were judged by what. extra_nano: what sampling cost the operator."""

    taken: int
    judged: int
    open: int
    failed: int
    by: dict[str, int]
    extra_nano: int


class Claim(msgspec.Struct, frozen=True):
    """What may be said of savings. made: whether any are claimed; cases, needed: judged cases there are, and the least
    for a claim. saved: of always reasoning's cost; kept: of its quality; both with 95% intervals, None where not
    claimed."""

    made: bool
    cases: int
    needed: int
    saved: Span | None
    kept: Span | None
    said: Said


LEAST_CASES = 50
"""Judged cases below which no saving is claimed: percentile intervals of fewer are too narrow to be trusted."""


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
    samples: Samples
    claim: Claim


CostOf = Callable[[bool, int, int], int | None]
"""What (reasoning?, tokens in, tokens out) cost by that kind of model, in billionths at home; None where it is not
known."""


def report(
    done: Sequence[Done],
    labels: Sequence[Label],
    prompts: Sequence[Case],
    cost_of: CostOf,
    currency: str,
    samples: Sequence[Seen] = (),
    *,
    estimated: bool = True,
    elsewhere: int = 0,
    wanted: Wanted | None = None,
) -> Report:
    """The report. elsewhere: turns that other models answered than these kinds, which are not among `done`. wanted: the share
    whose keeping is asked about. estimated: whether the other model's cost can be told by its price and the length of its answers, which for an assistant that asks several it cannot. labels: of recorded turns; one stands in place of a sample's own judgement. prompts: cases that were
    never turns, as they would be routed now. samples: of the period; what both answers cost is known of them."""
    lengths = _lengths(done)
    of_turns, unplaced = _labelled(done, labels, samples, lengths, cost_of if estimated else None)
    cases = [*prompts, *of_turns]
    proof = prove(cases, wanted) if cases else None
    each = [_costs(turn, lengths, cost_of) for turn in done] if estimated and not elsewhere else [(None, None)]
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
        proof=proof,
        unknown=(
            *_unknown(done, cases, lengths if estimated else None, samples),
            *_left_out(unplaced, elsewhere),
            *([] if wanted is None or cases else [untold(wanted)]),
        ),
        samples=_sampled(samples),
        claim=_claim(proof, any(one.by == "agreement" for one in samples)),
    )


def _labelled(
    done: Sequence[Done],
    labels: Sequence[Label],
    samples: Sequence[Seen],
    lengths: Mapping[bool, float],
    cost_of: CostOf | None,
) -> tuple[list[Case], int]:
    """The cases of recorded turns, and how many labels found none. What both answers cost is known of a sample; of another
    labelled turn it is estimated, where it can be. Of several labels of one turn the last counts."""
    by_trace = {label.trace: label for label in labels}
    cases: list[Case] = []
    for one in samples:
        label = by_trace.pop(one.trace, None) if one.state != "failed" else None
        if label is not None:
            right = float(label.weak_correct), float(label.strong_correct)
            cases.append(_case_of(msgspec.structs.replace(one, general=right[0], reasoning=right[1])))
        elif one.state == "judged":
            cases.append(_case_of(one))
    for turn in done if cost_of is not None else ():
        label = by_trace.pop(turn.trace, None)
        if label is not None and cost_of is not None:
            cases.append(_case(turn, label, lengths, cost_of))
    return cases, len(by_trace)


def _left_out(unplaced: int, elsewhere: int) -> list[Said]:
    found: list[Said] = []
    if unplaced:
        found.append(
            Said(
                f"Labels of no turn that can be compared: {unplaced}. Either it was not asked of this in this period, or (of an "
                "assistant) it was not sampled.",
                f"有 {unplaced} 个标签没有可比较的请求：该时段内没有此请求，或（助手）未被抽样。",
            )
        )
    if elsewhere:
        found.append(
            Said(
                f"Turns answered by models that do not stand for either kind now: {elsewhere}. They are not counted, so what always one kind "
                "would have cost is not estimated.",
                f"有 {elsewhere} 个请求由现在不属于这两类的模型回答，未计入，因此不估计始终使用一类模型的费用。",
            )
        )
    return found


def _sampled(samples: Sequence[Seen]) -> Samples:
    by: dict[str, int] = {}
    for one in samples:
        if one.state == "judged":
            by[one.by] = by.get(one.by, 0) + 1
    states = [one.state for one in samples]
    judged, unjudged, failed = (states.count(state) for state in ("judged", "open", "failed"))
    return Samples(len(samples), judged, unjudged, failed, by, sum(one.extra_nano for one in samples))


def _claim(proof: Proof | None, by_agreement: bool) -> Claim:
    """What may be said of savings: nothing on few cases, and nothing that the interval does not bear."""
    cases = 0 if proof is None else proof.cases
    if proof is None or cases < LEAST_CASES:
        said = Said(
            f"No saving is claimed: {cases} cases of which both answers were judged, and it takes {LEAST_CASES}.",
            f"不作节省结论：两个回答均已评判的请求只有 {cases} 个，至少需要 {LEAST_CASES} 个。",
        )
        return Claim(False, cases, LEAST_CASES, None, None, said)
    saved, kept = proof.saved, proof.kept
    if saved.low <= 0:
        said = Said(
            f"No saving is claimed: of what always reasoning costs, {_shown(saved)} was saved, which may be nothing.",
            f"不作节省结论：相对始终推理，节省 {_shown(saved)}，可能并未节省。",
        )
        return Claim(False, cases, LEAST_CASES, saved, kept, said)
    what = ("of its cost", "的费用") if proof.priced else ("of its calls", "的调用次数")
    measure = (
        (" Where answers were compared for agreement, the reasoning model's is taken as right.", "按一致性评判时，以推理模型的回答为准。")
        if by_agreement
        else ("", "")
    )  # fmt: skip
    said = Said(
        f"Against always reasoning, {_shown(saved)} {what[0]} was saved and {_shown(kept)} of its quality kept, "
        f"on {cases} judged cases (95% intervals).{measure[0]}",
        f"相对始终推理，节省 {_shown(saved)} {what[1]}，保持其 {_shown(kept)} 的质量，"
        f"依据 {cases} 个已评判的请求（95% 区间）。{measure[1]}",
    )
    return Claim(True, cases, LEAST_CASES, saved, kept, said)


def _shown(span: Span) -> str:
    return f"{span.value:.1%} ({span.low:.1%} … {span.high:.1%})"


def _unknown(
    done: Sequence[Done], cases: Sequence[Case], lengths: Mapping[bool, float] | None, samples: Sequence[Seen]
) -> list[Said]:
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
                "What the other model would have answered is not known: set `router.samples.share`, or give labels with "
                "how right both are.",
                "无法得知另一模型会答得如何：请设置 `router.samples.share`，或提供两个模型对错的标签。",
            )
        )
    elif any(case.gain is None for case in cases):
        found.append(
            Said(
                "There is no curve: the text of some labelled turns is not kept.",
                "没有曲线：部分带标签请求的文本未保留。",
            )
        )
    unjudged = sum(one.state == "open" for one in samples)
    if unjudged:
        found.append(
            Said(
                f"{unjudged} samples could not be judged: set `router.samples.judge`, or say how right both are.",
                f"有 {unjudged} 个抽样无法评判：请设置 `router.samples.judge`，或人工给出对错。",
            )
        )
    for went, name in ((False, Said("general", "通用")), (True, Said("reasoning", "推理"))):
        if done and lengths is not None and went not in lengths:
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


def _case_of(one: Seen) -> Case:
    general, reasoning = one.general or 0.0, one.reasoning or 0.0
    done = None
    if one.done_nano is not None:
        quality = one.done if one.done is not None else reasoning if one.went else general
        done = quality, one.done_nano / 1e9
    return Case(one.went, general, reasoning, one.general_nano / 1e9, one.reasoning_nano / 1e9, one.gain, done)


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
