"""A server that was asked for a stream and answers whole, in every wire format; and one that answers without end."""

import json

import pytest

from zhongshu.core.answers import Fold
from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.ports import Call
from zhongshu.core.problems import Fault
from zhongshu.core.turns import Message, Sampling, Turn
from zhongshu.upstreams.anthropic.upstream import AnthropicUpstream
from zhongshu.upstreams.gemini.upstream import GeminiUpstream
from zhongshu.upstreams.memory import MemoryTransport, Reply
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.upstream import OpenAIUpstream
from zhongshu.upstreams.responses.upstream import ResponsesUpstream

CHAT = {"id": "c", "choices": [{"index": 0, "message": {"content": "hi there"}, "finish_reason": "stop"}]}
RESPONSE = {
    "id": "r", "object": "response", "status": "completed", "model": "m",
    "output": [
        {"type": "message", "id": "m", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "hi there", "annotations": []}]}
    ],
}  # fmt: skip
MESSAGE = {
    "id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "hi there"}], "usage": {"input_tokens": 1, "output_tokens": 2},
}  # fmt: skip
PIECES = [
    {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": "hi "}]}}]},
    {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": "there"}]}, "finishReason": "STOP"}]},
]
WIRES = {
    "openai": (lambda transport: OpenAIUpstream("up", Manner(), transport, 2000), CHAT),
    "responses": (lambda transport: ResponsesUpstream("up", Manner(), transport, 2000), RESPONSE),
    "anthropic": (lambda transport: AnthropicUpstream("up", transport, event_bytes=2000), MESSAGE),
    "gemini": (lambda transport: GeminiUpstream("up", transport, 2000), PIECES),
}


async def asked(wire, body):
    make, _ = WIRES[wire]
    reply = Reply(headers={"content-type": "application/json"}, chunks=(body[:7], body[7:]))
    turn = Turn(
        "t" * 32, 1, "chat", "test", "m", messages=(Message("user", "q"),), stream=True, sampling=Sampling(max_tokens=9)
    )
    offer = Offer(Release(model="m", version="1", upstream="up", upstream_model="m"), ModelCard(name="m"))
    stream = await make(MemoryTransport(lambda _: reply)).stream(Call(turn, offer))
    fold = Fold()
    async for batch in stream.batches():
        for event in batch:
            fold.add(event)
    return fold


@pytest.mark.parametrize("wire", WIRES)
async def test_an_answer_that_came_whole_is_a_stream_all_the_same(wire):
    fold = await asked(wire, json.dumps(WIRES[wire][1]).encode())
    (choice,) = fold.answer().choices
    assert (choice.text, choice.stop) == ("hi there", "stop")
    assert fold.complete


@pytest.mark.parametrize("wire", WIRES)
async def test_one_that_is_too_large_is_refused(wire):
    with pytest.raises(Fault, match="upstream_malformed"):
        await asked(wire, b'{"x":"%b"}' % (b"y" * 3000))
