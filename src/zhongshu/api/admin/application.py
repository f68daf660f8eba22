"""Administration as one FastAPI application, with the description of the whole HTTP surface beside it."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.routing import compile_path

from zhongshu import __version__
from zhongshu.api.admin import (
    cache,
    comparing,
    engine,
    keys,
    ledger,
    ledger_streams,
    models,
    money,
    refusals,
    releases,
    route,
    server,
    tenants,
    upstreams,
)
from zhongshu.api.admin.door import PREFIX, Door
from zhongshu.api.admin.parts import AdminParts
from zhongshu.api.admin.queries import known_only
from zhongshu.api.docs_page import docs_page
from zhongshu.api.errors import prefers_chinese
from zhongshu.api.openapi import document

ROOMS = (
    keys, tenants, money, ledger, ledger_streams, upstreams, models, engine, releases, comparing, route, server, cache
)  # fmt: skip


def admin_application(parts: AdminParts) -> FastAPI:
    """Everything under /admin/v1, and /openapi.json and /docs, which need no key."""
    app = FastAPI(
        title="Zhongshu",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.parts = parts
    app.state.verifying = asyncio.Lock()
    app.add_middleware(Door, parts=parts)
    described = _description(app)
    for room in ROOMS:
        app.include_router(room.router, prefix=f"{PREFIX}/v1", dependencies=[Depends(known_only)])
    app.include_router(described)
    routers = [(f"{PREFIX}/v1", room.router) for room in ROOMS] + [("", described)]
    taken = [taken for prefix, router in routers for taken in _taken(prefix, router)]
    refusals.install(app, taken, parts.max_body_bytes)
    return app


def _taken(prefix: str, router: APIRouter) -> list[refusals.Taken]:
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    return [refusals.Taken(compile_path(prefix + route.path)[0], frozenset(route.methods or ())) for route in routes]


def _description(app: FastAPI) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    made: dict[str, Any] = {}

    def described() -> dict[str, Any]:
        if not made:
            made.update(document(app.openapi()))
        return made

    @router.api_route("/openapi.json", methods=["GET", "HEAD"])
    def openapi_json() -> dict[str, Any]:  # pyright: ignore[reportUnusedFunction]
        return described()

    @router.api_route("/docs", methods=["GET", "HEAD"])
    def docs(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        page = docs_page(described(), chinese=prefers_chinese(request.scope), base=str(request.base_url).rstrip("/"))
        return Response(page, media_type="text/html", headers={"vary": "accept-language"})

    return router
