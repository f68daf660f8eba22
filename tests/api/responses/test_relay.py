"""The relay alone, over streams that no well-behaved server sends."""

import json

import pytest

from zhongshu.api.responses.relay import Relay
from zhongshu.core.answers import Event, StopDelta, TextDelta, Usage
from zhongshu.core.clock import FakeClock

BASE = {"id": "resp_ours", "status": "in_progress", "store": True, "output": [], "usage": None, "metadata": {"a": "b"}}
DIALECT = "openai.responses"
ITEM = {"type": "message", "id": "m", "content": [{"type": "output_text", "text": "hi", "annotations": [{"x": 1}]}]}


def wire(kind, **fields):
    return Event((), json.dumps({"type": kind, **fields}).encode(), DIALECT)


def relayed(*batches):
    relay = Relay(BASE, "t", FakeClock())
    said = b"".join(relay.write(batch) for batch in batches) + relay.close(Usage(1, 2), None)
    events = [json.loads(block.split(b"\ndata: ")[1]) for block in said.split(b"\n\n") if block]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events, relay


def test_a_server_that_leaves_the_beginning_out():
    events, _ = relayed(
        (wire("response.output_item.done", output_index=0, item=ITEM, sequence_number=7),),
        (wire("response.completed", response={"id": "theirs", "status": "completed", "output": [ITEM]}),),
    )
    assert [event["type"] for event in events] == [
        "response.created", "response.in_progress", "response.output_item.done", "response.completed",
    ]  # fmt: skip
    response = events[-1]["response"]
    assert (response["id"], response["store"], response["metadata"]) == ("resp_ours", True, {"a": "b"})
    assert response["output"] == [ITEM]
    assert response["usage"]["total_tokens"] == 3


def test_a_server_that_leaves_the_end_out():
    events, _ = relayed(
        (wire("response.output_item.done", output_index=0, item=ITEM),), (Event((StopDelta(0, "stop"),)),)
    )
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["output"] == [ITEM]


@pytest.mark.parametrize("place", [0, 1])
def test_words_that_belong_to_no_message_make_one(place):
    items = [] if place == 0 else [wire("response.output_item.done", output_index=0, item={"type": "function_call"})]
    end = wire("response.completed", response={"status": "completed", "output": []})
    events, relay = relayed((*items, Event((TextDelta(0, "by AI"),))), (end,))
    assert events[-1]["response"]["output"][place]["content"][0]["text"] == "by AI"
    assert [event["output_index"] for event in events if event["type"] == "response.output_item.done"][-1] == place
    assert relay.response["output"]


def test_one_that_breaks_keeps_what_was_whole():
    relay = Relay(BASE, "t", FakeClock())
    relay.write((wire("response.output_item.done", output_index=0, item=ITEM), wire("response.x", output_index=1)))
    said = relay.broken(b'{"error":{"message":"gone","type":"server_error","code":"upstream_cut","param":null}}')
    assert said.count(b"event: ") == 2
    assert relay.response["status"] == "failed"
    assert [json.loads(bytes(item)) for item in relay.response["output"]] == [ITEM]
