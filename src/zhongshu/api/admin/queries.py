"""What an address may be asked after its `?`. Knows no parameter of its own: each route's signature says them.

A misspelt filter that is passed over shows everything in place of what was asked for, so it is refused as an unknown
field of a body is.
"""

from __future__ import annotations

from typing import cast

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import BaseModel

from zhongshu.core.problems import Said, fault


async def known_only(request: Request) -> None:
    """A dependency of every route. Raises Fault("invalid_value") for the first parameter that the route does not take."""
    if not request.scope["query_string"]:
        return
    known = parameters(cast("APIRoute", request.scope["route"]))
    unknown = next((name for name in request.query_params if name not in known), None)
    if unknown is not None:
        # A name too long to be a slip is not said back whole.
        name = unknown[:64]
        raise fault("invalid_value", param=name, field=name, why=_why(known))


def parameters(route: APIRoute) -> tuple[str, ...]:
    """The names a route takes in its query, in the order of its signature."""
    names: list[str] = []
    for field in route.dependant.query_params:
        kind = cast("object", field.field_info.annotation)
        names += kind.model_fields if isinstance(kind, type) and issubclass(kind, BaseModel) else [field.alias]
    return tuple(names)


def _why(known: tuple[str, ...]) -> Said:
    if not known:
        return Said("this address takes no parameters", "此地址不接受任何参数")
    names = ", ".join(known)
    return Said(f"there is no such parameter; this address takes {names}", f"没有这个参数；此地址接受：{names}")
