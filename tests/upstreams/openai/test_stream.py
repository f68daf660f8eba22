"""Streams as real services send them, written by hand from their documented formats (read 2026-11), and the property
that holds for all: whatever way the bytes are cut, the events fold to the same answer."""

from __future__ import annotations

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.core.answers import Answer, Event, Fold, ToolCallEnd, Usage
from zhongshu.core.problems import Fault
from zhongshu.core.turns import ToolCall
from zhongshu.upstreams.memory import MemoryTransport, Reply
from zhongshu.upstreams.openai.stream import ChunkReader
from zhongshu.upstreams.sse_stream import SseStream
from zhongshu.upstreams.transport import Request


def sse(*chunks: str, done: bool = True, end: str = "\n") -> bytes:
    lines = [f"data: {chunk}{end}{end}" for chunk in (*chunks, *(["[DONE]"] if done else []))]
    return "".join(lines).encode()


def frame(inner: str, **more: Any) -> str:
    extra = "".join(f',"{name}":{msgspec.json.encode(value).decode()}' for name, value in more.items())
    return f'{{"id":"c-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{inner}]{extra}}}'


def delta(inner: str, finish: str = "null", index: int = 0) -> str:
    return f'{{"index":{index},"delta":{{{inner}}},"finish_reason":{finish}}}'


async def read(stream: bytes, cuts: list[int] | None = None, n: int = 1, event_bytes: int = 1 << 20) -> list[Event]:
    edges = [0, *sorted(cuts or []), len(stream)]
    pieces = tuple(stream[a:b] for a, b in itertools.pairwise(edges) if a < b)
    transport = MemoryTransport(lambda request: Reply(chunks=pieces))
    opened = await transport.open(Request("POST", "/chat/completions"))
    reading = SseStream(opened, ChunkReader("up", choices=n), "up", event_bytes)
    return [event async for batch in reading.batches() for event in batch]


async def handed(stream: bytes, cuts: list[int], refused: set[int]) -> list[Event]:
    """The same, handed over as it arrives; after these batches the next one is asked for."""
    edges = [0, *sorted(cuts), len(stream)]
    pieces = tuple(stream[a:b] for a, b in itertools.pairwise(edges) if a < b)
    opened = await MemoryTransport(lambda request: Reply(chunks=pieces)).open(Request("POST", "/chat/completions"))
    reading = SseStream(opened, ChunkReader("up"), "up", 1 << 20)
    events: list[Event] = []
    batches = 0

    def take(batch: tuple[Event, ...]) -> bool:
        nonlocal batches
        batches += 1
        events.extend(batch)
        return batches not in refused

    async for batch in reading.batches():
        events += batch
        seen = batches
        assert await reading.flow(take) == batches - seen
    return events


def folded(events: list[Event]) -> Answer:
    fold = Fold()
    for event in events:
        fold.add(event)
    assert fold.complete
    return fold.answer()


OPENAI = sse(
    frame(delta('"role":"assistant","content":"","refusal":null'), service_tier="default", usage=None),
    frame(delta('"content":"Hello"'), obfuscation="x1"),
    frame(delta('"content":" 你好😀"')),
    frame(delta("", '"stop"')),
    frame(
        "",
        usage={
            "prompt_tokens": 9,
            "completion_tokens": 3,
            "total_tokens": 12,
            "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 1, "accepted_prediction_tokens": 0},
        },
    ),
)
DEEPSEEK = sse(
    frame(delta('"role":"assistant","content":null,"reasoning_content":""'), usage=None),
    frame(delta('"content":null,"reasoning_content":"Let me"'), usage=None),
    frame(delta('"content":null,"reasoning_content":" think."'), usage=None),
    frame(delta('"content":"42","reasoning_content":null'), usage=None),
    frame(
        delta('"content":"","reasoning_content":null', '"stop"'),
        usage={
            "prompt_tokens": 10,
            "completion_tokens": 8,
            "total_tokens": 18,
            "prompt_cache_hit_tokens": 6,
            "prompt_cache_miss_tokens": 4,
            "completion_tokens_details": {"reasoning_tokens": 5},
        },
    ),
)
QWEN = sse(  # DashScope: usage in a chunk of its own with empty choices; thoughts before the content
    frame(delta('"content":null,"role":"assistant","reasoning_content":""')),
    frame(delta('"content":null,"reasoning_content":"好的"')),
    frame(delta('"content":"","reasoning_content":null')),
    frame(delta('"content":"答案是4","reasoning_content":null')),
    frame(delta('"content":""', '"stop"')),
    frame("", usage={"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}),
)
VLLM = sse(  # `reasoning`, usage so far on each chunk (continuous_usage_stats), stop_reason
    frame(delta('"role":"assistant","content":""'), usage={"prompt_tokens": 5, "total_tokens": 5}),
    frame(delta('"reasoning":"Hm"'), usage={"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}),
    frame(delta('"content":"Yes"'), usage={"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}),
    frame(
        '{"index":0,"delta":{"content":"."},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}',
        usage={"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8},
    ),
)
OLLAMA = sse(  # role on every chunk, the whole call in one piece
    frame(delta('"role":"assistant","content":"","reasoning":"I should call"')),
    frame(
        delta(
            '"role":"assistant","content":"","tool_calls":[{"id":"call_a","index":0,"type":"function",'
            '"function":{"name":"f","arguments":"{\\"a\\":1}"}}]'
        )
    ),
    frame(delta('"role":"assistant","content":""', '"tool_calls"')),
    frame("", usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}),
)
OPENROUTER = b": OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n" + sse(
    frame(
        delta(
            '"role":"assistant","content":"","reasoning":"Step 1","reasoning_details":[{"type":"reasoning.text",'
            '"text":"Step 1","format":"anthropic-claude-v1","index":0}]'
        ),
        provider="Anthropic",
    ),
    frame(
        delta(
            '"role":"assistant","content":"","reasoning":null,"reasoning_details":[{"type":"reasoning.text",'
            '"signature":"sig==","format":"anthropic-claude-v1","index":0}]'
        )
    ),
    frame(delta('"role":"assistant","content":"Done"')),
    frame(
        '{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop","native_finish_reason":"end_turn"}',
        usage={"prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 10, "cost": 0.001},
    ),
)
MOONSHOT = sse(  # usage inside the last choice
    frame(delta('"role":"assistant","content":""')),
    frame(delta('"content":"Hi"')),
    frame(
        '{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":3,"completion_tokens":1,'
        '"total_tokens":4,"cached_tokens":2}}'
    ),
)
LLAMA_CPP = sse(
    frame('{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}'),
    frame('{"finish_reason":null,"index":0,"delta":{"content":"ok"}}'),
    frame('{"finish_reason":"length","index":0,"delta":{}}', timings={"prompt_n": 3, "predicted_n": 1}),
    frame("", usage={"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}),
)
MISTRAL = sse(  # content as parts
    frame(delta('"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"Mm"}]}]')),
    frame(delta('"content":[{"type":"text","text":"Oui"}]')),
    frame(delta('"content":""', '"stop"'), usage={"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}),
)
F1, F2 = ToolCall("call_a", "f", '{"a":1}'), ToolCall("call_b", "g", "{}")

SAMPLES = [
    ("openai", OPENAI, "", "Hello 你好😀", (), "stop", Usage(9, 3, 4, 1)),
    ("deepseek", DEEPSEEK, "Let me think.", "42", (), "stop", Usage(10, 8, 6, 5)),
    ("qwen", QWEN, "好的", "答案是4", (), "stop", Usage(7, 5)),
    ("vllm", VLLM, "Hm", "Yes.", (), "stop", Usage(5, 3)),
    ("ollama", OLLAMA, "I should call", "", (F1,), "tool_calls", Usage(3, 2)),
    ("openrouter", OPENROUTER, "Step 1", "Done", (), "stop", Usage(4, 6)),
    ("moonshot", MOONSHOT, "", "Hi", (), "stop", Usage(3, 1, 2)),
    ("llama.cpp", LLAMA_CPP, "", "ok", (), "length", Usage(3, 1)),
    ("mistral", MISTRAL, "Mm", "Oui", (), "stop", Usage(1, 1)),
]


@pytest.mark.parametrize(("name", "stream", "thought", "text", "calls", "stop", "usage"), SAMPLES)
async def test_streams_of_known_services(
    name: str, stream: bytes, thought: str, text: str, calls: tuple[ToolCall, ...], stop: str, usage: Usage
) -> None:
    answer = folded(await read(stream))
    choice = answer.choices[0]
    assert (choice.thought, choice.text, choice.tool_calls, choice.stop) == (thought, text, calls, stop)
    assert answer.usage == usage
    assert [t.signature for t in choice.thoughts] == (["openai:sig=="] if name == "openrouter" else [])


@given(st.sampled_from([sample[1] for sample in SAMPLES]), st.data())
async def test_any_cutting_gives_the_same_answer_and_the_same_events(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12))
    whole = await read(stream)
    assert await read(stream, cuts) == whole
    assert folded(await read(stream.replace(b"\n", b"\r\n"), cuts)) == folded(whole)


@given(st.sampled_from([sample[1] for sample in SAMPLES]), st.data())
async def test_handed_over_as_they_arrive_the_events_are_the_same(stream: bytes, data: st.DataObject) -> None:
    ends = [at + 2 for at in range(len(stream)) if stream.startswith(b"\n\n", at)]
    cuts = data.draw(st.lists(st.one_of(st.integers(0, len(stream)), st.sampled_from(ends)), max_size=16))
    refused = data.draw(st.sets(st.integers(1, 8)))
    whole = await read(stream)
    assert await handed(stream, cuts, refused) == whole
    assert folded(await handed(stream.replace(b"\n", b"\r\n"), cuts, refused)) == folded(whole)


async def test_an_event_over_the_limit_is_found_as_it_arrives() -> None:
    begun = OPENAI.index(b"data: ", 300)
    with pytest.raises(Fault, match="upstream_malformed"):
        await handed(OPENAI[:begun] + b"data: " + b"y" * (2 << 20), [begun], set())


async def test_each_event_of_the_upstream_is_one_of_ours_with_its_exact_json() -> None:
    events = await read(OPENAI)
    sent = [line[6:] for line in OPENAI.split(b"\n\n") if line.startswith(b"data: {")]
    assert [event.wire for event in events] == sent


async def test_one_spelling_of_thoughts_is_passed_on() -> None:
    for stream in (VLLM, OLLAMA, OPENROUTER, MISTRAL):
        thoughts = [event.wire for event in await read(stream) if b"hought" in repr(event.deltas).encode()]
        assert all(b'"reasoning_content":' in (wire or b"") for wire in thoughts[:1])
        assert all(b'"reasoning":"' not in (wire or b"") for wire in thoughts)
    passed = [event.wire for event in await read(DEEPSEEK)]
    assert passed == [line[6:] for line in DEEPSEEK.split(b"\n\n") if line.startswith(b"data: {")]


def calls(*pieces: str, finish: str = '"tool_calls"', n: int = 1) -> bytes:
    return sse(*[frame(delta(f'"tool_calls":[{piece}]')) for piece in pieces], frame(delta("", finish)))


def f(name: str | None = None, arguments: str | None = None, **more: Any) -> str:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return msgspec.json.encode({**more, "function": function}).decode()


A = {"id": "call_a", "index": 0}
B = {"id": "call_b", "index": 1}
TOOL_CASES = [
    (
        "one after the other",
        calls(f("f", "", **A), f(None, '{"a"', index=0), f(None, ":1}", index=0), f("g", "{}", **B)),
    ),
    ("interleaved", calls(f("f", '{"a"', **A), f("g", "{", **B), f(None, ":1}", index=0), f(None, "}", index=1))),
    ("whole in one event", calls(f("f", '{"a":1}', **A) + "," + f("g", "{}", **B))),
    ("arguments before the name", calls(f(None, '{"a"', **A), f("f", ":1}", index=0), f("g", "{}", **B))),
    ("no index", calls(f("f", '{"a"', id="call_a"), f(None, ":1}"), f("g", "{}", id="call_b"))),
    ("no index, id repeated", calls(f("f", '{"a"', id="call_a"), f("", ":1}", id="call_a"), f("g", "{}", id="call_b"))),
    ("all are number 0", calls(f("f", '{"a":1}', **A), f("g", "{}", id="call_b", index=0))),
    ("another id on every piece", calls(f("f", '{"a"', **A), f(None, ":1}", id="call_z", index=0), f("g", "{}", **B))),
    ("name on every piece", calls(f("f", '{"a"', **A), f("f", ":1}", index=0), f("g", "{}", **B))),
    ("indexes from 1", calls(f("f", '{"a":1}', id="call_a", index=1), f("g", "{}", id="call_b", index=2))),
    ("null arguments first", calls(f("f", None, **A), f(None, '{"a":1}', index=0), f("g", "{}", **B))),
    ("finish says stop", calls(f("f", '{"a":1}', **A), f("g", "{}", **B), finish='"stop"')),
]


@pytest.mark.parametrize(("name", "stream"), TOOL_CASES)
async def test_tool_calls_in_every_disorder(name: str, stream: bytes) -> None:
    events = await read(stream)
    choice = folded(events).choices[0]
    assert choice.tool_calls == (F1, F2)
    assert choice.stop == ("stop" if name == "finish says stop" else "tool_calls")
    ends = [d.call for event in events for d in event.deltas if isinstance(d, ToolCallEnd)]
    assert sorted(ends) == [0, 1]


async def test_pieces_that_were_put_right_are_not_passed_on_as_they_were() -> None:
    good = await read(TOOL_CASES[0][1])
    assert all(event.wire is not None for event in good)
    bad = await read(TOOL_CASES[4][1])
    assert [event.wire is None for event in bad] == [True, True, True, False]


async def test_a_call_without_an_id_gets_one() -> None:
    call = folded(await read(calls(f("f", "{}", index=0)))).choices[0].tool_calls[0]
    assert call.id == "call_c1_0_0"


async def test_arguments_sent_as_an_object() -> None:
    stream = calls('{"index":0,"id":"call_a","function":{"name":"f","arguments":{"a":1}}}')
    assert folded(await read(stream)).choices[0].tool_calls == (F1,)


async def test_the_old_function_call() -> None:
    stream = sse(
        frame(delta('"role":"assistant","content":null,"function_call":{"name":"f","arguments":""}')),
        frame(delta('"function_call":{"arguments":"{\\"a\\":1}"}')),
        frame(delta("", '"function_call"')),
    )
    choice = folded(await read(stream)).choices[0]
    assert [(call.name, call.arguments) for call in choice.tool_calls] == [("f", '{"a":1}')]
    assert choice.stop == "tool_calls"


ENDS = [
    ("done", sse(frame(delta('"content":"a"', '"stop"'))), None),
    ("no done, finished", sse(frame(delta('"content":"a"', '"stop"')), done=False), None),
    ("done, not finished", sse(frame(delta('"content":"a"'))), None),
    ("empty finish_reason on the way", sse(frame(delta('"content":"a"', '""')), frame(delta("", '"stop"'))), None),
    ("last blank line missing", sse(frame(delta('"content":"a"', '"stop"')), done=False)[:-2], None),
    ("usage after the end", sse(frame(delta('"content":"a"', '"stop"')), frame("", usage={"total_tokens": 1})), None),
    ("done said twice", sse(frame(delta('"content":"a"', '"stop"'))) + b"data: [DONE]\n\n", None),
    ("neither", sse(frame(delta('"content":"a"')), done=False), "upstream_cut"),
    ("cut in an event", sse(frame(delta('"content":"a"')), frame(delta("")))[:-40], "upstream_cut"),
    ("nothing", b"", "upstream_cut"),
    ("only done", sse(), "upstream_malformed"),
    ("not JSON", sse(frame(delta('"content":"a"')), '{"choices":[}'), "upstream_malformed"),
    ("not a chat", sse(frame(delta('"content":"a"')), '{"hello":1}'), "upstream_malformed"),
    ("error object", sse(frame(delta('"content":"a"')), '{"error":{"message":"x","code":502}}'), "upstream_error"),
    ("flat error", sse(frame(delta('"content":"a"')), '{"object":"error","message":"x","code":400}'), "upstream_refused"),
    ("error with choices", sse(frame(delta('"content":"a"', '"error"'), error={"code": 429, "message": "x"})),
     "upstream_rate_limited"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "stream", "code"), ENDS)
async def test_every_ending(name: str, stream: bytes, code: str | None) -> None:
    if code is None:
        assert folded(await read(stream)).choices[0].text == "a"
        return
    with pytest.raises(Fault) as caught:
        await read(stream)
    assert caught.value.problem.code == code


async def test_a_choice_that_never_came_counts_as_cut() -> None:
    stream = sse(frame(delta('"content":"a"', '"stop"')), done=False)
    with pytest.raises(Fault, match="upstream_cut"):
        await read(stream, n=2)


async def test_a_choice_stops_once() -> None:
    stream = sse(frame(delta('"content":"a"', '"stop"')), frame(delta("", '"length"')))
    assert folded(await read(stream)).choices[0].stop == "stop"


async def test_an_event_over_the_limit() -> None:
    stream = sse(frame(delta('"content":"' + "x" * 500 + '"')), frame(delta("", '"stop"')))
    with pytest.raises(Fault, match="upstream_malformed"):
        await read(stream, event_bytes=400)


async def test_closing_leaves_the_upstream() -> None:
    transport = MemoryTransport(lambda request: Reply(chunks=(OPENAI[:300], OPENAI[300:])))
    opened = await transport.open(Request("POST", "/"))
    stream = SseStream(opened, ChunkReader("up"), "up", 1 << 20)
    async for _ in stream:
        break
    await stream.aclose()
    assert transport.opened[0].left
    with pytest.raises(StopAsyncIteration):
        await stream.batch()


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("sensitive", "content_filter"),
        ("tool_calls", "tool_calls"),
        ("insufficient_system_resource", "error"),
        ("eos", "stop"),
    ],
)
async def test_reasons_to_stop(reason: str, stop: str) -> None:
    assert folded(await read(sse(frame(delta('"content":"a"', f'"{reason}"'))))).choices[0].stop == stop
