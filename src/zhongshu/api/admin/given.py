"""What every route is given: the parts it speaks for, and who calls."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from zhongshu.api.admin.door import CALLER
from zhongshu.api.admin.parts import AdminParts
from zhongshu.core.access import Caller


async def _parts(request: Request) -> AdminParts:
    return request.app.state.parts


async def _caller(request: Request) -> Caller:
    return request.scope[CALLER]


Parts = Annotated[AdminParts, Depends(_parts)]
Who = Annotated[Caller, Depends(_caller)]
