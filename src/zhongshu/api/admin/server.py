"""The server itself: who calls, the settings in effect, and reading them again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from zhongshu.api.admin.given import Parts, Who
from zhongshu.api.admin.parts import AdminParts
from zhongshu.api.admin.words import Shown
from zhongshu.core.problems import Said, fault

router = APIRouter(tags=["server"])
_LOOK_S = 0.05


class Whoami(Shown):
    """The caller."""

    tenant: str
    key_id: str
    role: str
    models: list[str]


class SettingsOut(Shown):
    """Every value in effect, by group. Credentials are written as references (`env:NAME`, `file:PATH`)."""

    settings: dict[str, Any]


class Refused(Shown):
    """Why settings are not taken. where: the file and line, or the workers."""

    where: str
    where_zh: str
    key: str
    remedy: str
    remedy_zh: str


class StandsOut(Shown):
    """One worker. generation: of the settings it runs; 0 while it is not ready."""

    name: str
    generation: int
    refused: list[Refused]


class StandingOut(Shown):
    """Which settings the workers run. generation, digest: those in force, 1 for those of the start. refused: why the
    newest changed nothing. waits: settings of the newest that wait for a restart."""

    generation: int
    digest: str
    refused: list[Refused]
    waits: list[str]
    workers: list[StandsOut]


class ReloadOut(Shown):
    """status: "taken" when all workers run the new settings; "asked" when they have not all answered within `wait_s`."""

    status: str
    standing: StandingOut | None = None


@router.get("/whoami", summary="Show whose key this is", openapi_extra={"x-summary-zh": "查看此密钥属于谁"})
async def whoami(who: Who) -> Whoami:
    return Whoami(tenant=who.tenant, key_id=who.key_id, role=who.role, models=list(who.models))


@router.get("/settings", summary="Show the settings in effect", openapi_extra={"x-summary-zh": "查看生效的设置"})
def show_settings(parts: Parts) -> SettingsOut:
    return SettingsOut(settings=dict(parts.settings()))


@router.get(
    "/settings/workers",
    summary="Show which settings each worker runs, and why one does not run those in force",
    openapi_extra={"x-summary-zh": "查看各工作进程所用的设置，以及未采用生效设置的原因"},
)
async def workers(parts: Parts) -> StandingOut | None:
    return _standing(await asyncio.to_thread(parts.standing))


@router.post(
    "/reload",
    responses={202: {"model": ReloadOut, "description": "Asked; not all workers have answered yet."}},
    summary="Read the settings file again, without dropping turns, and say what came of it",
    openapi_extra={"x-summary-zh": "重新读取设置文件（不中断请求）并返回结果"},
)
async def reload(
    parts: Parts,
    response: Response,
    wait_s: Annotated[float, Query(ge=0, le=60, description="How long to wait for the workers, seconds.")] = 10.0,
) -> ReloadOut:
    before = await asyncio.to_thread(parts.standing)
    parts.reload()
    now = before and await _answered(parts, before["asked"], wait_s)
    if now is None:
        response.status_code = 202
        return ReloadOut(status="asked", standing=_standing(before))
    if now["refused"]:
        raise fault("settings_refused", why=_why(now["refused"]))
    return ReloadOut(status="taken", standing=_standing(now))


async def _answered(parts: AdminParts, asked: int, wait_s: float) -> Mapping[str, Any] | None:
    """How all stand once settings that were asked for after so many others have been answered; None when not in time."""
    try:
        async with asyncio.timeout(wait_s):
            while True:
                now = await asyncio.to_thread(parts.standing)
                if now is not None and now["answered"] > asked:
                    return now
                await asyncio.sleep(_LOOK_S)
    except TimeoutError:
        return None


def _standing(plain: Mapping[str, Any] | None) -> StandingOut | None:
    return None if plain is None else StandingOut.model_validate(plain)


def _why(refused: Sequence[Mapping[str, str]]) -> Said:
    return Said(
        "; ".join(f"{one['where']}: {one['key']}: {one['remedy']}" for one in refused),
        "；".join(f"{one['where_zh']}：{one['key']}：{one['remedy_zh']}" for one in refused),
    )
