"""A scripted upstream for the whole room, and turns to ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.ports import Call
from zhongshu.core.turns import Message, Turn, Wire
from zhongshu.upstreams.scripted.serve import Served, serving

KINDS = {"chat": "openai.chat", "completion": "openai.completion", "embedding": "openai.embedding"}


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    with serving() as running:
        yield running


def make_call(
    model: str = "mock",
    body: bytes | None = None,
    *,
    stream: bool = False,
    effort: str | None = None,
    thinking: str = "never",
    **fields: Any,
) -> Call:
    """A call for `model` at the upstream. `body`: the client's request in OpenAI's format, passed on as it is."""
    kind = fields.setdefault("kind", "chat")
    wire = Wire(KINDS[kind], msgspec.json.decode(body, type=dict[str, Raw])) if body is not None else None
    if kind == "chat":
        fields.setdefault("messages", (Message("user", "hi"),))
    turn = Turn(trace="0" * 32, arrived_ns=0, protocol="openai", model="asked", stream=stream, wire=wire, **fields)
    release = Release(model="asked", version="1", upstream="scripted", upstream_model=model)
    card = ModelCard(name="asked", thinking=thinking)  # type: ignore[arg-type]
    return Call(turn, Offer(release, card), effort)


@pytest.fixture
def call() -> Callable[..., Call]:
    return make_call
