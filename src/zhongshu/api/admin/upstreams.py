"""Upstreams: which there are, what they answer for, and whether they can answer now."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

from fastapi import APIRouter, Path, Query

from zhongshu.api.admin.given import Parts
from zhongshu.api.admin.words import Shown
from zhongshu.core.ports import Upstream
from zhongshu.core.problems import Fault, Said, fault

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
