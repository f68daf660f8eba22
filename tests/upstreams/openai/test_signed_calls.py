"""Google in OpenAI's format: the signature of a call is read, carried and written back; other services never see it."""

from __future__ import annotations

import msgspec
import pytest

from tests.upstreams.embedded.conftest import make_call
from zhongshu.core.answers import Fold
from zhongshu.core.turns import Message, Thought, ToolCall, Wire
from zhongshu.upstreams.cannot import SIGNED_ELSEWHERE
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.request import body_of
from zhongshu.upstreams.openai.response import read_answer
from zhongshu.upstreams.openai.stream import ChunkReader
from zhongshu.upstreams.rows import ROWS

CALL = (
    '{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":"{}"},'
    '"extra_content":{"NAME":{"thought_signature":"sig+/=="}}}'
)
SIGNED = ToolCall("c1", "f", "{}", "gemini:sig+/==")
ASKED = (Message("user", "hi"), Message("assistant", tool_calls=(SIGNED,)), Message("tool", "x", tool_call_id="c1"))


@pytest.mark.parametrize("name", ["google", "vertex"])
def test_read_whole_and_streamed(name):
    call = CALL.replace("NAME", name)
    whole = (
        '{"choices":[{"index":0,"message":{"role":"assistant","tool_calls":[' + call + ']},"finish_reason":"stop"}]}'
    )
    chunk = '{"id":"x","choices":[{"index":0,"delta":{"tool_calls":[' + call + ']},"finish_reason":"tool_calls"}]}'
    assert read_answer(whole.encode(), "up").choices[0].tool_calls == (SIGNED,)
    reader, fold = ChunkReader("up"), Fold()
    for payload in (chunk.encode(), b"[DONE]"):
        event = reader.read(payload)
        if event is not None:
            fold.add(event)
    assert fold.answer().choices[0].tool_calls == (SIGNED,)


def calls_of(call, manner):
    body = msgspec.json.decode(body_of(call, manner, stream=False))
    return next(message for message in body["messages"] if message["role"] == "assistant")["tool_calls"]


@pytest.mark.parametrize("signs", ["google", "vertex"])
def test_written_back_under_its_name(signs):
    call = make_call(*ASKED)
    assert calls_of(call, Manner(signs=signs))[0]["extra_content"] == {signs: {"thought_signature": "sig+/=="}}
    assert call.dropped == ()


@pytest.mark.parametrize(
    "row", [name for name, row in ROWS.items() if row.wire == "openai" and row.manner.signs != "google"]
)
def test_no_other_service_sees_it(row):
    call = make_call(*ASKED)
    assert "extra_content" not in calls_of(call, ROWS[row].manner)[0]
    assert call.dropped == (SIGNED_ELSEWHERE,)


def passed_on(manner, assistant, messages=ASKED):
    wire = [
        {"role": "user", "content": "hi"},
        {"role": "assistant"} | assistant,
        {"role": "tool", "tool_call_id": "c1"},
    ]
    fields = {"model": msgspec.Raw(b'"m"'), "messages": msgspec.Raw(msgspec.json.encode(wire))}
    call = make_call(*messages, wire=Wire("openai.chat", fields))
    body = msgspec.json.decode(body_of(call, manner, stream=False))
    return body["messages"][1], call.dropped


def test_passed_on_as_it_is_to_google_and_to_servers_nobody_knows():
    given = {"tool_calls": [msgspec.json.decode(CALL.replace("NAME", "google"))]}
    for manner in (ROWS["gemini-openai"].manner, Manner()):
        assert passed_on(manner, given) == ({"role": "assistant"} | given, ())


def test_not_passed_on_to_a_service_that_signs_nothing():
    said, dropped = passed_on(
        ROWS["deepseek"].manner, {"tool_calls": [msgspec.json.decode(CALL.replace("NAME", "google"))]}
    )
    assert ("extra_content" in said["tool_calls"][0], dropped) == (False, (SIGNED_ELSEWHERE,))


def test_a_strict_service_is_sent_no_thoughts():
    given = {"content": "x", "reasoning_content": "hm", "reasoning_details": []}
    messages = (Message("assistant", "x", thoughts=(Thought("hm"),)),)
    assert passed_on(ROWS["openai"].manner, given, messages) == (
        {"role": "assistant", "content": "x"},
        ("messages.thoughts",),
    )
    assert passed_on(ROWS["vllm"].manner, given, messages) == ({"role": "assistant"} | given, ())


def test_details_signed_by_another_provider_stay_behind():
    mark = "ZhSignedAnthc2ln"
    details = [
        {"type": "reasoning.text", "text": "hm", "signature": mark},
        {"type": "reasoning.encrypted", "data": "own"},
        {"type": "reasoning.encrypted", "data": "ZhSignedChatc2ln"},
        {"type": "reasoning.summary", "summary": "s"},
    ]
    messages = (Message("assistant", "x", thoughts=(Thought("hm", "anthropic:sig"),)),)
    said, dropped = passed_on(ROWS["openrouter"].manner, {"content": "x", "reasoning_details": details}, messages)
    assert said["reasoning_details"] == [details[1], {"type": "reasoning.encrypted", "data": "sig"}, details[3]]
    assert dropped == (SIGNED_ELSEWHERE,)


def test_openrouter_gets_its_own_details_back():
    thoughts = (Thought("hm", "openai:s1"), Thought("", "openai:enc", redacted=True), Thought("no", "anthropic:s2"))
    call = make_call(Message("assistant", "x", thoughts=thoughts))
    (said,) = msgspec.json.decode(body_of(call, ROWS["openrouter"].manner, stream=False))["messages"]
    assert said["reasoning_details"] == [
        {"type": "reasoning.text", "text": "hm", "signature": "s1"},
        {"type": "reasoning.encrypted", "data": "enc"},
    ]
    assert call.dropped == (SIGNED_ELSEWHERE,)
