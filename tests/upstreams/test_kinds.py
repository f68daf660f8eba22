"""A kind of request that a wire format has no words for is refused before anybody is asked: for every format, kind and
way of asking."""

from __future__ import annotations

from typing import get_args

import pytest

from tests.upstreams.conftest import make_call
from zhongshu.core.problems import Fault
from zhongshu.core.turns import Kind, Wire
from zhongshu.upstreams.anthropic.upstream import AnthropicUpstream
from zhongshu.upstreams.gemini.upstream import GeminiUpstream
from zhongshu.upstreams.memory import MemoryTransport, Reply
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.responses.upstream import ResponsesUpstream

KINDS = get_args(Kind)
WIRES = {
    "anthropic": (lambda transport: AnthropicUpstream("up", transport), "anthropic.messages"),
    "gemini": (lambda transport: GeminiUpstream("up", transport), "gemini.generate"),
    "responses": (lambda transport: ResponsesUpstream("up", Manner(), transport), "openai.responses"),
}
WAYS = ("complete", "stream", "hand_on")
CASES = [
    *[(wire, way, kind) for wire in WIRES for way in WAYS for kind in KINDS],
    *[(wire, "count_tokens", kind) for wire in ("anthropic", "gemini") for kind in KINDS],
    *[(wire, "embed", "embedding") for wire in WIRES],
]
CAN = {("complete", "chat"), ("stream", "chat"), ("count_tokens", "chat")}


def _asked(wire: str, dialect: str | None, way: str, kind: str):
    asked = []

    def reply(request):
        asked.append(request)
        return Reply(status=500)

    call = make_call(kind="chat")
    call.turn = call.turn.__class__(
        trace="0" * 32, arrived_ns=0, kind=kind, protocol="openai", model="asked", messages=call.turn.messages,
        wire=Wire(dialect, {}) if dialect else None, prompts=("a", "b"),
    )  # fmt: skip
    upstream = WIRES[wire][0](MemoryTransport(reply))
    return asked, getattr(upstream, way)(call)


@pytest.mark.parametrize(("wire", "way", "kind"), CASES)
@pytest.mark.parametrize("own", [False, True])
async def test_a_kind_that_cannot_be_said_is_never_sent(wire: str, way: str, kind: str, own: bool) -> None:
    asked, doing = _asked(wire, WIRES[wire][1] if own else None, way, kind)
    with pytest.raises(Fault) as caught:
        await doing
    if (way, kind) in CAN or (wire, way) == ("gemini", "embed"):
        assert asked
        assert caught.value.problem.code != "model_cannot"
    else:
        assert caught.value.problem.code == "model_cannot"
        assert asked == []
