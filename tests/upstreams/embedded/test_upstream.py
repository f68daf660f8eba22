"""Turns answered by the smallest model, really: what it says is weak, but how it says it must be right."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator

import jsonschema
import msgspec
import pytest
from msgspec import Raw

from tests.engine.serving import SMALL, TINY, Engine
from tests.upstreams.embedded.conftest import make_call
from tests.waiting import eventually
from zhongshu.core.answers import (
    Answer,
    Delta,
    Event,
    Fold,
    StopDelta,
    TextDelta,
    ToolCallArguments,
    ToolCallEnd,
    ToolCallStart,
    UsageDelta,
)
from zhongshu.core.ports import Call
from zhongshu.core.problems import Fault
from zhongshu.core.turns import Format, Message, Tool, ToolCall, ToolChoice
from zhongshu.engine.client import EngineClient
from zhongshu.upstreams.embedded import loops
from zhongshu.upstreams.embedded.upstream import EmbeddedUpstream

pytestmark = pytest.mark.engine
WEATHER = Tool(
    "get_weather",
    "Current weather of a city.",
    Raw(
        b'{"type":"object","properties":{"city":{"type":"string","maxLength":20},"unit":{"$ref":"#/$defs/unit"}},'
        b'"required":["city","unit"],"$defs":{"unit":{"enum":["celsius","fahrenheit"]}}}'
    ),
)
TICKET = Tool(
    "open_ticket",
    "Open a support ticket.",
    Raw(b'{"type":"object","properties":{"urgent":{"type":"boolean"}},"required":["urgent"]}'),
)
LONG = "Count from one to one thousand, every number on its own line."


async def deltas(upstream: EmbeddedUpstream, call: Call) -> list[Delta]:
    stream = await upstream.stream(call)
    return [delta async for batch in stream.batches() for event in batch for delta in event.deltas]


def text(answer: Answer) -> str:
    return answer.choices[0].text


async def test_a_stream_joins_to_the_whole_answer_and_its_prompt_is_found_again(upstream: EmbeddedUpstream):
    call = make_call("What is water made of?")
    whole = await upstream.complete(call)
    streamed = await deltas(upstream, call)
    assert text(whole)
    assert "".join(d.text for d in streamed if isinstance(d, TextDelta)) == text(whole)
    assert streamed[-2] == StopDelta(0, "length")
    usage = streamed[-1]
    assert isinstance(usage, UsageDelta)
    assert whole.usage is not None
    assert (usage.usage.completion, usage.usage.prompt) == (12, whole.usage.prompt)
    assert 0 < usage.usage.cached < usage.usage.prompt


async def test_more_choices_than_slots_each_with_its_own_seed(upstream: EmbeddedUpstream):
    sampling = {"n": SMALL.slots + 1, "seed": 2**40, "temperature": 1.5, "max_tokens": 6}
    first, again = [await upstream.complete(make_call("Name an animal.", sampling=sampling)) for _ in range(2)]
    assert [choice.index for choice in first.choices] == list(range(SMALL.slots + 1))
    assert len({choice.text for choice in first.choices}) > 1
    assert first.usage is not None
    assert first.usage.completion > 6
    assert again.usage is not None
    assert again.usage.prompt == first.usage.prompt


@pytest.mark.parametrize("stop", [("7",), ("nothing of the kind", " 5", "6")])
async def test_an_answer_ends_before_its_stop_string(upstream: EmbeddedUpstream, stop: tuple[str, ...]):
    messages = ("Count to ten.", Message("assistant", "1 2 3 4 5 6 7 8 9 10"), "Again.")
    answer = await upstream.complete(make_call(*messages, sampling={"stop": stop, "max_tokens": 40}))
    assert answer.choices[0].stop == "stop"
    assert not any(s in text(answer) for s in stop)


async def test_every_token_comes_with_its_log_probability(upstream: EmbeddedUpstream):
    answer = await upstream.complete(make_call("Hi", sampling={"logprobs": True, "top_logprobs": 3, "max_tokens": 5}))
    entries = [msgspec.json.decode(raw) for raw in answer.choices[0].logprobs or ()]
    assert "".join(entry["token"] for entry in entries) == text(answer)
    for entry in entries:
        assert set(entry) == {"token", "logprob", "bytes", "top_logprobs"}
        assert len(entry["top_logprobs"]) == 3
        assert entry["logprob"] <= 0
    without = await upstream.complete(make_call("Hi", sampling={"logprobs": True, "max_tokens": 2}))
    assert [msgspec.json.decode(raw)["top_logprobs"] for raw in without.choices[0].logprobs or ()] == [[], []]


async def test_the_answer_keeps_to_its_shape(upstream: EmbeddedUpstream):
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "green"]}, "count": {"type": "integer", "maximum": 99}},
        "required": ["colour", "count"],
        "additionalProperties": False,
    }
    shape = Format("schema", Raw(json.dumps(schema).encode()), "paint")
    answer = await upstream.complete(make_call("Pick a colour.", format=shape, sampling={"max_tokens": 60}))
    jsonschema.validate(json.loads(text(answer)), schema)
    free = make_call("Give JSON with one key.", format=Format("json"), sampling={"max_tokens": 40})
    assert text(await upstream.complete(free)).startswith("{")


async def test_what_does_not_fit_is_refused_before_any_work(upstream: EmbeddedUpstream):
    call = make_call("word " * 1100)
    for ask in (upstream.complete, upstream.stream):
        with pytest.raises(Fault, match="context_length_exceeded") as refused:
            await ask(call)
        assert refused.value.problem.status == 400
        assert "1024" in refused.value.problem.message


async def test_slots_work_side_by_side(upstream: EmbeddedUpstream):
    questions = [f"Write a sentence about the number {n}." for n in range(SMALL.slots)]
    answers = await asyncio.gather(*(upstream.complete(make_call(q)) for q in questions))
    alone = [await upstream.complete(make_call(q)) for q in questions]
    assert all(answer.choices[0].text for answer in answers)
    assert len({text(answer) for answer in alone}) > 1


@pytest.mark.parametrize("choice", [ToolChoice("required"), ToolChoice("tool", "get_weather")])
async def test_a_call_that_must_be_made_has_valid_arguments(upstream: EmbeddedUpstream, choice: ToolChoice):
    sampling = {"max_tokens": 80, "temperature": 1.0, "seed": 3, "parallel_tool_calls": False}
    call = make_call("Is it cold in Oslo?", tools=(TICKET, WEATHER), tool_choice=choice, sampling=sampling)
    seen = await deltas(upstream, call)
    start = seen[0]
    assert isinstance(start, ToolCallStart)
    assert start.id.startswith("call_")
    tool = next(tool for tool in (TICKET, WEATHER) if tool.name == start.name)
    assert choice.mode == "required" or tool is WEATHER
    arguments = "".join(d.text for d in seen if isinstance(d, ToolCallArguments))
    jsonschema.validate(json.loads(arguments), msgspec.json.decode(tool.parameters))
    assert seen[-3:-1] == [ToolCallEnd(0, 0), StopDelta(0, "tool_calls")]


async def test_a_call_cut_off_says_length(upstream: EmbeddedUpstream):
    call = make_call("Weather?", tools=(WEATHER,), tool_choice=ToolChoice("required"), sampling={"max_tokens": 3})
    answer = await upstream.complete(call)
    assert answer.choices[0].stop == "length"
    assert answer.choices[0].tool_calls[0].name == "get_weather"


@pytest.mark.parametrize("said", ["Hello!", "What is the weather in Oslo?"])
async def test_a_model_with_tools_calls_or_replies_but_never_mixes(upstream: EmbeddedUpstream, said: str):
    answer = await upstream.complete(make_call(said, tools=(WEATHER, TICKET), sampling={"max_tokens": 60}))
    choice = answer.choices[0]
    assert bool(choice.tool_calls) is not bool(choice.text)
    assert '"name"' not in choice.text
    assert "tool_call" not in choice.text


async def test_tools_that_must_not_be_called_are_not(upstream: EmbeddedUpstream):
    asked = make_call("Weather in Oslo?", tools=(WEATHER,), tool_choice=ToolChoice("none"))
    assert not (await upstream.complete(asked)).choices[0].tool_calls
    history = (
        Message("assistant", "", tool_calls=(ToolCall("1", "get_weather", '{"city":"Oslo"}'),)),
        Message("tool", "-3"),
    )
    assert text(await upstream.complete(make_call("Weather in Oslo?", *history)))


@pytest.mark.parametrize(
    "schema", ['{"type":"banana"}', '{"$ref":"#/nowhere"}', '{"type":"string","pattern":"(?=x)"}', '{"not":{}}']
)
async def test_a_schema_the_engine_cannot_follow_names_its_field(upstream: EmbeddedUpstream, schema: str):
    bad = Tool("f", parameters=Raw(b'{"type":"object","properties":{"a":%s}}' % schema.encode()))
    with pytest.raises(Fault, match="invalid_value") as refused:
        await upstream.stream(make_call("x", tools=(WEATHER, bad), tool_choice=ToolChoice("required")))
    assert refused.value.problem.param == "tools"
    with pytest.raises(Fault, match="invalid_value") as refused:
        await upstream.stream(make_call("x", format=Format("schema", Raw(schema.encode()))))
    assert refused.value.problem.param == "response_format"


async def test_thought_is_apart_bounded_and_counted(upstream: EmbeddedUpstream):
    call = make_call("What is 3 + 4?", thinking="prompted", effort="minimal", sampling={"max_tokens": 200})
    answer = await upstream.complete(call)
    choice = answer.choices[0]
    assert choice.thought
    assert "think>" not in choice.text + choice.thought
    assert answer.usage is not None
    assert 0 < answer.usage.thinking <= 96
    assert answer.usage.thinking < answer.usage.completion


@pytest.mark.parametrize(("thinking", "effort"), [("prompted", "off"), ("prompted", None), ("never", "high")])
async def test_no_thought_where_none_was_asked_for(upstream: EmbeddedUpstream, thinking: str, effort: str | None):
    answer = await upstream.complete(make_call("Hi", thinking=thinking, effort=effort))
    assert answer.choices[0].thought == ""
    assert answer.usage is not None
    assert answer.usage.thinking == 0


async def test_prompts_are_continued_as_they_stand(upstream: EmbeddedUpstream):
    call = make_call(kind="completion", prompts=("One, two,", "Red, green,"), sampling={"n": 2, "max_tokens": 4})
    answer = await upstream.complete(call)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert answer.choices[0].text == answer.choices[1].text
    assert " three" in answer.choices[0].text


async def busy(engine: EngineClient) -> int:
    status = (await engine.status()).models[0]
    return status.slots_busy + status.waiting


async def test_leaving_frees_the_slot(upstream: EmbeddedUpstream, engine):
    client = EngineClient(engine.socket_path)
    stream = await upstream.stream(make_call(LONG, sampling={"max_tokens": 900, "n": 2}))
    await eventually(lambda: _all_busy(client))
    await stream.aclose()
    await eventually(lambda: _is_idle(client))
    asking = asyncio.create_task(upstream.complete(make_call(LONG, sampling={"max_tokens": 900})))
    await eventually(lambda: _is_busy(client))
    asking.cancel()
    await eventually(lambda: _is_idle(client))
    await client.aclose()


async def _all_busy(client: EngineClient) -> bool:
    return await busy(client) == 2


async def _is_idle(client: EngineClient) -> bool:
    return await busy(client) == 0


async def _is_busy(client: EngineClient) -> bool:
    return await busy(client) > 0


async def test_a_crash_in_mid_stream_is_told_and_the_next_turn_works(upstream: EmbeddedUpstream, engine):
    client = EngineClient(engine.socket_path)
    stream = await upstream.stream(make_call(LONG, sampling={"max_tokens": 900}))
    fold, batches = Fold(), stream.batches()
    for _ in range(3):
        fold.add((await anext(batches))[0])
    pid = (await client.status()).models[0].pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(Fault, match="engine_crashed") as crashed:
        await _read(batches, fold)
    assert crashed.value.problem.retry_after_s
    assert fold.sent_content()
    assert text(await upstream.complete(make_call("Hi")))
    assert (await client.status()).models[0].restarts >= 1
    await client.aclose()


async def _read(batches: AsyncIterator[tuple[Event, ...]], fold: Fold) -> None:
    async for batch in batches:
        fold.add(batch[0])


async def test_a_process_that_died_unseen_costs_no_turn(upstream: EmbeddedUpstream, engine):
    client = EngineClient(engine.socket_path)
    await upstream.complete(make_call("Hi"))
    for _ in range(2):
        pid = (await client.status()).models[0].pid
        if pid:
            os.kill(pid, signal.SIGKILL)
        assert text(await upstream.complete(make_call("Hi")))
    await client.aclose()


async def test_check_needs_no_model(upstream: EmbeddedUpstream, engine, tmp_path):
    await upstream.check()
    lost = EmbeddedUpstream("embedded", EngineClient(tmp_path / "none.sock"))
    with pytest.raises(Fault, match="engine_unavailable"):
        await lost.check()


async def test_vectors_have_the_length_they_have(upstream: EmbeddedUpstream):
    with pytest.raises(Fault, match="unsupported") as refused:
        await upstream.embed(make_call(kind="embedding", prompts=("a",), dimensions=7, model=TINY))
    assert refused.value.problem.param == "dimensions"


STARS = "你好，请介绍一下你自己"
LINE = "We count the apples in the basket once more. "


@pytest.mark.parametrize(("bound", "guarded"), [(None, True), (90, True), (90, False)])
async def test_an_answer_that_goes_round_ends_where_nobody_bounded_it(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, bound: int | None, guarded: bool
):
    """A real model that greets in nothing but stars. Who gives `max_tokens` gets them all."""
    monkeypatch.setattr(loops, "ENOUGH", 60)
    upstream = EmbeddedUpstream("embedded", EngineClient(engine.socket_path), guard=guarded)
    call = make_call(Message("user", STARS), sampling={"temperature": 0, "max_tokens": bound})
    answer = await upstream.complete(call)
    await upstream.aclose()
    (choice,) = answer.choices
    assert answer.usage is not None
    assert answer.usage.prompt > 0
    assert choice.stop == "length"
    assert len(set(choice.text)) < 5
    if bound:
        assert (call.answer_ended, answer.usage.completion) == ("", bound)
    else:
        assert call.answer_ended == "repeating"
        assert 60 <= answer.usage.completion < 80


@pytest.mark.parametrize("guarded", [True, False])
async def test_a_thought_that_goes_round_is_closed_and_it_is_told(engine: Engine, guarded: bool):
    """A real model, brought to repeat itself by an earlier answer that does. Without the guard it goes on."""
    upstream = EmbeddedUpstream("embedded", EngineClient(engine.socket_path), guard=guarded)
    said = Message("assistant", f"<think>\n{LINE * 12}</think>\n\nTwelve.")
    asked = (
        Message("user", "Think aloud about the apples."),
        said,
        Message("user", "Think aloud about the apples again."),
    )
    call = make_call(*asked, thinking="prompted", effort="medium", sampling={"max_tokens": 120})
    answer = await upstream.complete(call)
    await upstream.aclose()
    (choice,) = answer.choices
    assert choice.thought.count(LINE.strip()) >= 3
    assert answer.usage is not None
    if guarded:
        assert call.thought_ended == "repeating"
        assert choice.text, "the answer follows"
        assert answer.usage.thinking < 100
    else:
        assert (call.thought_ended, choice.text, choice.stop) == ("", "", "length")
