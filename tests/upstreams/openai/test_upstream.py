"""The contract of an upstream, kept against the scripted one over loopback: every answer and every failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from tests.upstreams.conftest import make_call
from tests.waiting import eventually
from zhongshu.core.answers import Answer, Event, Fold
from zhongshu.core.ports import Call, EventStream
from zhongshu.core.problems import Fault, Problem
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.upstream import OpenAIUpstream
from zhongshu.upstreams.scripted.script import SHIPPED
from zhongshu.upstreams.scripted.serve import Served
from zhongshu.upstreams.transport import HttpTransport, Limits

HASTY = Limits(connect_s=60, first_byte_s=0.5, idle_s=0.5)  # for what hangs; nothing else is to be over by itself
Asked = Callable[[str], OpenAIUpstream]
TEXT = SHIPPED["mock"].text
THOUGHT = SHIPPED["mock-thought"].thought
WEATHER = ("call_weather", "get_weather", '{"city": "北京", "unit": "celsius"}')
CLOCK = ("call_time", "get_time", '{"zone": "Asia/Shanghai"}')


@pytest.fixture
async def upstream(served: Served) -> AsyncIterator[OpenAIUpstream]:
    made = OpenAIUpstream("scripted", Manner(), HttpTransport("scripted", served.base_url))
    yield made
    await made.aclose()


@pytest.fixture
async def asked(upstream: OpenAIUpstream, served: Served) -> AsyncIterator[Asked]:
    """The one to ask for a model."""
    hasty = OpenAIUpstream("scripted", Manner(), HttpTransport("scripted", served.base_url, limits=HASTY))
    yield lambda model: hasty if "hang" in model else upstream
    await hasty.aclose()


async def events_of(upstream: OpenAIUpstream, call: Call) -> list[Event]:
    stream = await upstream.stream(call)
    return [event async for batch in stream.batches() for event in batch]


async def streamed(upstream: OpenAIUpstream, call: Call) -> Answer:
    fold = Fold()
    for event in await events_of(upstream, call):
        fold.add(event)
    return fold.answer()


async def fill(fold: Fold, stream: EventStream) -> None:
    async for batch in stream.batches():
        for event in batch:
            fold.add(event)


async def problem_of(work: Any) -> Problem:
    with pytest.raises(Fault) as caught:
        await work
    return caught.value.problem


def calls_of(answer: Answer) -> list[tuple[str, str, str]]:
    return [(call.id, call.name, call.arguments) for call in answer.choices[0].tool_calls]


ANSWERS = [
    "mock",
    "mock-packed",
    "mock-crlf",
    "mock-cr",
    "mock-thought",
    "mock-thought-reasoning",
    "mock-thought-details",
    "mock-tool",
    "mock-tools",
    "mock-tools-no-index",
    "mock-tool-no-id",
    "mock-refusal",
    "mock-filtered",
    "mock-extra",
    "mock-usage-each",
    "mock-usage-choice",
    "mock-usage-doubled",
    "mock-no-done",
    "mock-no-finish",
    "mock-big",
]


@pytest.mark.parametrize("model", ANSWERS)
async def test_a_stream_amounts_to_the_plain_answer(upstream: OpenAIUpstream, model: str) -> None:
    plain = await upstream.complete(make_call(model))
    folded = await streamed(upstream, make_call(model))
    assert len(folded.choices) == len(plain.choices) == 1
    made = {made: "made" for choice in (*plain.choices, *folded.choices) for made in _made_ids(choice)}
    assert _with_ids(folded, made) == _with_ids(plain, made)


def _made_ids(choice: Any) -> list[str]:
    """Ids made of the reply's own, which differs between two requests."""
    return [call.id for call in choice.tool_calls if "mock" in call.id]


def _with_ids(answer: Answer, names: dict[str, str]) -> list[Any]:
    found = msgspec.to_builtins(answer.choices)
    for choice in found:
        for call in choice["tool_calls"]:
            call["id"] = names.get(call["id"], call["id"])
    return found


async def test_texts_thoughts_and_calls_are_what_was_sent(upstream: OpenAIUpstream) -> None:
    for ask in (upstream.complete, lambda call: streamed(upstream, call)):
        assert (await ask(make_call("mock"))).choices[0].text == TEXT
        for model in ("mock-thought", "mock-thought-reasoning", "mock-thought-details"):
            choice = (await ask(make_call(model))).choices[0]
            assert (choice.thought, choice.text, choice.stop) == (THOUGHT, TEXT, "stop")
        assert calls_of(await ask(make_call("mock-tools"))) == [WEATHER, CLOCK]
        assert calls_of(await ask(make_call("mock-tools-no-index"))) == [WEATHER, CLOCK]
        assert (await ask(make_call("mock-tools"))).choices[0].stop == "tool_calls"
        assert (await ask(make_call("mock-refusal"))).choices[0].refusal == "I cannot help with that."
        assert (await ask(make_call("mock-filtered"))).choices[0].stop == "content_filter"
        assert (await ask(make_call("mock-no-finish"))).choices[0].stop == "stop"


@pytest.mark.parametrize(
    ("model", "factor"),
    [
        ("mock", 1),
        ("mock-usage-wrong", 10),
        ("mock-usage-each", 1),
        ("mock-usage-choice", 1),
        ("mock-usage-doubled", 1),
    ],
)
async def test_usage_is_what_the_upstream_says(upstream: OpenAIUpstream, model: str, factor: int) -> None:
    pieces = -(-len(TEXT) // SHIPPED["mock"].piece_characters)
    for answer in (await upstream.complete(make_call(model)), await streamed(upstream, make_call(model))):
        usage = answer.usage
        assert usage is not None
        # with `each`, the event of the role alone counts as one too
        assert usage.completion in (pieces * factor, pieces + 1)
        assert usage.prompt > 0
        assert usage.cached > 0
        assert not usage.estimated


async def test_usage_that_is_missing_stays_missing(upstream: OpenAIUpstream) -> None:
    assert (await upstream.complete(make_call("mock-usage-missing"))).usage is None
    assert (await streamed(upstream, make_call("mock-usage-missing"))).usage is None


async def test_thinking_tokens_are_told_apart(upstream: OpenAIUpstream) -> None:
    for answer in (
        await upstream.complete(make_call("mock-thought")),
        await streamed(upstream, make_call("mock-thought")),
    ):
        assert answer.usage is not None
        assert 0 < answer.usage.thinking < answer.usage.completion


async def test_several_choices(upstream: OpenAIUpstream) -> None:
    body = b'{"model":"m","messages":[],"n":3}'
    for answer in (await upstream.complete(make_call(body=body)), await streamed(upstream, make_call(body=body))):
        assert [choice.index for choice in answer.choices] == [0, 1, 2]
        assert {choice.text for choice in answer.choices} == {TEXT}


async def test_logprobs(upstream: OpenAIUpstream) -> None:
    body = b'{"model":"m","messages":[],"logprobs":true}'
    plain, folded = await upstream.complete(make_call(body=body)), await streamed(upstream, make_call(body=body))
    assert plain.choices[0].logprobs
    assert plain.choices == folded.choices


async def test_completions(upstream: OpenAIUpstream) -> None:
    call = make_call(kind="completion", prompts=("Once",), body=b'{"model":"m","prompt":"Once","max_tokens":3}')
    plain, folded = await upstream.complete(call), await streamed(upstream, call)
    assert plain.choices == folded.choices
    assert plain.choices[0].stop == "length"
    assert plain.choices[0].text == TEXT[:15]
    assert plain.dialect == "openai.completion"


async def test_embeddings(upstream: OpenAIUpstream) -> None:
    floats = await upstream.embed(make_call(kind="embedding", prompts=("a", "b")))
    packed = await upstream.embed(
        make_call(kind="embedding", prompts=("a", "b"), body=b'{"input":["a","b"],"encoding_format":"base64"}')
    )
    assert len(floats.vectors) == 2
    assert floats.vectors[0] != floats.vectors[1]
    assert packed.vectors[0] == pytest.approx(floats.vectors[0], abs=1e-6)
    assert floats.usage is not None
    assert floats.usage.prompt == 2


async def test_check(upstream: OpenAIUpstream) -> None:
    await upstream.check()


FAILURES = [
    ("mock-400", "upstream_refused", 400),
    ("mock-404", "upstream_refused", 404),
    ("mock-context", "context_length_exceeded", 400),
    ("mock-401", "upstream_auth", 502),
    ("mock-402", "upstream_unpaid", 502),
    ("mock-429", "upstream_rate_limited", 429),
    ("mock-500", "upstream_error", 502),
    ("mock-529", "upstream_error", 502),
    ("mock-html", "upstream_error", 502),
    ("mock-hang", "upstream_timeout", 504),
    ("mock-reset", "upstream_unreachable", 502),
    ("mock-close", "upstream_unreachable", 502),
    ("mock-hang-mid", "upstream_timeout", 504),
    ("mock-cut", "upstream_cut", 502),
    ("mock-reset-mid", "upstream_cut", 502),
    ("mock-bad-json", "upstream_malformed", 502),
    ("mock-bad-utf8", "upstream_malformed", 502),
]


@pytest.mark.parametrize(("model", "code", "status"), [*FAILURES, ("mock-html-200", "upstream_malformed", 502)])
async def test_every_failure_of_a_plain_reply(asked: Asked, model: str, code: str, status: int) -> None:
    problem = await problem_of(asked(model).complete(make_call(model)))
    assert (problem.code, problem.status) == (code, status)


@pytest.mark.parametrize(
    ("model", "code", "status"),
    [*FAILURES, ("mock-error-mid", "upstream_error", 502), ("mock-bad-sse", "upstream_cut", 502)],
)
async def test_every_failure_of_a_stream(asked: Asked, model: str, code: str, status: int) -> None:
    problem = await problem_of(events_of(asked(model), make_call(model)))
    assert (problem.code, problem.status) == (code, status)


async def test_what_came_before_a_break_is_given_first(asked: Asked) -> None:
    for model in ("mock-cut", "mock-error-mid", "mock-bad-json", "mock-hang-mid"):
        stream = await asked(model).stream(make_call(model))
        fold = Fold()
        with pytest.raises(Fault):
            await fill(fold, stream)
        assert fold.answer().choices[0].text == TEXT[:10]


async def test_retry_after_and_the_context_are_read(upstream: OpenAIUpstream) -> None:
    assert (await problem_of(upstream.complete(make_call("mock-429")))).retry_after_s == 7
    problem = await problem_of(upstream.stream(make_call("mock-context")))
    assert "5000 tokens" in problem.message
    assert "4096" in problem.message
    assert "`asked`" in problem.message


async def test_what_a_client_sent_arrives_as_it_was(upstream: OpenAIUpstream) -> None:
    body = (
        b'{ "model" : "asked", "messages":[{"role":"user","content":"\\u4f60\\ud83d\\ude00 \xe5\xa5\xbd"}],'
        b'"seed":12345678901234567890,"temperature":0.10,"top_p":1e0,"x":{"z":1,"a":[1.0,2E5]},"zhongshu":{"tag":"t"}}'
    )
    answer = await upstream.complete(make_call("mock-echo", body))
    assert answer.choices[0].text.encode() == (
        b'{"model":"mock-echo","messages":[{"role":"user","content":"\\u4f60\\ud83d\\ude00 \xe5\xa5\xbd"}],'
        b'"seed":12345678901234567890,"temperature":0.10,"top_p":1e0,"x":{"z":1,"a":[1.0,2E5]}}'
    )


async def test_what_an_upstream_sent_arrives_as_it_was(upstream: OpenAIUpstream) -> None:
    exact = b'"x_unknown":{"z":1,"a":[12345678901234567890,1.50,1e3,"\\ud83d\\ude00"]}'
    answer = await upstream.complete(make_call("mock-extra"))
    assert answer.wire is not None
    assert exact in answer.wire
    events = await events_of(upstream, make_call("mock-extra"))
    assert all(event.wire is not None and exact in event.wire for event in events)
    assert {event.dialect for event in events} == {"openai.chat"}


async def test_connections_are_kept(upstream: OpenAIUpstream, served: Served) -> None:
    await upstream.complete(make_call())
    before = served.app.stats.connections
    for _ in range(5):
        await upstream.complete(make_call())
        await streamed(upstream, make_call())
        await problem_of(upstream.stream(make_call("mock-500")))
    assert served.app.stats.connections == before


async def left(served: Served, before: int) -> None:
    """Wait until the upstream has noticed."""
    await eventually(lambda: served.app.stats.left > before and served.app.stats.in_flight == 0)


async def nobody(served: Served) -> None:
    """Wait until nobody of an earlier test is being answered."""
    await eventually(lambda: served.app.stats.in_flight == 0)


@pytest.mark.parametrize("mock", [b'{"broken":{"how":"hang"}}', b'{"first_s":600}'])
async def test_leaving_before_the_first_byte_is_seen_by_the_upstream(
    upstream: OpenAIUpstream, served: Served, mock: bytes
) -> None:
    for ask in (upstream.complete, upstream.stream):
        await nobody(served)
        before = served.app.stats.left
        task = asyncio.create_task(ask(make_call(body=b'{"model":"m","messages":[],"mock":%b}' % mock)))
        await eventually(lambda: served.app.stats.in_flight)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await left(served, before)


async def test_leaving_in_the_middle_stops_the_upstream(upstream: OpenAIUpstream, served: Served) -> None:
    """However late it notices, it has not made its whole answer."""
    await nobody(served)
    before, tokens = served.app.stats.left, served.app.stats.tokens_sent
    endless = b'{"model":"m","messages":[],"mock":{"times":5000,"each_s":0.02}}'
    stream = await upstream.stream(make_call(body=endless))
    received = 0
    async for batch in stream.batches():
        received += len(batch)
        if received >= 5:
            break
    await stream.aclose()
    await left(served, before)
    assert served.app.stats.tokens_sent - tokens < 5000
    assert [event async for batch in stream.batches() for event in batch] == []


async def test_a_slow_stream_within_its_limits_is_not_cut(served: Served) -> None:
    """The whole of it takes longer than any of its parts may."""
    limits = Limits(connect_s=60, first_byte_s=3, idle_s=3)
    upstream = OpenAIUpstream("scripted", Manner(), HttpTransport("scripted", served.base_url, limits=limits))
    body = b'{"model":"m","messages":[],"mock":{"each_s":0.5,"text":"012345678901234567890123456789","first_s":0.5}}'
    assert (await streamed(upstream, make_call(body=body))).choices[0].text == "0123456789" * 3
    await upstream.aclose()


async def test_an_upstream_that_does_not_stream(upstream: OpenAIUpstream) -> None:
    whole = (await upstream.complete(make_call("mock-tools"))).wire
    assert whole is not None
    change = msgspec.json.encode({"model": "m", "messages": [], "mock": {"body": whole.decode()}})
    folded = await streamed(upstream, make_call(body=change))
    assert calls_of(folded) == [WEATHER, CLOCK]
    assert folded.usage is not None
