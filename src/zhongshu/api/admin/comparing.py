"""Releases compared: a report that says which differences are real, a turn's answer beside its shadows', and scores."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from zhongshu.api.admin.door import note
from zhongshu.api.admin.given import Parts, Who
from zhongshu.api.admin.words import Body, Moment, Shown, moment, nanoseconds
from zhongshu.catalog.report import ReleaseReport
from zhongshu.catalog.store import Score
from zhongshu.catalog.tallies import group_of
from zhongshu.core.problems import fault
from zhongshu.core.times import DAY_NS
from zhongshu.ledger.index import Shown as ShownTurn
from zhongshu.ledger.index import open_index
from zhongshu.ledger.rows import Filter
from zhongshu.pipeline.outcomes import report_of, shadows_of, unit_of_row

Json = dict[str, Any]
Model = Annotated[str, Field(min_length=1, max_length=128, description="The model's name.", examples=["helpdesk"])]
Trace = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="The turn's trace id.", examples=["0" * 32])]
REPORT_DAYS = 7

router = APIRouter(tags=["releases"])


class ScoreIn(Body):
    """How good a turn's answer was."""

    score: Annotated[float, Field(ge=0, le=1, description="From 0 to 1.")]


class ScoreOut(Shown):
    """A turn's score, and the release that it counts for."""

    trace: str
    release: str
    score: float


class ReportOut(Shown):
    """Releases compared. Times in milliseconds, tokens and cost for a turn; bounds at 95%, null where unknown."""

    model: str
    since: datetime
    until: datetime
    releases: list[Json]
    differences: list[Json]
    notes: list[Json]


class Side(Shown):
    """One of two answers to the same turn; answer is null when no text was asked for or kept."""

    trace: str
    release: str
    outcome: str
    error: str
    took_ms: float
    first_ms: float
    prompt_tokens: int
    completion_tokens: int
    text_state: str
    answer: Any = None


class CompareOut(Shown):
    """A turn's answer and those of its shadows."""

    answer: Side
    shadows: list[Side]


@router.get(
    "/releases/report",
    summary="Compare a model's releases over a time",
    openapi_extra={"x-summary-zh": "比较一段时间内各版本的表现"},
)
async def report(
    parts: Parts,
    model: Annotated[Model, Query()],
    since: Annotated[Moment | None, Query(description=f"Default: {REPORT_DAYS} days ago.")] = None,
    until: Annotated[Moment | None, Query(description="Default: now.")] = None,
) -> ReportOut:
    now_ns = parts.clock.now_ns()
    since_ns = nanoseconds(since) or now_ns - REPORT_DAYS * DAY_NS
    made = await asyncio.to_thread(_report, parts, model, since_ns, nanoseconds(until) or now_ns)
    plain: Json = msgspec.to_builtins(made)
    notes: list[Json] = [{"en": en, "zh": zh} for en, zh in made.notes]
    return ReportOut(
        model=model,
        since=moment(made.since_ns),
        until=moment(made.until_ns),
        releases=plain["releases"],
        differences=plain["differences"],
        notes=notes,
    )


@router.get(
    "/releases/compare/{trace}",
    summary="Show a turn's answer beside its shadows' (with text: journalled)",
    openapi_extra={"x-summary-zh": "并排查看一次请求与其影子版本的回答（含原文则留痕）"},
)
async def compare_shadow(
    request: Request,
    parts: Parts,
    trace: Trace,
    text: Annotated[bool, Query(description="Decrypt the answers.")] = False,
) -> CompareOut:
    if text:
        await note(request.scope, parts, "text_shown", trace=trace)
    index = open_index(parts.ledger, parts.home)
    shown = await asyncio.to_thread(shadows_of, index, trace, text)
    return CompareOut(answer=_side(shown[0]), shadows=[_side(side) for side in shown[1:]])


@router.post("/turns/{trace}/score", summary="Score a turn's answer", openapi_extra={"x-summary-zh": "为一次回答评分"})
async def score(parts: Parts, who: Who, trace: Trace, given: ScoreIn) -> ScoreOut:
    made = await asyncio.to_thread(_score, parts, trace, given.score, who.key_id)
    return ScoreOut(trace=made.trace, release=made.release, score=made.score)


@router.delete(
    "/turns/{trace}/score",
    status_code=204,
    summary="Take a turn's score back",
    openapi_extra={"x-summary-zh": "撤回评分"},
)
async def drop_score(parts: Parts, trace: Trace) -> None:
    if not await asyncio.to_thread(parts.releases.drop_score, trace):
        raise fault("turn_not_found", trace=trace)


def _report(parts: Parts, model: str, since_ns: int, until_ns: int) -> ReleaseReport:
    plan = parts.releases.plan(model)
    versions = [version for version, _ in parts.releases.models()[model]]
    return report_of(open_index(parts.ledger, parts.home), model, plan, versions, since_ns, until_ns,
                     parts.releases.scores(model, since_ns, until_ns))  # fmt: skip


def _side(shown: ShownTurn) -> Side:
    row = shown.row
    answer: Any = None
    if shown.texts is not None and shown.texts.answer:
        answer = msgspec.json.decode(shown.texts.answer)
    return Side(
        trace=row.trace,
        release=row.release_name,
        outcome=row.outcome,
        error=row.error,
        took_ms=row.took_us / 1000,
        first_ms=row.first_us / 1000,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        text_state=shown.text_state,
        answer=answer,
    )


def _score(parts: Parts, trace: str, score: float, by: str) -> Score:
    rows = open_index(parts.ledger, parts.home).find(Filter(trace=trace), limit=1)
    if not rows:
        raise fault("turn_not_found", trace=trace)
    row = rows[0]
    release = row.split.partition(": ")[2] or row.release_name
    made = Score(
        trace=trace, model=release.rpartition("@")[0], release=release, group=group_of(unit_of_row(row)),
        at_ns=row.at_ns, scored_ns=parts.clock.now_ns(), score=score, by=by,
    )  # fmt: skip
    parts.releases.score(made)
    return made
