"""Waiting for the thing itself: what another thread, process or task has yet to reach is waited for and never slept for.
The limit is far above what a slow machine needs; it only says that the thing never came."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

LIMIT_S = 60.0
_PAUSE_S = 0.02


def until(true: Callable[[], T], what: object = "", seconds: float = LIMIT_S) -> T:
    """Block until `true()` is; what it returned then. Fails with `what` after so many seconds."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, what or f"not within {seconds} s"
        time.sleep(_PAUSE_S)
    return found


async def eventually(true: Callable[[], Awaitable[T] | T], what: object = "", seconds: float = LIMIT_S) -> T:
    """The same, for tests with an event loop; `true` may be a coroutine function."""
    end = time.monotonic() + seconds
    while True:
        found = true()
        found = await found if inspect.isawaitable(found) else found
        if found:
            return found
        assert time.monotonic() < end, what or f"not within {seconds} s"
        await asyncio.sleep(_PAUSE_S)
