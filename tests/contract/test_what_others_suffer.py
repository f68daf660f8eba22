"""What users of other gateways report, over every protocol and wire format where it can happen.

LiteLLM #25321, #25836, #26167, Bifrost #3638: calls and stop reasons lost while a stream is translated.
LiteLLM #27946, new-api #5530, vLLM #27703: thoughts spelt in three ways, signatures lost (see test_requests).
LiteLLM #37923, #36168: usage lost or counted twice while streaming. OpenCode #43379: no finish reason, no last usage.
"""

import pytest

from tests.contract.words import CITY, ZONE, Ask, Call
from zhongshu.upstreams.scripted.script import SHIPPED

HELLO, THOUGHT = SHIPPED["mock"].text, SHIPPED["mock-thought"].thought


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["mock-tools-no-index", "mock-tool-no-id"])
def test_calls_without_a_number_or_an_id_stay_apart(cell, model, stream):
    if model == "mock-tool-no-id" and (cell.protocol.NAME, cell.wire) == ("anthropic.messages", "anthropic"):
        return  # Anthropic names its calls
    said = cell.said(Ask(model, tools=True), stream)
    both = (Call("get_weather", CITY), Call("get_time", ZONE))
    made = tuple(Call(call.name, call.arguments) for call in said.calls)
    assert made == (both if model == "mock-tools-no-index" else (Call("get_weather", {"city": "上海"}),))
    assert said.stop == "tool_calls"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["mock-thought-reasoning", "mock-thought-details"])
def test_thoughts_are_one_thing_however_they_are_spelt(cell, model, stream):
    said = cell.said(Ask(model, think=True), stream)
    assert (said.text, said.thought) == (HELLO, THOUGHT)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["mock-usage-doubled", "mock-usage-each", "mock-usage-choice"])
def test_usage_counts_once_wherever_it_stands(cell, model, stream):
    said = cell.said(Ask(model), stream)
    prompt = len(cell.house.last()) // 4
    so_far = stream and cell.wire == "openai" and model == "mock-usage-each"  # counts its first, empty event too
    assert (said.used.prompt, said.used.completion, said.used.cached) == (prompt, 9 if so_far else 8, prompt // 2)


@pytest.mark.parametrize("stream", [False, True])
def test_usage_that_is_not_said_is_estimated_and_says_so(cell, stream):
    if (cell.protocol.NAME, cell.wire) == ("anthropic.messages", "anthropic"):
        return  # passed on as it came; Anthropic always says it
    reply = cell.send(Ask("mock-usage-missing"), stream)
    assert b'"estimated":true' in reply.body
    said = (cell.protocol.streamed if stream else cell.protocol.whole)(reply.body)
    assert said.used.prompt > 0
    assert said.used.completion > 0


def test_a_stream_without_an_end_mark_is_whole_where_its_answer_said_why_it_stopped(cell):
    if cell.wire == "anthropic":
        return  # message_stop is more than a mark there; see tests/upstreams/anthropic
    said = cell.said(Ask("mock-no-done"), stream=True)
    assert (said.text, said.stop) == (HELLO, "stop")
