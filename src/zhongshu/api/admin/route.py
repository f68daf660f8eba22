"""Routing looked back at: the report with its curve, why one turn went where it went, the dial for a target, samples."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from zhongshu.api.admin.door import note
from zhongshu.api.admin.given import Parts, Who
from zhongshu.api.admin.parts import AdminParts
from zhongshu.api.admin.words import Body, Limit, Moment, Shown, moment, nanoseconds
from zhongshu.catalog.samples import Sample
from zhongshu.core.models import AUTO
from zhongshu.core.problems import Said, fault
from zhongshu.ledger.index import open_index
from zhongshu.pipeline.routings import Period, Routings
from zhongshu.pipeline.strategies.retelling import in_chinese
from zhongshu.router.explaining import explained
from zhongshu.router.proving.picture import svg
from zhongshu.router.proving.promise import CONFIDENCE, LEAST_CONFIDENCE, MOST_CONFIDENCE, Wanted
from zhongshu.router.proving.report import Label, Report
from zhongshu.router.proving.tuning import tune as tuned_on

Json = dict[str, Any]
Right = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Trace = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="The turn's trace id.", examples=["0" * 32])]
Since = Annotated[Moment | None, Query(description="Turns asked from this time on; default: all.")]
Until = Annotated[Moment | None, Query(description="Turns asked before this time; default: now.")]
Tenant = Annotated[str | None, Query(max_length=64, description="Only this tenant's.")]
Assistant = Annotated[
    str | None, Query(max_length=128, pattern=r"^\S+$", description="This assistant's turns in place of auto's.")
]
Quality = Annotated[float, Field(ge=0, le=1, description="The share of the reasoning model's accuracy to keep.")]
Confidence = Annotated[
    float, Field(ge=LEAST_CONFIDENCE, le=MOST_CONFIDENCE, description="How sure one wants to be that it is kept.")
]

router = APIRouter(prefix="/route", tags=["route"])


class LabelIn(Body):
    """How right both models are, 0 to 1: of a recorded turn (`trace`), or of a prompt by itself."""

    trace: Annotated[str, Field(max_length=64)] = ""
    prompt: Annotated[str, Field(max_length=1_000_000)] = ""
    weak_correct: Right
    strong_correct: Right
    weak_cost: Cost = 0.0
    strong_cost: Cost = 0.0


class ReportIn(Body):
    """A period, and labels. Without labels: by the samples of the period. quality: ask whether this share of the reasoning
    model's accuracy was kept."""

    since: Moment | None = None
    until: Moment | None = None
    tenant: Annotated[str | None, Field(max_length=64)] = None
    assistant: Annotated[str | None, Field(max_length=128, pattern=r"^\S+$")] = None
    labels: Annotated[tuple[LabelIn, ...], Field(max_length=100_000)] = ()
    quality: Quality | None = None
    confidence: Confidence | None = None


class ReportOut(Shown):
    """What routing was worth. Costs in billionths of `currency`. `proof` compares what was done with always one kind of
    model, a random mix at the same cost and an oracle, and holds the curve, and `promise` where a quality was asked about ("kept",
    "broken" or "open"); null where no case was judged. `claim` says
    what may be said of savings, and how many judged cases that takes."""

    turns: int
    currency: str
    releases: dict[str, int]
    general: Json
    reasoning: Json
    all: Json
    always_general_nano: int | None
    always_reasoning_nano: int | None
    saved: float | None
    labelled: int
    samples: Json
    claim: Json
    proof: Json | None
    unknown: list[Json]


class ExplainOut(Shown):
    """Why a turn went where it went. `assistant` says what an assistant's turn was weighed by, and from which dial or
    threshold on it would have gone another way. `explained` is null for a turn that nobody weighed, or whose text is not kept; then
    `unknown` says why."""

    trace: str
    release: str
    rule: str
    effort: str | None
    reason: str
    reason_zh: str
    dial: Json
    explained: Json | None
    sample: Json | None
    unknown: Json | None
    assistant: Json | None


class TuneIn(Body):
    """Labelled prompts to tune on. confidence: find the dial to be so sure of; null: the best guess."""

    quality: Quality = 0.95
    confidence: Confidence | None = None
    rows: Annotated[list[LabelIn], Field(min_length=1, max_length=100_000)]


class TuneOut(Shown):
    """The smallest dial that keeps the wanted share, and what it comes to; [value, low, high] at 95%. setting: of an
    assistant, what to set it to; without_text: its judged samples that could not count, as the question is not kept. sure: the smallest dial
    that keeps the share on other turns too with this confidence, or how many rows would tell."""

    quality: float
    reached: bool
    dial: float
    least_gain: float
    rows: int
    strong_calls: Json
    kept: Json
    accuracy: float
    general_accuracy: float
    reasoning_accuracy: float
    often: float
    sure: Json
    held_out_kept: float | None
    held_out_calls: float | None
    assistant: str | None = None
    strategy: str | None = None
    setting: Json | None = None
    without_text: int = 0


class JudgementIn(Body):
    """How right both answers of a sample are, 0 to 1."""

    general: Right
    reasoning: Right


class SampleOut(Shown):
    """A turn that was answered in both ways. Costs in billionths of the home currency. state: "judged", "open" (nobody
    could judge it) or "failed" (the other model did not answer). asked: "auto", or the assistant; done: how right its own
    answer was, where it is neither model's."""

    trace: str
    sample: str
    tenant: str
    at: datetime
    went: bool
    release: str
    other: str
    task: str
    gain: float
    cost_nano: int
    other_nano: int
    judge_nano: int
    state: str
    general: float | None
    reasoning: float | None
    by: str
    asked: str
    done: float | None
    general_nano: int | None
    reasoning_nano: int | None


class Samples(Shown):
    """Samples, newest first."""

    data: list[SampleOut]


@router.get(
    "/report",
    summary="Report what routing was worth, by the samples of a period",
    openapi_extra={"x-summary-zh": "路由报告（依据时段内的抽样）"},
)
async def report(
    parts: Parts,
    since: Since = None,
    until: Until = None,
    tenant: Tenant = None,
    assistant: Assistant = None,
    quality: Annotated[Quality | None, Query()] = None,
    confidence: Annotated[Confidence | None, Query()] = None,
) -> ReportOut:
    period, wanted = _period(since, until, tenant, assistant), _wanted(quality, confidence)
    return _out(await asyncio.to_thread(_report, parts, period, (), wanted))


@router.get(
    "/report.svg",
    summary="Draw the curve of quality against cost",
    openapi_extra={"x-summary-zh": "绘制质量与费用的曲线"},
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
)
async def report_svg(
    parts: Parts,
    since: Since = None,
    until: Until = None,
    tenant: Tenant = None,
    assistant: Assistant = None,
    lang: Annotated[Literal["en", "zh"], Query(description="Of the words in it.")] = "en",
) -> Response:
    found = await asyncio.to_thread(_report, parts, _period(since, until, tenant, assistant), ())
    if found.proof is None:
        raise fault("nothing_judged")
    picture = svg(found.proof, currency=found.currency, chinese=lang == "zh")
    return Response(picture, media_type="image/svg+xml")


@router.post(
    "/report",
    summary="Report what routing was worth, by labels",
    openapi_extra={"x-summary-zh": "路由报告（依据标签）"},
)
async def report_by_labels(parts: Parts, given: ReportIn) -> ReportOut:
    period = _period(given.since, given.until, given.tenant, given.assistant)
    wanted = _wanted(given.quality, given.confidence)
    return _out(await asyncio.to_thread(_report, parts, period, _labels(given.labels), wanted))


@router.get(
    "/explain/{trace}",
    summary="Explain why a turn went where it went, and what would have changed it (journalled)",
    openapi_extra={"x-summary-zh": "解释一次请求的去向及怎样会改变（留痕）"},
)
async def explain(request: Request, parts: Parts, trace: Trace) -> ExplainOut:
    await note(request.scope, parts, "route_explained", trace=trace)
    return await asyncio.to_thread(_explained, parts, trace)


@router.get(
    "/tune",
    summary="Find the dial for a target, or an assistant's threshold, by the judged samples of a period",
    openapi_extra={"x-summary-zh": "求目标档位或助手的阈值（依据已评判的抽样）"},
)
async def tune(
    parts: Parts,
    quality: Annotated[Quality, Query()] = 0.95,
    confidence: Annotated[Confidence | None, Query()] = None,
    since: Since = None,
    until: Until = None,
    tenant: Tenant = None,
    assistant: Assistant = None,
) -> TuneOut:
    period = _period(since, until, tenant, assistant)
    try:
        if assistant is None:
            found = await asyncio.to_thread(lambda: _routings(parts).tune(period, quality, confidence))
            return TuneOut.model_validate(msgspec.to_builtins(found))
        tuned = await asyncio.to_thread(lambda: _routings(parts).tune_assistant(period, quality, confidence))
    except ValueError:
        raise fault("nothing_judged") from None
    setting = {name: value for name in ("threshold", "quality") if (value := getattr(tuned, name)) is not None}
    plain: Json = msgspec.to_builtins(tuned.found)
    plain |= {
        "assistant": assistant,
        "strategy": tuned.strategy,
        "setting": setting,
        "without_text": tuned.without_text,
    }
    return TuneOut.model_validate(plain)


@router.post(
    "/tune", summary="Find the dial for a target, by labels", openapi_extra={"x-summary-zh": "求目标档位（依据标签）"}
)
async def tune_by_labels(parts: Parts, given: TuneIn) -> TuneOut:
    for number, row in enumerate(given.rows):
        if not row.prompt:
            why = Said("give the prompt's text", "请填写提问内容")
            raise fault("invalid_value", param=f"rows.{number}.prompt", field=f"rows.{number}.prompt", why=why)

    def found() -> Json:
        gains = _routings(parts).gains([row.prompt for row in given.rows])
        weak, strong = [row.weak_correct for row in given.rows], [row.strong_correct for row in given.rows]
        return msgspec.to_builtins(tuned_on(gains, weak, strong, given.quality, given.confidence))

    try:
        return TuneOut.model_validate(await asyncio.to_thread(found))
    except ValueError:
        why = Said("the reasoning model is right on none of them", "没有推理模型答对的行")
        raise fault("invalid_value", param="rows", field="rows", why=why) from None


@router.get("/samples", summary="List the samples", openapi_extra={"x-summary-zh": "列出抽样"})
async def samples(
    parts: Parts,
    since: Since = None,
    until: Until = None,
    tenant: Tenant = None,
    state: Annotated[str | None, Query(pattern="^(judged|open|failed)$", description="judged, open or failed.")] = None,
    limit: Annotated[Limit, Query()] = 50,
) -> Samples:
    period = _period(since, until, tenant)
    book = parts.releases.samples
    found = await asyncio.to_thread(book.find, period.since_ns or 0, period.until_ns, tenant, limit, state)
    return Samples(data=[_sample_out(one) for one in found])


@router.post(
    "/samples/{trace}", summary="Say how right both answers are", openapi_extra={"x-summary-zh": "评判抽样的两份回答"}
)
async def judge(parts: Parts, who: Who, trace: Trace, given: JudgementIn) -> SampleOut:
    book = parts.releases.samples
    return _sample_out(await asyncio.to_thread(book.judge, trace, given.general, given.reasoning, who.key_id))


def _routings(parts: AdminParts) -> Routings:
    index = open_index(parts.ledger, parts.home)
    return Routings(parts.weighing(), index, parts.releases, parts.releases.samples, parts.clock)


def _period(since: Moment | None, until: Moment | None, tenant: str | None, assistant: str | None = None) -> Period:
    return Period(nanoseconds(since), nanoseconds(until), tenant, assistant or AUTO)


def _labels(rows: tuple[LabelIn, ...]) -> tuple[Label, ...]:
    for number, row in enumerate(rows):
        if not row.trace and not row.prompt:
            field = f"labels.{number}"
            why = Said("give `trace` or `prompt`", "须有 `trace` 或 `prompt`")
            raise fault("invalid_value", param=field, field=field, why=why)
    return tuple(
        Label(row.weak_correct, row.strong_correct, row.trace, row.prompt, row.weak_cost, row.strong_cost)
        for row in rows
    )


def _report(parts: AdminParts, period: Period, labels: tuple[Label, ...], wanted: Wanted | None = None) -> Report:
    return _routings(parts).report(period, labels, wanted)


def _wanted(quality: float | None, confidence: float | None) -> Wanted | None:
    if quality is not None:
        return Wanted(quality, CONFIDENCE if confidence is None else confidence)
    if confidence is not None:
        why = Said("say with `quality` of what you want to be sure", "请用 `quality` 说明要确信什么")
        raise fault("invalid_value", param="confidence", field="confidence", why=why)
    return None


def _out(found: Report) -> ReportOut:
    plain: Json = msgspec.to_builtins(found)
    plain["unknown"] = [_both(said) for said in found.unknown]
    plain["claim"]["said"] = _both(found.claim.said)
    if found.proof is not None and found.proof.promise is not None:
        plain["proof"]["promise"]["said"] = _both(found.proof.promise.said)
    return ReportOut.model_validate(plain)


def _explained(parts: AdminParts, trace: str) -> ExplainOut:
    looking = _routings(parts)
    found = looking.explain(trace)
    record, decided = found.shown.record, found.decided
    unknown: Said | None = None
    if decided is None:
        if found.refused is not None:
            unknown = Said(found.refused.message, found.refused.message_zh)
        elif record.shadow_of:
            beside = record.shadow_of
            unknown = Said(f"It stands unseen beside the turn {beside}.", f"它是请求 {beside} 的暗中对照。")
        elif record.asked != AUTO or record.rule in ("named", ""):
            unknown = Said("Nothing was weighed: only `auto` is decided.", "未作权衡：只有 `auto` 需要决策。")
        else:
            state = found.shown.text_state
            unknown = Said(
                f"Its text is {state}: only the recorded reason is known.", f"文本不可用（{state}）：只知道记录的理由。"
            )
    return ExplainOut(
        trace=record.trace,
        release=record.release,
        rule=record.rule,
        effort=record.effort,
        reason=record.reason,
        reason_zh=in_chinese(record.reason),
        dial=msgspec.to_builtins(record.dial),
        explained=None
        if decided is None
        else explained(record, decided, looking.currency, found.without, found.cheaper),
        sample=None if found.sample is None else _sample_out(found.sample).model_dump(mode="json"),
        unknown=None if unknown is None or found.assistant is not None else _both(unknown),
        assistant=None if found.assistant is None else msgspec.to_builtins(found.assistant),
    )


def _sample_out(one: Sample) -> SampleOut:
    return SampleOut.model_validate({**msgspec.structs.asdict(one), "at": moment(one.at_ns)})


def _both(said: Said) -> Json:
    return {"en": said.en, "zh": said.zh}
