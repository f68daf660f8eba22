"""Depth of thought over every row: each service is told on and off, and what it cannot be told is stated."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.upstreams.embedded.conftest import make_call
from zhongshu.core.ports import Call
from zhongshu.upstreams.openai.request import body_of
from zhongshu.upstreams.rows import ROWS

EVERY = [name for name, row in ROWS.items() if row.wire == "openai"]
WORDLESS = {"moonshot", "zhipu", "vllm", "sglang", "llama.cpp"}


def asked(effort: str | None, thinking: str = "switch", **fields: Any) -> Call:
    """A short turn to a model with that switch."""
    return make_call("Hello.", model="there", thinking=thinking, effort=effort, **fields)


def written(call: Call, row: str) -> dict[str, Any]:
    """The fields of the body that speak of thought."""
    body = msgspec.json.decode(body_of(call, ROWS[row].manner, stream=False))
    known = ("reasoning_effort", "thinking", "enable_thinking", "thinking_budget", "chat_template_kwargs", "reasoning")
    return {name: body[name] for name in known if name in body}


@pytest.mark.parametrize("row", EVERY)
def test_every_effort_is_written_or_stated(row: str):
    said: set[bytes] = set()
    for effort in ("off", "low", "high"):
        call = asked(effort)
        fields = written(call, row)
        assert fields
        said.add(msgspec.json.encode(fields))
        assert call.dropped == (("reasoning_effort",) if effort == "low" and row in WORDLESS else ())
    assert len(said) == (2 if row in WORDLESS else 3)


@pytest.mark.parametrize("row", EVERY)
def test_a_model_that_always_thinks_is_not_told_to_stop(row: str):
    call, low = asked("off", "always"), asked("low", "always")
    assert written(call, row) == written(low, row)
    assert call.dropped == ("reasoning_effort",)


@pytest.mark.parametrize("row", EVERY)
def test_nothing_asked_is_nothing_written(row: str):
    call = asked(None)
    assert (written(call, row), call.dropped) == ({}, ())
