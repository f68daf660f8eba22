"""A real engine for tests: its manager in a thread with a loop of its own, so that tests of any loop can use it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import E5, SMOL, model_here
from zhongshu.engine.local import LocalEngine
from zhongshu.engine.models.rows import find
from zhongshu.engine.models.settings import default_cache
from zhongshu.engine.settings import EngineSettings, EngineSpec

SMALL = EngineSettings(context_tokens=1024, slots=4, prompt_cache_bytes=32 * 1024 * 1024, memory_bytes=8 * 1024**3)
TINY = "smollm2-135m"


def model_file(name: str) -> Path:
    """The model's file in the cache. A small one is brought there where no other test has been quicker; a test of a large
    one is skipped."""
    row = find(name)
    assert row is not None
    path = default_cache() / row.file
    if not path.exists():
        if name not in (SMOL, E5):
            pytest.skip(f"{row.file} is not in the model cache; `zhongshu models pull {name}` fetches it")
        model_here(name)
    return path


def spec(name: str = TINY, *, called: str | None = None, **fields: Any) -> EngineSpec:
    """How the engine is to run a shipped model."""
    row = find(name)
    assert row is not None
    fields.setdefault("window_tokens", row.context)
    fields.setdefault("kind", "embedding" if row.family == "embedding" else "chat")
    return EngineSpec(model=called or name, path=str(model_file(name)), **fields)


class Engine:
    """The manager, and a way to run something in its loop."""

    def __init__(self, manager: LocalEngine, loop: asyncio.AbstractEventLoop) -> None:
        self.manager = manager
        self.socket_path = manager.socket_path
        self._loop = loop

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(120)


@contextlib.contextmanager
def running_engine(run_dir: Path, settings: EngineSettings, *specs: EngineSpec) -> Iterator[Engine]:
    """An engine until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    engine = Engine(LocalEngine(settings, specs, run_dir), loop)
    engine.run(engine.manager.start())
    try:
        yield engine
    finally:
        engine.run(engine.manager.aclose())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()
