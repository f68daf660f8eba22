"""One setting of depth, `zhongshu.depth`, over the whole matrix: every protocol may say it, every wire format spells it.

It goes before the protocol's own words, also where the request is passed on as it came.
"""

from __future__ import annotations

import json

import pytest

from tests.contract.words import Ask
from tests.running import KEY

ASK = Ask("mock", max_tokens=8000, temperature=0.5)
SPELT = {
    "anthropic": lambda body: body.get("thinking"),
    "gemini": lambda body: body.get("generationConfig", {}).get("thinkingConfig"),
    "responses": lambda body: body.get("reasoning", {}).get("effort"),
    "openai": lambda body: body.get("reasoning_effort"),
}
# depth -> what each wire format is told. The server behind "openai" has no switch anybody knows of.
TOLD = {
    "off": {"anthropic": {"type": "disabled"}, "gemini": "minimal", "responses": "none", "openai": None},
    "low": {
        "anthropic": {"type": "enabled", "budget_tokens": 2048}, "gemini": "low", "responses": "low", "openai": None,
    },
    3000: {
        "anthropic": {"type": "enabled", "budget_tokens": 3000}, "gemini": 3000, "responses": "low", "openai": None,
    },
}  # fmt: skip


def asked(cell, depth, **more):
    model = f"{cell.wire}/mock"
    body = cell.protocol.body_of(ASK.to(model), False) | {"zhongshu": {"depth": depth}} | more
    return cell.post(model, body)


@pytest.mark.parametrize("depth", TOLD)
def test_every_pair_is_told_or_states_it(cell, depth):
    reply = asked(cell, depth)
    assert reply.status == 200, reply.body
    body = json.loads(cell.house.last())
    spelt = SPELT[cell.wire](body)
    if cell.wire == "gemini":
        spelt = spelt.get("thinkingLevel") or spelt.get("thinkingBudget")
    assert spelt == TOLD[depth][cell.wire]
    assert "zhongshu" not in body
    stated = {"thinking_tokens", "reasoning_effort"} & set(reply.dropped)
    lost = (depth == 3000 and cell.wire in ("responses", "openai")) or (depth == "low" and cell.wire == "openai")
    assert bool(stated) == (lost or (depth == "off" and cell.wire == "gemini"))
    if cell.wire == "anthropic":
        assert ("temperature" in body) == (depth == "off"), "who thinks there takes no temperature"
        assert ("temperature" in reply.dropped) == (depth != "off")


def test_auto_leaves_it_to_whoever_decides(cell):
    reply = asked(cell, "auto")
    assert reply.status == 200, reply.body
    spelt = SPELT[cell.wire](json.loads(cell.house.last()))
    assert spelt in (None, {"includeThoughts": True})
    assert not {"thinking_tokens", "reasoning_effort"} & set(reply.dropped)


@pytest.mark.parametrize("depth", ["deep", 0, -1, 1.5, True, [], 10_000_000])
def test_what_is_no_depth_is_refused_by_name(cell, depth):
    if cell.wire != "openai":
        return
    reply = asked(cell, depth)
    assert reply.status == 400
    assert b"zhongshu.depth" in reply.body or b"depth" in reply.body


def test_the_word_auto_in_openai_s_own_field(matrix):
    for path, body in (
        ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}], "reasoning_effort": "auto"}),
        ("/v1/responses", {"input": "hi", "reasoning": {"effort": "auto", "summary": "auto"}}),
    ):
        for wire in ("openai", "responses"):
            headers = {"authorization": f"Bearer {KEY}"}
            reply = matrix.post(path, headers, json.dumps({"model": f"{wire}/mock"} | body).encode())
            assert reply.status == 200, reply.body
            assert b'"effort"' not in matrix.last()
            assert b'"reasoning_effort"' not in matrix.last()
