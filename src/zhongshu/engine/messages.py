"""What a worker and the engine manager say to each other: one JSON object a line over a unix socket."""

from __future__ import annotations

from typing import Literal

import msgspec

from zhongshu.core.problems import Problem, problem

State = Literal["unloaded", "loading", "ready", "failing"]


class Address(msgspec.Struct, frozen=True):
    """Where a loaded model answers. `key` goes into `Authorization: Bearer`; `generation` counts its starts;
    `context_tokens` is what one request may hold, prompt and answer together."""

    url: str
    key: str
    generation: int
    context_tokens: int
    slots: int


class ModelStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One model as the manager sees it. `estimated_bytes` is what it is counted at against the budget, `rss_bytes`
    what it takes now. `requests` were those handed to it so far, as workers reported them."""

    model: str
    state: State
    kind: str
    pid: int | None = None
    rss_bytes: int = 0
    estimated_bytes: int = 0
    context_tokens: int = 0
    slots: int = 0
    slots_busy: int = 0
    waiting: int = 0
    requests: int = 0
    restarts: int = 0
    problem: str = ""


class EngineStatus(msgspec.Struct, frozen=True):
    """All models, and the memory they may take together."""

    budget_bytes: int
    models: tuple[ModelStatus, ...]


class Acquire(msgspec.Struct, frozen=True, tag=True):
    """Load the model if need be and count this worker among its users. Answered by Granted or Refused."""

    id: int
    model: str


class Release(msgspec.Struct, frozen=True, tag=True):
    """This worker does not use the model any more; it made `uses` requests since it acquired it."""

    model: str
    generation: int
    uses: int


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The model did not answer this worker: look after it."""

    model: str
    generation: int


class AskStatus(msgspec.Struct, frozen=True, tag=True):
    """Answered by Told."""

    id: int


class Granted(msgspec.Struct, frozen=True, tag=True):
    id: int
    address: Address


class Refused(msgspec.Struct, frozen=True, tag=True):
    id: int
    problem: Problem


class Told(msgspec.Struct, frozen=True, tag=True):
    id: int
    status: EngineStatus


class Gone(msgspec.Struct, frozen=True, tag=True):
    """The model's process of this generation is no more: forget its address."""

    model: str
    generation: int


class Recall(msgspec.Struct, frozen=True, tag=True):
    """Its memory is wanted: release the model as soon as no request uses it."""

    model: str
    generation: int


FromWorker = Acquire | Release | Failed | AskStatus
FromManager = Granted | Refused | Told | Gone | Recall


def unavailable(model: str, why: str, why_zh: str, retry_after_s: float | None = None) -> Problem:
    """The engine_unavailable problem with its reason in both languages."""
    english = problem("engine_unavailable", model=model, why=why, retry_after_s=retry_after_s)
    chinese = problem("engine_unavailable", model=model, why=why_zh)
    return msgspec.structs.replace(english, message_zh=chinese.message_zh)
