"""What the ledger's tests share: sample records and a home."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zhongshu.core.answers import Usage
from zhongshu.core.clock import FakeClock
from zhongshu.core.records import Attempt, Record
from zhongshu.ledger.settings import LedgerSettings


def sample(number: int = 0, **changes: object) -> Record:
    """A plausible answered turn; its trace is the number."""
    values: dict[str, object] = {
        "trace": f"{number:032x}",
        "at_ns": 1_700_000_000_000_000_000 + number,
        "outcome": "answered",
        "tenant": "acme",
        "key_id": "k1",
        "user": "李雷",
        "asked": "auto",
        "release": "qwen@1",
        "upstream": "local",
        "served": "qwen",
        "usage": Usage(10, 20, 3, 4),
        "cost_nano": 1000 + number,
        "attempts": (Attempt("local", "qwen", 200, "", 1234),),
        "label": "1",
        "produce_id": f"{number:032x}",
        "took_us": 900,
        "prompt": b'{"messages":[{"role":"user","content":"hello %d"}]}' % number,
        "answer": b'[{"index":0,"text":"hi"}]',
    }
    return Record(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def make() -> Callable[..., Record]:
    return sample


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def settings() -> LedgerSettings:
    return LedgerSettings(min_free_bytes=0)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir(mode=0o700)
    return path
