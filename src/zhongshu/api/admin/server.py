"""The server itself: who calls, the settings in effect, and reading them again."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from zhongshu.api.admin.given import Parts, Who
from zhongshu.api.admin.words import Shown

router = APIRouter(tags=["server"])


class Whoami(Shown):
    """The caller."""

    tenant: str
    key_id: str
    role: str
    models: list[str]


class SettingsOut(Shown):
    """Every value in effect, by group. Credentials are written as references (`env:NAME`, `file:PATH`)."""

    settings: dict[str, Any]


class ReloadOut(Shown):
    """The supervisor was asked. A file with mistakes changes nothing; the server's log says why."""

    status: str


@router.get("/whoami", summary="Show whose key this is", openapi_extra={"x-summary-zh": "查看此密钥属于谁"})
async def whoami(who: Who) -> Whoami:
    return Whoami(tenant=who.tenant, key_id=who.key_id, role=who.role, models=list(who.models))


@router.get("/settings", summary="Show the settings in effect", openapi_extra={"x-summary-zh": "查看生效的设置"})
def show_settings(parts: Parts) -> SettingsOut:
    return SettingsOut(settings=dict(parts.settings()))


@router.post(
    "/reload",
    status_code=202,
    summary="Read the settings file again, without dropping turns",
    openapi_extra={"x-summary-zh": "重新读取设置文件（不中断请求）"},
)
def reload(parts: Parts) -> ReloadOut:
    parts.reload()
    return ReloadOut(status="asked")
