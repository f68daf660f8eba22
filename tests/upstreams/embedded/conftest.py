"""One real engine for the whole room, and calls to ask it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest

from tests.engine.serving import SMALL, TINY, Engine, running_engine, spec
from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.ports import Call
from zhongshu.core.turns import Message, Sampling, Turn
from zhongshu.engine.client import EngineClient
from zhongshu.engine.models.rows import find
from zhongshu.upstreams.embedded.upstream import EmbeddedUpstream


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("run"), SMALL, spec()) as running:
        yield running


@pytest.fixture
async def upstream(engine: Engine) -> AsyncIterator[EmbeddedUpstream]:
    made = EmbeddedUpstream("embedded", EngineClient(engine.socket_path))
    yield made
    await made.aclose()


def make_call(
    *said: str | Message,
    model: str = TINY,
    thinking: str | None = None,
    effort: str | None = None,
    sampling: dict[str, Any] | None = None,
    **fields: Any,
) -> Call:
    """A turn of user messages (or given ones). Greedy and short unless `sampling` says otherwise."""
    row = find(model)
    card = row.card() if row else ModelCard(name=model)
    if thinking:
        card = msgspec.structs.replace(card, thinking=thinking)
    fields.setdefault("kind", "chat")
    turn = Turn(
        trace="0" * 32,
        arrived_ns=0,
        protocol="openai",
        model=model,
        messages=tuple(Message("user", text) if isinstance(text, str) else text for text in said),
        sampling=Sampling(**({"temperature": 0.0, "max_tokens": 12} | (sampling or {}))),
        **fields,
    )
    release = Release(model=model, version="1", upstream="embedded", upstream_model=model)
    return Call(turn, Offer(release, card), effort)
