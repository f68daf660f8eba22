"""Streams as Anthropic and followers of its format send them, written by hand from the documentation (read 2026-11-22),
and the property that holds for all: whatever way the bytes are cut, the events fold to the same answer."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.core.answers import Answer, Event, Fold, TextDelta, ToolCallEnd, Usage
from zhongshu.core.problems import Fault
from zhongshu.core.signatures import own
from zhongshu.core.turns import Thought, ToolCall
from zhongshu.upstreams.anthropic.response import read_answer
from zhongshu.upstreams.anthropic.stream import EventReader
from zhongshu.upstreams.memory import MemoryTransport, Reply
from zhongshu.upstreams.sse_stream import SseStream
from zhongshu.upstreams.transport import Request


def sse(*events: dict[str, Any], end: str = "\n", named: bool = True) -> bytes:
    out = b""
    for event in events:
        name = f"event: {event['type']}{end}".encode() if named else b""
        out += name + b"data: " + msgspec.json.encode(event) + end.encode() * 2
    return out


def start(**usage: int) -> dict[str, Any]:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude", "content": [], "usage": usage}
    return {"type": "message_start", "message": {**message, "stop_reason": None, "stop_sequence": None}}


def opened(index: int, **block: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def piece(index: int, kind: str, **delta: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **delta}}


def closed(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def ended(reason: str | None = "end_turn", by: str | None = None, **usage: int) -> dict[str, Any]:
    delta = {"stop_reason": reason, "stop_sequence": by}
    return {"type": "message_delta", "delta": delta, "usage": usage}


PING, STOP = {"type": "ping"}, {"type": "message_stop"}


async def read(stream: bytes, cuts: list[int] | None = None, answer_tool: str = "") -> list[Event]:
    edges = [0, *sorted(cuts or []), len(stream)]
    pieces = tuple(stream[a:b] for a, b in itertools.pairwise(edges) if a < b)
    opened = await MemoryTransport(lambda request: Reply(chunks=pieces)).open(Request("POST", "/v1/messages"))
    reading = SseStream(opened, EventReader("up", answer_tool), "up", 1 << 20)
    return [event async for batch in reading.batches() for event in batch]


def folded(events: list[Event]) -> Answer:
    fold = Fold()
    for event in events:
        fold.add(event)
    assert fold.complete
    return fold.answer()


TEXT = sse(
    start(input_tokens=25, cache_read_input_tokens=10, cache_creation_input_tokens=5, output_tokens=1),
    opened(0, type="text", text=""),
    PING,
    piece(0, "text_delta", text="Hello"),
    piece(0, "text_delta", text=" 你好😀"),
    closed(0),
    ended(output_tokens=15),
    STOP,
)
THINKING = sse(
    start(input_tokens=9, output_tokens=1),
    opened(0, type="thinking", thinking="", signature=""),
    piece(0, "thinking_delta", thinking="Let me"),
    piece(0, "thinking_delta", thinking=" think."),
    piece(0, "signature_delta", signature="sig=="),
    closed(0),
    opened(1, type="redacted_thinking", data="enc"),
    closed(1),
    opened(2, type="text", text=""),
    piece(2, "text_delta", text="42"),
    closed(2),
    {**ended(), "usage": {"output_tokens": 20, "output_tokens_details": {"thinking_tokens": 12}}},
    STOP,
    end="\r\n",
)
TOOLS = sse(
    start(input_tokens=1, output_tokens=1),
    opened(0, type="text", text=""),
    piece(0, "text_delta", text="I look."),
    closed(0),
    opened(1, type="tool_use", id="toolu_1", name="f", input={}),
    piece(1, "input_json_delta", partial_json=""),
    piece(1, "input_json_delta", partial_json='{"a":'),
    piece(1, "input_json_delta", partial_json=' "北京"}'),
    closed(1),
    opened(2, type="tool_use", id="toolu_2", name="g", input={}),
    closed(2),
    ended("tool_use", input_tokens=30, output_tokens=9),
    STOP,
)
SERVER_TOOLS = sse(
    start(input_tokens=3, output_tokens=1),
    opened(0, type="server_tool_use", id="srvtoolu_1", name="web_search", input={}),
    piece(0, "input_json_delta", partial_json='{"query": "x"}'),
    closed(0),
    opened(1, type="web_search_tool_result", tool_use_id="srvtoolu_1", content=[{"type": "web_search_result"}]),
    closed(1),
    opened(2, type="text", text="", citations=[]),
    piece(2, "text_delta", text="Found."),
    piece(2, "citations_delta", citation={"type": "web_search_result_location"}),
    closed(2),
    ended(output_tokens=9),
    STOP,
)
FOLLOWER = sse(  # no names of events, the input whole in the start, [DONE], no end of the block
    start(),
    opened(0, type="tool_use", id="t1", name="f", input={"a": 1}),
    ended("tool_use", input_tokens=4, output_tokens=2),
    named=False,
) + b"data: [DONE]\n\n"  # fmt: skip
SAMPLES = [
    ("text", TEXT, (), "Hello 你好😀", (), "stop", Usage(40, 15, 10, written=5)),
    (
        "thinking", THINKING, (Thought("Let me think.", "anthropic:sig=="), Thought("", "anthropic:enc", redacted=True)), "42", (), "stop",
        Usage(9, 20, thinking=12),
    ),
    (
        "tools", TOOLS, (), "I look.", (ToolCall("toolu_1", "f", '{"a": "北京"}'), ToolCall("toolu_2", "g", "{}")),
        "tool_calls", Usage(30, 9),
    ),
    ("server tools", SERVER_TOOLS, (), "Found.", (), "stop", Usage(3, 9)),
    ("follower", FOLLOWER, (), "", (ToolCall("t1", "f", '{"a":1}'),), "tool_calls", Usage(4, 2)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "stream", "thoughts", "text", "calls", "stop", "usage"), SAMPLES)
async def test_streams_of_known_services(name, stream, thoughts, text, calls, stop, usage):
    answer = folded(await read(stream))
    (choice,) = answer.choices
    assert (choice.thoughts, choice.text, choice.tool_calls, choice.stop) == (thoughts, text, calls, stop)
    assert answer.usage == usage


@pytest.mark.parametrize("stream", [sample[1] for sample in SAMPLES])
@given(data=st.data())
async def test_any_chunking_gives_the_same_answer(stream, data):
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12))
    assert folded(await read(stream, cuts)) == folded(await read(stream))


async def test_every_byte_alone_gives_the_same_answer():
    assert folded(await read(THINKING, list(range(len(THINKING))))) == folded(await read(THINKING))


async def test_each_event_keeps_its_exact_json():
    events = await read(TEXT)
    lines = [line[6:] for line in TEXT.split(b"\n") if line.startswith(b"data: ")]
    assert [event.wire for event in events] == lines
    assert {event.dialect for event in events} == {"anthropic.messages"}


@pytest.mark.parametrize(
    ("reason", "by", "stop", "stopped_by"),
    [
        ("end_turn", None, "stop", None),
        ("max_tokens", None, "length", None),
        ("stop_sequence", "END", "stop", "END"),
        ("pause_turn", None, "stop", None),
        ("refusal", None, "content_filter", None),
        ("model_context_window_exceeded", None, "length", None),
        ("tool_use", None, "stop", None),  # the call was a server's: the client has none to run
        ("something_new", None, "stop", None),
    ],
)
async def test_stop_reasons_whole_and_streamed(reason, by, stop, stopped_by):
    events = await read(sse(start(), opened(0, type="text", text="a"), closed(0), ended(reason, by), STOP))
    body = {"type": "message", "content": [{"type": "text", "text": "a"}], "stop_reason": reason, "stop_sequence": by}
    for choice in (folded(events).choices[0], read_answer(msgspec.json.encode(body), "up").choices[0]):
        assert (choice.stop, choice.stopped_by, choice.text) == (stop, stopped_by, "a")


async def test_litellm_26167_stop_reason_of_a_stream_that_forgets_it():
    """A follower that gives no stop reason, but ends: what it did says why."""
    call = opened(0, type="tool_use", id="t", name="f", input={})
    events = await read(sse(start(), call, closed(0), ended(None), STOP))
    assert folded(events).choices[0].stop == "tool_calls"
    assert events[-3].wire is None  # the message_delta that says nothing is not passed on


async def test_json_over_several_lines_is_kept_in_one():
    lines = b'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 0,\n'
    lines += b'data:  "delta": {"type": "text_delta", "text": "a\\nb"}, "x": 1.50}\n\n'
    events = await read(sse(start(), opened(0, type="text", text="")) + lines + sse(closed(0), ended(), STOP))
    assert events[2].deltas == (TextDelta(0, "a\nb"),)
    assert events[2].wire == (
        b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\\nb"},"x":1.50}'
    )


async def test_a_call_ends_once():
    events = await read(TOOLS)
    ends = [delta for event in events for delta in event.deltas if isinstance(delta, ToolCallEnd)]
    assert [end.call for end in ends] == [0, 1]


async def test_the_answer_tools_arguments_are_text():
    call = opened(0, type="tool_use", id="t", name="answer", input={})
    args = (piece(0, "input_json_delta", partial_json='{"a"'), piece(0, "input_json_delta", partial_json=":1}"))
    events = await read(
        sse(start(), call, *args, closed(0), ended("tool_use", output_tokens=1), STOP), answer_tool="answer"
    )
    answer = folded(events)
    assert (answer.choices[0].text, answer.choices[0].tool_calls, answer.choices[0].stop) == ('{"a":1}', (), "stop")
    assert all(event.wire is None for event in events)
    body = {
        "content": [{"type": "tool_use", "id": "t", "name": "answer", "input": {"a": 1}}],
        "stop_reason": "tool_use",
    }
    whole = read_answer(msgspec.json.encode(body), "up", "answer")
    assert (whole.choices[0].text, whole.choices[0].stop, whole.wire) == ('{"a":1}', "stop", None)


async def test_a_stream_without_its_end_mark_but_with_a_reason_is_whole():
    assert folded(await read(sse(start(), opened(0, type="text", text="a"), ended()))).choices[0].text == "a"


OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


@pytest.mark.parametrize(
    ("tail", "code"),
    [
        (b"", "upstream_cut"),
        (sse(OVERLOADED), "upstream_error"),
        (sse({"type": "error", "error": {"type": "rate_limit_error"}}), "upstream_rate_limited"),
        (b'event: content_block_delta\ndata: {"type": "content_b', "upstream_cut"),
        (b'data: {"type": \n\ndata: x\n\n', "upstream_malformed"),
        (b'data: {"choices":[]}\n\n', "upstream_malformed"),
    ],
)
async def test_a_stream_that_breaks_off(tail: bytes, code: str):
    events = []
    with pytest.raises(Fault) as broken:
        stream = sse(start(), opened(0, type="text", text=""), piece(0, "text_delta", text="a")) + tail
        opened_at = await MemoryTransport(lambda _: Reply(chunks=(stream,))).open(Request("POST", "/v1/messages"))
        async for batch in SseStream(opened_at, EventReader("up"), "up", 1 << 20).batches():
            events += batch
    assert broken.value.problem.code == code
    assert TextDelta(0, "a") in [delta for event in events for delta in event.deltas]


@pytest.mark.parametrize("stream", [TEXT, THINKING, TOOLS], ids=["text", "thinking", "tools"])
async def test_a_plain_reply_is_read_to_the_same_answer(stream):
    answer = folded(await read(stream))
    (choice,) = answer.choices
    blocks: list[dict[str, Any]] = [
        {"type": "redacted_thinking", "data": own(t.signature, "anthropic")}
        if t.redacted
        else {"type": "thinking", "thinking": t.text, "signature": own(t.signature, "anthropic")}
        for t in choice.blocks()
    ]
    blocks += [{"type": "text", "text": choice.text}]
    blocks += [
        {"type": "tool_use", "id": c.id, "name": c.name, "input": msgspec.Raw(c.arguments.encode())}
        for c in choice.tool_calls
    ]
    usage = answer.usage
    body = msgspec.json.encode(
        {
            "type": "message",
            "model": "claude",
            "content": blocks,
            "stop_reason": "tool_use" if choice.tool_calls else "end_turn",
            "usage": {
                "input_tokens": usage.prompt - usage.cached - usage.written,
                "cache_read_input_tokens": usage.cached,
                "cache_creation_input_tokens": usage.written,
                "output_tokens": usage.completion,
                "output_tokens_details": {"thinking_tokens": usage.thinking},
            },
        }
    )
    whole = read_answer(body, "up")
    assert whole.choices == answer.choices
    assert whole.usage == usage
    assert (whole.wire, whole.dialect) == (body, "anthropic.messages")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html>", "upstream_malformed"),
        (b'{"choices":[]}', "upstream_malformed"),
        (msgspec.json.encode(OVERLOADED), "upstream_error"),
    ],
)
def test_what_is_no_message(body: bytes, code: str):
    with pytest.raises(Fault) as broken:
        read_answer(body, "up")
    assert broken.value.problem.code == code
