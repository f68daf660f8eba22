"""Reading streams: any chunking, what servers leave out, what breaks; and that a stream folds to the plain answer."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.upstreams.conftest import make_call
from zhongshu.core.answers import Fold
from zhongshu.core.problems import Fault
from zhongshu.upstreams.memory import MemoryTransport, Reply
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.registry import open_upstream
from zhongshu.upstreams.responses.upstream import ResponsesUpstream
from zhongshu.upstreams.scripted import responses as scripted
from zhongshu.upstreams.scripted.chunks import Scene
from zhongshu.upstreams.scripted.script import SHIPPED
from zhongshu.upstreams.settings import UpstreamSettings

ANSWERS = [
    "mock", "mock-thought", "mock-tool", "mock-tools", "mock-refusal", "mock-filtered", "mock-packed", "mock-crlf",
    "mock-cr", "mock-extra",
]  # fmt: skip


def body(model, **fields):
    include = ["reasoning.encrypted_content"]
    return msgspec.json.encode({"model": model, "input": "你好", "stream": True, "include": include, **fields})


def scene_of(model, **fields):
    asked = body(model, **fields)
    return Scene(scripted.asked_of(asked), SHIPPED[model], asked, 1, False), asked


async def read(chunks, content_type="text/event-stream"):
    transport = MemoryTransport(lambda _: Reply(headers={"content-type": content_type}, chunks=tuple(chunks)))
    upstream = ResponsesUpstream("r", Manner(), transport)
    stream = await upstream.stream(make_call("m", stream=True))
    fold, events = Fold(), []
    async for batch in stream.batches():
        for event in batch:
            events.append(event)
            fold.add(event)
    return fold.answer(), events


@pytest.mark.parametrize("model", ANSWERS)
@given(data=st.data())
@settings(max_examples=15, deadline=None)
async def test_any_chunking_gives_the_plain_answer(model, data):
    """litellm #25321, bifrost #3638: the same message, whatever way the bytes were cut."""
    summary = data.draw(st.booleans())
    scene, asked = scene_of(model, **({"reasoning": {"summary": "auto"}} if summary else {}))
    whole = b"".join(scripted.packed(scene, asked))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    chunks = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True) if a < b]
    answer, _ = await read(chunks)
    upstream = ResponsesUpstream(
        "r",
        Manner(),
        MemoryTransport(lambda _: Reply(chunks=(msgspec.json.encode(scripted.whole(scene, asked)),))),
    )
    plain = await upstream.complete(make_call("m"))
    assert answer.choices == plain.choices
    assert answer.usage == plain.usage
    assert plain.usage.cached > 0


async def test_every_event_keeps_its_own_bytes():
    scene, asked = scene_of("mock-tools")
    chunks = list(scripted.packed(scene, asked))
    _, events = await read(chunks)
    assert [b"data: " + event.wire + b"\n\n" for event in events] == [
        chunk[chunk.index(b"data: ") :] for chunk in chunks
    ]


def sse(*events):
    return [b"data: %b\n\n" % (e if isinstance(e, bytes) else msgspec.json.encode(e)) for e in events]


MESSAGE = {"type": "message", "id": "m", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]}
CALL = {"type": "function_call", "id": "f", "call_id": "c", "name": "go", "arguments": '{"a":1}'}
DONE = {"type": "response.completed", "response": {"status": "completed", "output": []}}


def done(item, place=0):
    return {"type": "response.output_item.done", "output_index": place, "item": item}


async def test_items_that_come_only_when_they_are_done():
    answer, _ = await read(sse(done(MESSAGE), done(CALL, 1), DONE))
    (choice,) = answer.choices
    assert (choice.text, choice.stop) == ("hi", "tool_calls")
    assert [(c.id, c.name, c.arguments) for c in choice.tool_calls] == [("c", "go", '{"a":1}')]
    assert answer.usage is None


@pytest.mark.parametrize(
    ("events", "stop"),
    [
        (sse(done(MESSAGE), b"[DONE]"), "stop"),
        (sse(done(MESSAGE), done(CALL, 1), b"[DONE]"), "tool_calls"),
        (sse(done(MESSAGE), DONE), "stop"),
    ],
)
async def test_missing_finish_reason_done_or_usage_opencode_43379(events, stop):
    """An end mark instead of the last event, or no usage in it, ends an answer that is whole."""
    answer, _ = await read(events)
    assert answer.choices[0].stop == stop
    assert answer.usage is None


@pytest.mark.parametrize(
    "events",
    [
        sse(done(MESSAGE)),
        sse({"type": "response.output_item.added", "output_index": 0, "item": MESSAGE}, b"[DONE]"),
        sse({"type": "response.created", "response": {"status": "in_progress"}}, b"[DONE]"),
        [b'data: {"type":"response.output_text.del'],
        [],
    ],
)
async def test_an_answer_that_is_not_whole_was_cut(events):
    with pytest.raises(Fault) as broken:
        await read(events)
    assert broken.value.problem.code == "upstream_cut"


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (
            {"type": "error", "code": "rate_limit_exceeded", "message": "slow down", "param": None},
            "upstream_rate_limited",
        ),
        ({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}, "upstream_refused"),
        ({"error": {"message": "broken"}}, "upstream_error"),
        (
            {
                "type": "response.failed",
                "response": {"status": "failed", "error": {"code": "server_error", "message": "x"}},
            },
            "upstream_error",
        ),
        (
            {
                "type": "response.failed",
                "response": {"status": "failed", "error": {"code": "context_length_exceeded", "message": "x"}},
            },
            "context_length_exceeded",
        ),
        ({"type": "response.failed", "response": {"status": "cancelled"}}, "upstream_cut"),
        ({"no": "type"}, "upstream_malformed"),
        (b'{"type":', "upstream_malformed"),
        (b'{"type":"response.completed","response":[]}', "upstream_malformed"),
    ],
)
async def test_what_breaks_is_said(event, code):
    with pytest.raises(Fault) as broken:
        await read(sse(event, DONE))
    assert broken.value.problem.code == code


async def test_a_thought_and_its_summary_are_not_both_given():
    at = {"output_index": 0, "item_id": "r"}
    item = {"type": "reasoning", "id": "r", "summary": [{"type": "summary_text", "text": "short"}]}
    answer, _ = await read(
        sse(
            {"type": "response.reasoning_summary_part.added", "summary_index": 0, **at},
            {"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": "sho", **at},
            {"type": "response.reasoning_text.delta", "content_index": 0, "delta": "long", **at},
            {"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": "rt", **at},
            {"type": "response.reasoning_summary_part.added", "summary_index": 1, **at},
            {"type": "response.reasoning_summary_text.delta", "summary_index": 1, "delta": "more", **at},
            done(item | {"encrypted_content": "sig"}),
            done(MESSAGE, 1),
            DONE,
        )
    )
    assert answer.choices[0].thought == "short\n\nmore"
    assert answer.choices[0].thoughts[0].signature == "responses:sig"


@pytest.mark.parametrize(
    ("reason", "stop"), [("max_output_tokens", "length"), ("content_filter", "content_filter"), (None, "length")]
)
async def test_an_incomplete_answer_says_why(reason, stop):
    details = {"reason": reason} if reason else None
    end = {"type": "response.incomplete", "response": {"status": "incomplete", "incomplete_details": details}}
    answer, _ = await read(sse(done(MESSAGE), end))
    assert answer.choices[0].stop == stop


async def test_a_server_that_does_not_stream():
    whole = msgspec.json.encode({"status": "completed", "model": "m", "output": [MESSAGE]})
    answer, events = await read([whole], "application/json")
    assert answer.choices[0].text == "hi"
    assert events[0].wire is None


@pytest.mark.parametrize(
    ("status", "reply", "code"),
    [
        (400, {"error": {"message": "Unknown parameter", "param": "input[1].x"}}, "upstream_refused"),
        (401, {"error": {"message": "bad key"}}, "upstream_auth"),
        (429, {"error": {"message": "slow"}}, "upstream_rate_limited"),
        (500, {}, "upstream_error"),
        (200, {"status": "failed", "output": [], "error": {"code": "server_error", "message": "x"}}, "upstream_error"),
        (200, {"error": {"message": "no", "type": "invalid_request_error"}}, "upstream_refused"),
        (200, {"object": "list"}, "upstream_malformed"),
        (200, {"output": [{"type": "message", "content": 7}]}, "upstream_malformed"),
        (200, [], "upstream_malformed"),
    ],
)
async def test_plain_replies_that_are_no_answer(status, reply, code):
    transport = MemoryTransport(lambda _: Reply(status=status, chunks=(msgspec.json.encode(reply),)))
    with pytest.raises(Fault) as broken:
        await ResponsesUpstream("r", Manner(), transport).complete(make_call("m"))
    assert broken.value.problem.code == code


async def test_over_real_sockets(served):
    row = UpstreamSettings(name="r", kind="openai-compatible", wire="responses", base_url=served.base_url, key="none")
    upstream = open_upstream(row)
    assert isinstance(upstream, ResponsesUpstream)
    await upstream.check()
    assert "mock" in await upstream.models()
    for model, code in (("mock-429", "upstream_rate_limited"), ("mock-cut", "upstream_cut")):
        with pytest.raises(Fault) as broken:
            stream = await upstream.stream(make_call(model, stream=True))
            async for _ in stream.batches():
                pass
        assert broken.value.problem.code == code
    await upstream.aclose()


async def test_a_built_in_tool_is_an_answer_too():
    """Else it would count as empty, and be asked for again."""
    item = {"type": "image_generation_call", "id": "ig", "status": "completed", "result": "AA=="}
    added = {"type": "response.output_item.added", "output_index": 0, "item": item}
    end = {"type": "response.completed", "response": {"status": "completed", "output": [item]}}
    answer, events = await read(sse(added, done(item), end))
    assert answer.choices[0].stop == "tool_calls"
    assert events[0].deltas
    transport = MemoryTransport(lambda _: Reply(chunks=(msgspec.json.encode(end["response"]),)))
    plain = await ResponsesUpstream("r", Manner(), transport).complete(make_call("m"))
    assert plain.choices == answer.choices
    answer, _ = await read(sse(added, done(item), done(MESSAGE, 1), end))
    assert answer.choices[0].stop == "stop"
