"""The whole HTTP surface in memory, asked as Anthropic's clients ask."""

from __future__ import annotations

import msgspec
import pytest

from tests.api.conftest import House

KEY = {"authorization": "", "x-api-key": "zs_test", "anthropic-version": "2023-06-01"}


class MessagesHouse(House):
    """A House with the Messages API's way of asking. Behind it is an upstream of OpenAI's format."""

    async def messages(self, headers=None, leave_after=None, path="/v1/messages", **fields):
        body = {"model": "small", "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}], **fields}
        body = {name: value for name, value in body.items() if value is not ...}
        given = {**KEY, **(headers or {})}
        return await self.send("POST", path, msgspec.json.encode(body), given, leave_after=leave_after)

    def sent(self):
        """The last request as the upstream saw it."""
        return msgspec.json.decode(self.transport.requests[-1].body)


def events_of(reply) -> list[dict]:
    """The data of each event, whose name must be its type."""
    out = []
    for block in reply.body.decode().split("\n\n")[:-1]:
        name, _, data = block.partition("\n")
        event = msgspec.json.decode(data.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        out.append(event)
    return out


def content_of(events) -> list[dict]:
    """The blocks that a stream amounts to; fails where the order of events is not Anthropic's."""
    blocks, is_open = [], None
    assert events[0]["type"] == "message_start"
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    for event in events[1:-2]:
        match event["type"]:
            case "content_block_start":
                assert is_open is None
                assert event["index"] == len(blocks)
                is_open = event["index"]
                blocks.append({**event["content_block"], "json": ""})
            case "content_block_delta":
                assert event["index"] == is_open
                _add(blocks[-1], event["delta"])
            case "content_block_stop":
                assert event["index"] == is_open
                is_open = None
    assert is_open is None
    return [_done(block) for block in blocks]


def _add(block, delta):
    kinds = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
    if delta["type"] == "input_json_delta":
        assert block["type"] == "tool_use"
        block["json"] += delta["partial_json"]
    else:
        assert delta["type"].startswith(block["type"]) or delta["type"] == "signature_delta"
        block[kinds[delta["type"]]] += delta[kinds[delta["type"]]]


def _done(block):
    text = block.pop("json")
    return {**block, "input": msgspec.json.decode(text or "{}")} if block["type"] == "tool_use" else block


@pytest.fixture
def make():
    return MessagesHouse
