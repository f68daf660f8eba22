"""Releases: how a model's turns are split, canaries, shadows, going back, and the history of it all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field

from zhongshu.api.admin.door import note
from zhongshu.api.admin.given import Parts, Who
from zhongshu.api.admin.words import Body, Limit, Shown, moment
from zhongshu.catalog.plans import Change, Checks, Plan, Rule
from zhongshu.core.problems import Fault
from zhongshu.ledger.index import open_index
from zhongshu.pipeline.outcomes import standing

Json = dict[str, Any]
Model = Annotated[str, Field(min_length=1, max_length=128, description="The model's name.", examples=["helpdesk"])]
Version = Annotated[str, Field(min_length=1, max_length=128, description="A release's version.", examples=["2"])]
Names = Annotated[tuple[str, ...], Field(max_length=1000)]
Percent = Annotated[float, Field(gt=0, le=100)]

router = APIRouter(tags=["releases"])


class RuleIn(Body):
    """Turns that go to a release whatever the shares. Everything given must hold; of several names one is enough."""

    release: Version
    tenants: Names = ()
    keys: Annotated[tuple[str, ...], Field(max_length=1000, description="Key ids.")] = ()
    users: Names = ()
    header: Annotated[str, Field(max_length=200, description="A request header's name.")] = ""
    value: Annotated[str, Field(max_length=1000, description="What it must be; empty: anything.")] = ""


class SplitIn(Body):
    """How to split a model's turns. A field that is left out stays as it is."""

    model: Model
    shares: Annotated[
        dict[str, float] | None,
        Field(max_length=100, description="Weights by version, of any sum.", examples=[{"1": 90, "2": 10}]),
    ] = None
    rules: Annotated[tuple[RuleIn, ...] | None, Field(description="In order; the first that holds decides.")] = None
    sticky: Annotated[
        Literal["user", "key", "turn"] | None,
        Field(description="What keeps its release: a user (without one, the key), a key, or nothing."),
    ] = None


class ChecksIn(Body):
    """How much worse the canary may be; null does not look. error_rate: 0.02 is two turns in a hundred more. latency
    (95th percentile) and cost: relative, 0.25 is a quarter more. score: lower by, of 0 to 1."""

    error_rate: float | None = 0.02
    latency: float | None = 0.25
    cost: float | None = None
    score: float | None = None


class CanaryIn(Body):
    """A release that is to take over in steps, judged against those that have the turns now."""

    model: Model
    release: Version
    steps: Annotated[
        tuple[float, ...], Field(min_length=1, max_length=50, description="Its share of each step, in percent.")
    ] = (5.0, 20.0, 50.0)
    checks: ChecksIn = ChecksIn()
    min_turns: Annotated[int, Field(description="Turns that each side must have had in a step.")] = 200
    step_s: Annotated[float, Field(description="How long a step lasts at least, seconds.")] = 600.0
    confidence: Annotated[float, Field(description="Over all looks and steps together.")] = 0.95
    sticky: Literal["user", "key", "turn"] | None = None


class PromoteIn(Body):
    """The release that is to have all turns; left out: the canary."""

    model: Model
    release: Version | None = None


class RollbackIn(Body):
    """Go back to before the last change, or to what change `to` of the history had made."""

    model: Model
    to: Annotated[int | None, Field(ge=1)] = None


class ShadowIn(Body):
    """A release that is to answer a part of the turns unseen; null ends it."""

    model: Model
    release: Version | None
    percent: Percent = 100.0


class ReleaseOut(Shown):
    """A release and its share of the turns that no rule takes, in percent."""

    version: str
    percent: float


class ModelReleases(Shown):
    """A model's releases and its plan. planned: somebody has made a plan; else the settings' shares hold."""

    model: str
    planned: bool
    releases: list[ReleaseOut]
    plan: Json


class Standing(Shown):
    """How a canary stands in its present step: it would go on, back, or waits; and why."""

    action: Literal["on", "back", "wait"]
    en: str
    zh: str


class PlanOut(ModelReleases):
    """A model's plan. standing: of the canary that is under way, else null."""

    standing: Standing | None


class ModelReleasesList(Shown):
    """Every model, in the order of the settings."""

    data: list[ModelReleases]


class ChangeOut(Shown):
    """One change of a plan. by: a key's id, "cli", or "canary". undoes: the change that was taken back."""

    number: int
    model: str
    at: datetime
    by: str
    what: str
    before: Json
    after: Json
    why: str
    why_zh: str
    undoes: int | None


class HistoryOut(Shown):
    """Changes, newest first."""

    data: list[ChangeOut]


@router.get(
    "/releases", summary="List models' releases and plans", openapi_extra={"x-summary-zh": "列出各模型的版本与流量计划"}
)
def list_releases(parts: Parts) -> ModelReleasesList:
    return ModelReleasesList(data=[_model(parts, model) for model in parts.releases.models()])


@router.get(
    "/releases/plan",
    summary="Show one model's releases and plan",
    openapi_extra={"x-summary-zh": "查看一个模型的版本与流量计划"},
)
def show_plan(parts: Parts, model: Annotated[Model, Query()]) -> PlanOut:
    canary = parts.releases.plan(model).canary
    judged = None
    if canary:
        scores = parts.releases.scores(model, canary.step_ns).values()
        judged = standing(open_index(parts.ledger, parts.home), model, canary, scores)
    now = Standing(action=judged.action, en=judged.en, zh=judged.zh) if judged else None
    return PlanOut(**_model(parts, model).model_dump(), standing=now)


@router.post(
    "/releases/split",
    summary="Split a model's turns over its releases",
    openapi_extra={"x-summary-zh": "在版本之间分配流量"},
)
async def split(request: Request, parts: Parts, who: Who, wanted: SplitIn) -> ChangeOut:
    rules = None if wanted.rules is None else tuple(Rule(**rule.model_dump()) for rule in wanted.rules)
    return await _changed(
        request,
        parts,
        lambda: parts.releases.split(wanted.model, who.key_id, shares=wanted.shares, rules=rules, sticky=wanted.sticky),
    )


@router.post("/releases/canary", summary="Start a canary", openapi_extra={"x-summary-zh": "开始灰度发布"})
async def canary(request: Request, parts: Parts, who: Who, wanted: CanaryIn) -> ChangeOut:
    return await _changed(
        request,
        parts,
        lambda: parts.releases.canary(
            wanted.model,
            who.key_id,
            wanted.release,
            steps=wanted.steps,
            checks=Checks(**wanted.checks.model_dump()),
            min_turns=wanted.min_turns,
            step_s=wanted.step_s,
            confidence=wanted.confidence,
            sticky=wanted.sticky,
        ),
    )


@router.post(
    "/releases/promote", summary="Give a release all turns", openapi_extra={"x-summary-zh": "将全部流量交给一个版本"}
)
async def promote(request: Request, parts: Parts, who: Who, wanted: PromoteIn) -> ChangeOut:
    return await _changed(request, parts, lambda: parts.releases.promote(wanted.model, who.key_id, wanted.release))


@router.post(
    "/releases/rollback", summary="Go back to the plan before", openapi_extra={"x-summary-zh": "回退到先前的流量计划"}
)
async def rollback(request: Request, parts: Parts, who: Who, wanted: RollbackIn) -> ChangeOut:
    return await _changed(request, parts, lambda: parts.releases.rollback(wanted.model, who.key_id, wanted.to))


@router.post(
    "/releases/shadow", summary="Have a release answer turns unseen", openapi_extra={"x-summary-zh": "设置影子版本"}
)
async def shadow(request: Request, parts: Parts, who: Who, wanted: ShadowIn) -> ChangeOut:
    return await _changed(
        request, parts, lambda: parts.releases.shadow(wanted.model, who.key_id, wanted.release, wanted.percent)
    )


@router.get(
    "/releases/history",
    summary="List changes of a plan, newest first",
    openapi_extra={"x-summary-zh": "列出流量计划的变更历史"},
)
def history(parts: Parts, model: Annotated[Model, Query()], limit: Annotated[Limit, Query()] = 100) -> HistoryOut:
    return HistoryOut(data=[_change(change) for change in parts.releases.history(model, limit)])


async def _changed(request: Request, parts: Parts, change: Callable[[], Change]) -> ChangeOut:
    """Make a change, and journal it: a change stands even when the journal cannot take it, and the log says so then."""
    made = await asyncio.to_thread(change)
    facts = {"model": made.model, "what": made.what, "number": str(made.number), "after": _json(made.after)}
    with contextlib.suppress(Fault):  # the door tries again, and says so in the log when it fails too
        await note(request.scope, parts, "release_changed", before=_json(made.before), **facts)
    return _change(made)


def _json(plan: Plan) -> str:
    return msgspec.json.encode(plan).decode()


def _model(parts: Parts, model: str) -> ModelReleases:
    plan = parts.releases.plan(model)
    percents = plan.percents()
    versions = [version for version, _ in parts.releases.models()[model]]
    return ModelReleases(
        model=model,
        planned=bool(parts.releases.history(model, 1)),
        releases=[ReleaseOut(version=version, percent=percents.get(version, 0.0)) for version in versions],
        plan=msgspec.to_builtins(plan),
    )


def _change(change: Change) -> ChangeOut:
    fields = msgspec.structs.asdict(change)
    at_ns = fields.pop("at_ns")
    fields["before"], fields["after"] = msgspec.to_builtins(change.before), msgspec.to_builtins(change.after)
    return ChangeOut(at=moment(at_ns), **fields)
