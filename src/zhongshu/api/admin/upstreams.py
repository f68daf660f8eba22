"""Upstreams: which there are, what they answer for, and whether they can answer now."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from zhongshu.api.admin.given import Parts
from zhongshu.api.admin.words import Shown, moment
from zhongshu.core.health import Forced
from zhongshu.core.ports import Upstream
from zhongshu.core.problems import Fault, Said, fault
from zhongshu.upstreams.dispatch.reports import Report, known, report

CHECK_S = 5.0

router = APIRouter(prefix="/upstreams", tags=["upstreams"])


class StateOut(Shown):
    """What a check found. state: "ok", "slow" (no word within the time a check may take), or a problem's code."""

    state: str
    message: str | None
    message_zh: str | None
    took_ms: float


class UpstreamOut(Shown):
    """An upstream and the models it answers for. `check` is null unless it was asked for."""

    name: str
    models: list[str]
    check: StateOut | None


class UpstreamList(Shown):
    """Every upstream, in the order of the settings."""

    data: list[UpstreamOut]


class WorkerStateOut(Shown):
    """How one worker sees it. until: when trial turns begin; null for now or never."""

    worker: str
    state: Literal["closed", "open", "half-open"]
    why: str
    until: datetime | None
    in_flight: int
    waiting: int


class HealthOut(Shown):
    """A model at an upstream, or all of the upstream (`model` empty). state: closed (turns pass), open (left alone),
    half-open (a few trial turns pass), mixed (the workers differ). forced: what an operator has set. answered, failed,
    retried: tries since the workers started. first_ms, token_ms: the slowest worker's moving averages of the time to the
    first content and of each token after it; 0 while unknown."""

    upstream: str
    model: str
    state: Literal["closed", "open", "half-open", "mixed"]
    forced: Literal["auto", "open", "closed"]
    in_flight: int
    waiting: int
    answered: int
    failed: int
    retried: int
    first_ms: float
    token_ms: float
    workers: list[WorkerStateOut]


class HealthList(Shown):
    """Every upstream and its models, by name, as all workers of this machine see them."""

    data: list[HealthOut]


@router.get(
    "/health",
    summary="Breakers, queues and counts of every upstream",
    openapi_extra={"x-summary-zh": "各上游的熔断、排队与计数"},
)
async def upstreams_health(parts: Parts) -> HealthList:
    return HealthList(data=await asyncio.to_thread(_health, parts))


_FORCED: dict[str, Forced] = {"open": "open", "close": "closed", "auto": "auto"}


def _health(parts: Parts) -> list[HealthOut]:
    names = [(name, "") for name in parts.upstreams()]
    rows = report(parts.health(), [*names, *known(parts.offers())], parts.switches.all())
    return [_health_out(row) for row in rows]


def _health_out(row: Report) -> HealthOut:
    workers = [
        WorkerStateOut(
            worker=view.worker, state=view.state, why=view.why, until=moment(view.until_ns) if view.until_ns else None,
            in_flight=view.in_flight, waiting=view.waiting,
        )
        for view in row.workers
    ]  # fmt: skip
    plain = {name: getattr(row, name) for name in HealthOut.model_fields if name != "workers"}
    return HealthOut(**plain, workers=workers)


@router.get("", summary="List the upstreams and their state", openapi_extra={"x-summary-zh": "列出上游及其状态"})
async def list_upstreams(
    parts: Parts, check: Annotated[bool, Query(description="Ask each whether it can answer now.")] = True
) -> UpstreamList:
    upstreams = parts.upstreams()
    states = await asyncio.gather(*map(_state, upstreams.values())) if check else [None] * len(upstreams)
    return UpstreamList(
        data=[
            UpstreamOut(name=name, models=_models(parts, name), check=state)
            for name, state in zip(upstreams, states, strict=True)
        ]
    )


@router.post("/{name}/check", summary="Check one upstream now", openapi_extra={"x-summary-zh": "立即检查某个上游"})
async def check_upstream(
    parts: Parts, name: Annotated[str, Path(max_length=128, examples=["embedded"])]
) -> UpstreamOut:
    upstream = parts.upstreams().get(name)
    if upstream is None:
        raise fault("upstream_not_found", upstream=name)
    return UpstreamOut(name=name, models=_models(parts, name), check=await _state(upstream))


@router.post(
    "/{name}/{to}",
    summary="Force an upstream's breaker open or closed, or leave it to what happens",
    openapi_extra={"x-summary-zh": "强制断开或接通某个上游，或恢复自动"},
)
async def switch_upstream(
    parts: Parts,
    name: Annotated[str, Path(max_length=128, examples=["deepseek"])],
    to: Literal["open", "close", "auto"],
    model: Annotated[str, Query(max_length=256, description="One model there (its name at the upstream).")] = "",
) -> HealthList:
    """open: no turn is sent there (to drain it). close: turns are sent there whatever happens. Every worker knows within
    half a second; it holds until it is set to auto, restarts included."""
    if name not in parts.upstreams():
        raise fault("upstream_not_found", upstream=name)
    if model and (name, model) not in known(parts.offers()):
        raise fault("model_not_found", param="model", model=model)
    await asyncio.to_thread(parts.switches.set, name, model, _FORCED[to])
    return HealthList(data=[row for row in await asyncio.to_thread(_health, parts) if row.upstream == name])


def _models(parts: Parts, upstream: str) -> list[str]:
    return [offer.release.name for offer in parts.offers() if offer.release.upstream == upstream]


async def _state(upstream: Upstream) -> StateOut:
    started = time.perf_counter()
    state, said = await _checked(upstream)
    took_ms = round((time.perf_counter() - started) * 1000, 1)
    return StateOut(state=state, message=said and said.en, message_zh=said and said.zh, took_ms=took_ms)


async def _checked(upstream: Upstream) -> tuple[str, Said | None]:
    try:
        await asyncio.wait_for(upstream.check(), CHECK_S)
    except Fault as broken:
        return broken.problem.code, Said(broken.problem.message, broken.problem.message_zh)
    except TimeoutError:
        return "slow", Said(f"No word within {CHECK_S:g} s.", f"{CHECK_S:g} 秒内无响应。")
    return "ok", None
