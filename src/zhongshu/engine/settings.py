"""Settings of the embedded engine: `[engine]` in the TOML, and what one model's process is started with."""

from __future__ import annotations

from typing import Literal

import msgspec


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How local models are run.

    memory_bytes: what all loaded models may take together; None means `memory_share` of the memory that is free at
    start. room_wait_s: how long a request waits for a busy model to make room before it is refused.
    idle_unload_s: a model unused for this long is unloaded; 0 keeps it for ever.
    threads: of one model's process. One thread with requests batched across slots is the default: on a busy
    two-core machine two threads were measured far slower than one.
    slots: requests a model answers at once. context_tokens: the window of each slot (prompt and answer together);
    a model's own window, when smaller, wins. prompt_cache_bytes: memory for the KV state of earlier prompts.
    guard: thoughts of local models are watched, and closed when they repeat themselves, go round in circles or say
    their answer again and again; an answer whose length nobody bounded ends when it goes round in a loop.
    start_timeout_s: a model that is not ready by then counts as failed.
    backoff_s, backoff_max_s: the pause before the second restart in a row, doubled each time, and its ceiling (the
    first restart is at once). crash_limit, crash_window_s: this many crashes within the window stop the restarts
    until `backoff_max_s` has passed; requests are told so meanwhile.
    """

    memory_bytes: int | None = None
    memory_share: float = 0.6
    room_wait_s: float = 10.0
    idle_unload_s: float = 600.0
    threads: int = 1
    slots: int = 4
    context_tokens: int = 4096
    prompt_cache_bytes: int = 128 * 1024 * 1024
    guard: bool = True
    start_timeout_s: float = 120.0
    backoff_s: float = 0.5
    backoff_max_s: float = 30.0
    crash_limit: int = 5
    crash_window_s: float = 300.0

    def __post_init__(self) -> None:
        if self.memory_bytes is not None and self.memory_bytes < 64 * 1024 * 1024:
            raise ValueError(
                "memory_bytes: give at least 67108864 (64 MiB), or leave it out",
                "memory_bytes: 至少为 67108864（64 MiB），或省略",
            )
        if not 0.05 <= self.memory_share <= 1:
            raise ValueError(
                "memory_share: give a share between 0.05 and 1", "memory_share: 请填写 0.05 到 1 之间的比例"
            )
        _at_least("room_wait_s", self.room_wait_s, 0)
        _at_least("idle_unload_s", self.idle_unload_s, 0)
        _at_least("threads", self.threads, 1)
        _at_least("slots", self.slots, 1)
        _at_least("context_tokens", self.context_tokens, 256)
        _at_least("prompt_cache_bytes", self.prompt_cache_bytes, 0)
        _at_least("start_timeout_s", self.start_timeout_s, 1)
        _at_least("backoff_s", self.backoff_s, 0)
        _at_least("backoff_max_s", self.backoff_max_s, self.backoff_s)
        _at_least("crash_limit", self.crash_limit, 1)
        _at_least("crash_window_s", self.crash_window_s, 1)


def _at_least(field: str, value: float, least: float) -> None:
    if not value >= least:  # what is no number is not
        raise ValueError(f"{field}: give at least {least:g}", f"{field}: 至少为 {least:g}")


class EngineSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One local model: its file and how to run it. None takes the value of EngineSettings.

    window_tokens: what the model was trained for; a slot is never larger.
    """

    model: str
    path: str
    kind: Literal["chat", "embedding"] = "chat"
    window_tokens: int | None = None
    context_tokens: int | None = None
    slots: int | None = None
    threads: int | None = None


class ChildSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a model's process is told on its standard input. `context_tokens` is each slot's window."""

    model: str
    path: str
    kind: Literal["chat", "embedding"]
    context_tokens: int
    slots: int
    threads: int
    prompt_cache_bytes: int
    key: str


class ChildReady(msgspec.Struct, frozen=True):
    """What a model's process says once it can answer."""

    url: str


def child_spec(spec: EngineSpec, settings: EngineSettings, key: str) -> ChildSpec:
    """The model's own values where it has them, the engine's where not."""
    context = spec.context_tokens or settings.context_tokens
    return ChildSpec(
        model=spec.model,
        path=spec.path,
        kind=spec.kind,
        context_tokens=min(context, spec.window_tokens or context),
        slots=spec.slots or settings.slots,
        threads=spec.threads or settings.threads,
        prompt_cache_bytes=settings.prompt_cache_bytes,
        key=key,
    )
