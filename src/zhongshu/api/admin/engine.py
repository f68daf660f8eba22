"""The embedded engine: each local model's process, its memory, its queue."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from zhongshu.api.admin.given import Parts
from zhongshu.api.admin.words import Shown

router = APIRouter(prefix="/engine", tags=["engine"])


class EngineModel(Shown):
    """One local model. estimated_bytes counts against the budget, rss_bytes is what it takes now. requests: handed
    to it so far. problem: a code, empty when all is well."""

    model: str
    state: Literal["unloaded", "loading", "ready", "failing"]
    kind: str
    pid: int | None
    rss_bytes: int
    estimated_bytes: int
    context_tokens: int
    slots: int
    slots_busy: int
    waiting: int
    requests: int
    restarts: int
    problem: str


class EngineOut(Shown):
    """The engine: the memory all models may take together, and each of them."""

    budget_bytes: int
    models: list[EngineModel]


@router.get("", summary="Show the embedded engine", openapi_extra={"x-summary-zh": "查看内置引擎"})
async def show_engine(parts: Parts) -> EngineOut:
    return EngineOut.model_validate(await parts.engine())
