"""ASGI's scopes: what is the same for all requests of a connection, and what a request's address says."""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn.protocols.utils import get_local_addr, get_remote_addr

from zhongshu.api.asgi import MORE_TIME, ON_LEAVE

Scope = dict[str, Any]

_ASGI = {"version": "3.0", "spec_version": "2.3"}


def of_connection(
    transport: asyncio.Transport, on_leave: Callable[[Callable[[], None] | None], None], more_time: Callable[[], None]
) -> Scope:
    """Of every request that comes over it. on_leave, more_time: what the application may call."""
    return {
        "type": "http",
        "asgi": _ASGI,
        "http_version": "1.1",
        "server": get_local_addr(transport),
        "client": get_remote_addr(transport),
        "scheme": "http",
        "root_path": "",
        ON_LEAVE: on_leave,
        MORE_TIME: more_time,
    }


def of_address(target: bytes) -> Scope:
    """The path and the query of what a request asks for. Raises ValueError or HttpParserError for what is no address."""
    url = httptools.parse_url(target)
    path = url.path.decode("ascii")
    return {
        "path": urllib.parse.unquote(path) if "%" in path else path,
        "raw_path": url.path,
        "query_string": url.query or b"",
    }
