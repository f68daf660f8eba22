"""Every protocol in front of every wire format: what the upstream answers is what the client reads, plain and streamed."""

import pytest

from tests.contract.conftest import CHUNKINGS
from tests.contract.words import CITY, ZONE, Ask, Call, Used
from zhongshu.upstreams.scripted.script import SHIPPED

HELLO, THOUGHT = SHIPPED["mock"].text, SHIPPED["mock-thought"].thought
BOTH = (Call("get_weather", CITY), Call("get_time", ZONE))
# model -> text, thought, calls, stop, tokens of the answer (a token for each piece), of thought
ANSWERS = {
    "mock": (HELLO, "", (), "stop", 8, 0),
    "mock-thought": (HELLO, THOUGHT, (), "stop", 14, 6),
    "mock-tool": ("", "", BOTH[:1], "tool_calls", 1, 0),
    "mock-tools": ("Let me look.", "", BOTH, "tool_calls", 5, 0),
    "mock-filtered": ("I", "", (), "content_filter", 1, 0),
}


def unsigned(calls):
    return tuple(Call(call.name, call.arguments) for call in calls)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ANSWERS)
def test_an_answer(cell, model, stream):
    text, thought, calls, stop, made, thinking = ANSWERS[model]
    said = cell.said(Ask(model, tools=True, think=True), stream)
    prompt = len(cell.house.last()) // 4
    assert (said.text, said.thought, unsigned(said.calls), said.stop) == (text, thought, calls, stop)
    assert said.used == Used(prompt, made, prompt // 2, thinking)


@pytest.mark.parametrize("chunking", CHUNKINGS)
def test_a_stream_amounts_to_the_plain_answer_however_it_is_cut(cell, chunking):
    ask = Ask(f"all-{chunking}", tools=True, think=True)
    plain, streamed = cell.said(ask), cell.said(ask, stream=True)
    assert (plain.text, plain.thought, unsigned(plain.calls)) == ("Let me look. 😀", THOUGHT, BOTH)
    assert streamed.used.completion == plain.used.completion
    same = (plain.text, plain.thought, plain.calls, plain.stop, plain.signatures)
    assert (streamed.text, streamed.thought, streamed.calls, streamed.stop, streamed.signatures) == same
