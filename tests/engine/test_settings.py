"""Engine settings: values that work by default, and a bad one named with its remedy."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from zhongshu.engine.settings import EngineSettings, EngineSpec, child_spec


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("memory_bytes", 1000),
        ("memory_share", 0.0),
        ("memory_share", 1.5),
        ("room_wait_s", -1),
        ("idle_unload_s", -0.1),
        ("threads", 0),
        ("slots", 0),
        ("context_tokens", 100),
        ("prompt_cache_bytes", -1),
        ("start_timeout_s", 0),
        ("backoff_s", -1),
        ("backoff_max_s", 0.1),
        ("crash_limit", 0),
        ("crash_window_s", 0),
    ],
)
def test_a_bad_value_is_named(field: str, value: Any):
    with pytest.raises(ValueError, match=field) as refused:
        EngineSettings(**{field: value})
    english, chinese = refused.value.args
    assert english.startswith(f"{field}: give")
    assert chinese.startswith(f"{field}: ")


def test_the_defaults_and_the_edges_are_good():
    EngineSettings()
    EngineSettings(idle_unload_s=0, memory_share=1, slots=1, threads=1, context_tokens=256)


def test_an_unknown_field_is_refused():
    with pytest.raises(msgspec.ValidationError, match="memroy_bytes"):
        msgspec.convert({"memroy_bytes": 1}, EngineSettings)


@pytest.mark.parametrize(
    ("own", "window", "context"),
    [(None, None, 4096), (None, 512, 512), (None, 32768, 4096), (2048, 32768, 2048), (9000, 8192, 8192)],
)
def test_a_slot_is_never_larger_than_the_models_window(own: int | None, window: int | None, context: int):
    spec = EngineSpec(model="m", path="m.gguf", context_tokens=own, window_tokens=window)
    assert child_spec(spec, EngineSettings(), key="k").context_tokens == context


def test_a_spec_overrides_slots_and_threads():
    child = child_spec(EngineSpec(model="m", path="p", slots=2, threads=3), EngineSettings(), key="k")
    assert (child.slots, child.threads, child.key) == (2, 3, "k")
