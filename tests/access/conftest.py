"""An access room of its own for each test, with a clock that stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from zhongshu.access.build import Access, open_access
from zhongshu.access.settings import AccessSettings
from zhongshu.core.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_700_000_000 * 10**9)  # 2023-11-14 22:13:20 UTC, on the edge of a slot


@pytest.fixture
async def access(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Access]:
    opened = open_access(AccessSettings(), tmp_path / "home", clock, "test")
    yield opened
    await opened.aclose()
