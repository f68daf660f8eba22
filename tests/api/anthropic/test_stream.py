"""POST /v1/messages, streaming, over an upstream of OpenAI's format: Anthropic's order of events whatever came in."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.anthropic.conftest import MessagesHouse, content_of, events_of
from tests.api.conftest import chunk, streamed
from zhongshu.api.anthropic.stream import EventWriter
from zhongshu.core.answers import (
    Event,
    StopDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallArguments,
    ToolCallStart,
    Usage,
    UsageDelta,
)
from zhongshu.core.problems import Fault, fault
from zhongshu.core.turns import Turn
from zhongshu.safety.settings import LabelSettings
from zhongshu.upstreams.anthropic.stream import EventReader

USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13, "prompt_tokens_details": {"cached_tokens": 3}}
TURN = Turn("ab" * 16, 0, "chat", "anthropic.messages", "small")


def call(index, arguments, name=None, id=None):
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {"tool_calls": [{"index": index, "function": function} | ({"id": id} if id else {})]}


async def said(*chunks, **fields):
    house = MessagesHouse(streamed(*chunks, chunk(usage=USAGE)))
    events = events_of(await house.messages(stream=True, **fields))
    return events, content_of(events)


async def test_a_text():
    events, content = await said(chunk({"role": "assistant", "content": ""}), chunk({"content": "he"}), chunk({"content": "llo"}), chunk(finish="stop"))  # fmt: skip
    assert content == [{"type": "text", "text": "hello", "citations": None}]
    assert [event["type"] for event in events] == [
        "message_start", "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop",
        "message_delta", "message_stop",
    ]  # fmt: skip
    start, delta, stop = events[0]["message"], events[-2], events[-1]
    assert (start["content"], start["stop_reason"], start["model"]) == ([], None, "small")
    assert (delta["delta"]["stop_reason"], delta["usage"]["output_tokens"]) == ("end_turn", 4)
    assert (delta["usage"]["input_tokens"], delta["usage"]["cache_read_input_tokens"]) == (6, 3)
    assert stop["zhongshu"]["trace"] == start["id"].removeprefix("msg_")
    assert not any("zhongshu" in event for event in events[:-1])


async def test_thoughts_text_and_calls_are_blocks_of_their_own():
    events, content = await said(
        chunk({"reasoning_content": "hm "}), chunk({"reasoning_content": "so"}), chunk({"content": "I look."}),
        chunk(call(0, "", "f", "c1")), chunk(call(0, '{"a":')), chunk(call(0, "1}")), chunk(finish="tool_calls"),
    )  # fmt: skip
    assert [block["type"] for block in content] == ["thinking", "text", "tool_use"]
    assert (content[0]["thinking"], content[0]["signature"]) == ("hm so", "")
    assert (content[2]["id"], content[2]["name"], content[2]["input"]) == ("c1", "f", {"a": 1})
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


async def test_litellm_25321_interleaved_calls_keep_their_own_arguments():
    """Pieces of two calls in turns: each block has its own arguments, and none gets a piece after its stop."""
    _, content = await said(
        chunk(call(0, '{"a"', "f", "c1")), chunk(call(1, "{", "g", "c2")), chunk(call(0, ":1}")), chunk(call(1, "}")),
        chunk(finish="tool_calls"),
    )  # fmt: skip
    assert [(b["id"], b["name"], b["input"]) for b in content] == [("c1", "f", {"a": 1}), ("c2", "g", {})]


async def test_litellm_25836_a_streamed_call_under_the_reason_stop_is_still_a_call():
    events, content = await said(chunk(call(0, "{}", "f", "c1")), chunk(finish="stop"))
    assert content[0]["type"] == "tool_use"
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


async def test_litellm_26167_two_calls_in_one_chunk_and_text_between_them():
    two = {"tool_calls": call(0, '{"a":1}', "f", "c1")["tool_calls"] + call(1, '{"b":2}', "g", "c2")["tool_calls"]}
    _, content = await said(chunk(two), chunk({"content": "now"}), chunk(call(2, "{}", "h", "c3")), chunk(finish="tool_calls"))  # fmt: skip
    assert [(b["type"], b.get("name"), b.get("input")) for b in content] == [
        ("tool_use", "f", {"a": 1}), ("tool_use", "g", {"b": 2}), ("text", None, None), ("tool_use", "h", {}),
    ]  # fmt: skip


async def test_the_first_call_is_written_as_it_comes():
    writer = EventWriter(TURN)
    first = writer.write((Event((ToolCallStart(0, 0, "c", "f"), ToolCallArguments(0, 0, '{"a"'))),))
    assert b'"partial_json":"{\\"a\\""' in first


def test_a_call_that_goes_on_after_its_end_is_never_given_to_another():
    writer = EventWriter(TURN)
    writer.write((Event((ToolCallStart(0, 0, "c", "f"), TextDelta(0, "x"))),))
    with pytest.raises(Fault):
        writer.write((Event((ToolCallArguments(0, 0, "}"),)),))


@pytest.mark.parametrize(("finish", "reason"), [("length", "max_tokens"), ("content_filter", "refusal")])
async def test_stop_reasons(finish, reason):
    events, _ = await said(chunk({"content": "a"}), chunk(finish=finish))
    assert events[-2]["delta"]["stop_reason"] == reason


def closing(writer):
    return writer.close(Usage(3, 2), {"trace": "t"})


class Said:
    """A body, for events_of."""

    def __init__(self, body):
        self.body = body


def test_signatures_and_redacted_thoughts():
    writer = EventWriter(TURN)
    deltas = (
        ThoughtDelta(0, "hm"), ThoughtDelta(0, " so", "anthropic:sig"), ThoughtDelta(0, "", "anthropic:enc", True),
        ThoughtDelta(0, "", "anthropic:only"), TextDelta(0, "x"), StopDelta(0, "stop", "END"), UsageDelta(Usage(1, 1)),
    )  # fmt: skip
    events = events_of(Said(writer.write((Event(deltas),)) + closing(writer)))
    assert content_of(events) == [
        {"type": "thinking", "thinking": "hm so", "signature": "sig"},
        {"type": "redacted_thinking", "data": "enc"},
        {"type": "thinking", "thinking": "", "signature": "only"},
        {"type": "text", "text": "x", "citations": None},
    ]
    assert (events[-2]["delta"]["stop_reason"], events[-2]["delta"]["stop_sequence"]) == ("stop_sequence", "END")


def test_an_answer_of_nothing_is_still_a_message():
    assert content_of(events_of(Said(closing(EventWriter(TURN))))) == []


async def test_a_stream_that_breaks_off_ends_with_an_error_event():
    cut = fault("upstream_cut", upstream="up")
    house = MessagesHouse(streamed(chunk({"content": "he"}), cut, done=False))
    reply = await house.messages(stream=True)
    events = events_of(reply)
    assert [event["type"] for event in events][-1] == "error"
    assert events[-1]["error"]["type"] == "api_error"
    assert events[-1]["zhongshu"]["code"] == "upstream_cut"
    assert reply.ended
    assert house.journal.records[0].outcome == "cut"


async def test_what_fails_before_the_first_piece_is_a_plain_error():
    reply = await MessagesHouse(streamed(fault("upstream_cut", upstream="up"), done=False)).messages(stream=True)
    assert (reply.status, reply.json()["error"]["type"]) == (502, "api_error")
    assert reply.headers["content-type"] == "application/json"


async def test_the_end_waits_for_the_journal():
    house = MessagesHouse(streamed(chunk({"content": "a"}), chunk(finish="stop")))
    written = asyncio.Event()

    async def slow(record):
        await asyncio.sleep(0.05)
        written.set()

    house.journal.write = slow
    reply = await house.messages(stream=True)
    assert written.is_set()
    assert b"message_delta" not in b"".join(reply.pieces[:-1])
    assert b"message_stop" in reply.pieces[-1]


@pytest.mark.parametrize(("where", "at"), [("start", 0), ("end", -1)])
async def test_words_of_the_label_stand_in_the_text(where, at):
    chunks = (chunk({"content": "he"}), chunk({"content": "llo"}), chunk(finish="stop"))
    house = MessagesHouse(streamed(*chunks), label=LabelSettings(text=where))
    (block,) = content_of(events_of(await house.messages(stream=True)))
    assert "AI" in block["text"].split("hello")[at]


# An upstream of the same dialect: what it said is passed on -----------------------------------------------------

PASSED = [
    b'{"type":"message_start","message":{"id":"msg_x","type":"message","role":"assistant","model":"claude","content":[],'
    b'"x":1.50,"usage":{"input_tokens":3,"output_tokens":1}}}',
    b'{"type":"ping"}',
    b'{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}',
    b'{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}',
    b'{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}',
    b'{"type":"content_block_stop","index":0}',
    b'{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}',
    b'{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"he"},"x_new":[1e3]}',
    b'{"type":"content_block_stop","index":1}',
    b'{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":7}}',
    b'{"type":"message_stop"}',
]


def read(payloads):
    reader = EventReader("up")
    return [reader.read(payload) for payload in payloads]


def test_events_of_this_dialect_pass_untouched_and_the_end_waits():
    writer = EventWriter(TURN)
    before = writer.write(tuple(read(PASSED)))
    assert b"".join((b"data: %b\n\n" % payload in before and b"1") or b"0" for payload in PASSED[:-2]) == b"1" * 9
    assert b"message_delta" not in before
    after = closing(writer)
    assert PASSED[-2] in after
    assert b'"zhongshu":{"trace":"t"}' in after
    content_of(events_of(Said(before + after)))


def test_events_that_were_changed_on_the_way_keep_the_order():
    """A stage that adds text (a label, a check) makes events without their wire: blocks stay well-formed."""
    events = read(PASSED)
    events[7] = Event((TextDelta(0, "<AI> "), TextDelta(0, "he")))
    events[9] = Event((TextDelta(0, " <end>"), StopDelta(0, "stop")))
    writer = EventWriter(TURN)
    body = writer.write(tuple(events)) + closing(writer)
    content = content_of(events_of(Said(body)))
    assert [block.get("text") for block in content] == [None, "<AI> he", " <end>"]


def test_a_block_put_in_between_renumbers_what_follows():
    events = read(PASSED)
    events.insert(6, Event((TextDelta(0, "<AI> "),)))
    writer = EventWriter(TURN)
    body = writer.write(tuple(events)) + closing(writer)
    content = content_of(events_of(Said(body)))
    assert "".join(block.get("text", "") for block in content) == "<AI> he"
