"""Requests: passed on exactly, or written from our words in each upstream's manner."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tests.upstreams.conftest import make_call
from zhongshu.core.turns import (
    Audio,
    File,
    Format,
    Image,
    Message,
    Sampling,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    Video,
    Wire,
)
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.request import body_of
from zhongshu.upstreams.rows import ROWS

PLAIN = Manner()


def sent(body: bytes | None = None, manner: Manner = PLAIN, *, stream: bool = False, **fields: Any) -> Any:
    return msgspec.json.decode(body_of(make_call("there", body, **fields), manner, stream=stream))


@pytest.mark.parametrize(
    ("asked", "plain", "streamed"),
    [
        (b'{"model":"asked","messages":[]}',
         b'{"model":"there","messages":[]}',
         b'{"model":"there","messages":[],"stream":true,"stream_options":{"include_usage":true}}'),
        (b'{"messages":[],"model":"asked","stream":true}',
         b'{"messages":[],"model":"there","stream":false}',
         b'{"messages":[],"model":"there","stream":true,"stream_options":{"include_usage":true}}'),
        (b'{"model":"asked","stream_options":{"include_usage":false,"x":1.0},"messages":[]}',
         b'{"model":"there","messages":[]}',
         b'{"model":"there","stream_options":{"include_usage":true,"x":1.0},"messages":[],"stream":true}'),
        (b'{"model":"asked","stream_options":null}',
         b'{"model":"there"}',
         b'{"model":"there","stream_options":{"include_usage":true},"stream":true}'),
        (b'{"model":"asked","zhongshu":{"a":1},"messages":[],"\\u4e2d":[1.0,1e5,12345678901234567890,"\\u00e9"]}',
         b'{"model":"there","messages":[],"\xe4\xb8\xad":[1.0,1e5,12345678901234567890,"\\u00e9"]}',
         b'{"model":"there","messages":[],"\xe4\xb8\xad":[1.0,1e5,12345678901234567890,"\\u00e9"],"stream":true,'
         b'"stream_options":{"include_usage":true}}'),
        # A name stands once in what leaves: an upstream cannot read another one of two than was read, limited and kept here.
        (b'{"messages":["first"],"model":"asked","messages":["last"],"mod\\u0065l":"dearer"}',
         b'{"messages":["last"],"model":"there"}',
         b'{"messages":["last"],"model":"there","stream":true,"stream_options":{"include_usage":true}}'),
    ],
)  # fmt: skip
def test_what_came_in_goes_out(asked: bytes, plain: bytes, streamed: bytes) -> None:
    call = make_call("there", asked)
    assert body_of(call, PLAIN, stream=False) == plain
    assert body_of(call, PLAIN, stream=True) == streamed


def test_an_upstream_that_knows_no_stream_options_gets_none() -> None:
    manner = Manner(stream_options=False)
    assert sent(b'{"stream_options":{"include_usage":true}}', manner, stream=True) == {"model": "there", "stream": True}


def test_a_wire_of_another_dialect_is_not_passed_on() -> None:
    call = make_call("there", b'{"system":"x"}')
    other = msgspec.structs.replace(call.turn, wire=Wire("anthropic.messages", {"system": Raw(b'"x"')}))
    call.turn = other
    body = msgspec.json.decode(body_of(call, PLAIN, stream=False))
    assert body == {"model": "there", "messages": [{"role": "user", "content": "hi"}]}


def test_our_words_written() -> None:
    messages = (
        Message("developer", "Be brief."),
        Message(
            "user",
            (
                Text("look"),
                Image("https://x/a.png", "low"),
                Audio("QUJD", "wav"),
                Video("https://x/a.mp4"),
                File("a.pdf", "data:application/pdf;base64,QQ=="),
                File(id="file-1"),
            ),
            name="ann",
        ),
        Message("assistant", "", tool_calls=(ToolCall("c1", "f", '{"a":1}'),), thoughts=(Thought("hm"),)),
        Message("tool", "42", tool_call_id="c1"),
    )
    body = sent(
        messages=messages,
        sampling=Sampling(max_tokens=5, temperature=0.5, stop=("a", "b"), n=2, logprobs=True, top_logprobs=3, seed=7),
        tools=(Tool("f", "does f", Raw(b'{"type":"object","x":1.0}'), strict=True), Tool("g")),
        tool_choice=ToolChoice("tool", "f"),
        format=Format("schema", Raw(b'{"type":"object"}'), "shape"),
        user="u1",
    )
    assert body == {
        "model": "there",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "low"}},
                    {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
                    {"type": "video_url", "video_url": {"url": "https://x/a.mp4"}},
                    {
                        "type": "file",
                        "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="},
                    },
                    {"type": "file", "file": {"file_id": "file-1"}},
                ],
                "name": "ann",
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}],
            },
            {"role": "tool", "content": "42", "tool_call_id": "c1"},
        ],
        "max_tokens": 5,
        "temperature": 0.5,
        "seed": 7,
        "stop": ["a", "b"],
        "n": 2,
        "logprobs": True,
        "top_logprobs": 3,
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "description": "does f",
                    "parameters": {"type": "object", "x": 1.0},
                    "strict": True,
                },
            },
            {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "shape", "schema": {"type": "object"}, "strict": True},
        },
        "user": "u1",
    }


def test_our_words_in_the_manner_of_openai_and_deepseek() -> None:
    messages = (Message("developer", "x"), Message("assistant", "y", thoughts=(Thought("hm"),)))
    openai = sent(manner=ROWS["openai"].manner, messages=messages, sampling=Sampling(max_tokens=5))
    assert openai["messages"] == [{"role": "developer", "content": "x"}, {"role": "assistant", "content": "y"}]
    assert openai["max_completion_tokens"] == 5
    deepseek = sent(manner=ROWS["deepseek"].manner, messages=messages, sampling=Sampling(max_tokens=5))
    assert deepseek["messages"][0]["role"] == "system"
    assert deepseek["messages"][1]["reasoning_content"] == "hm"
    assert deepseek["max_tokens"] == 5


PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}


@pytest.mark.parametrize(
    ("after", "written"),
    [
        ((), [{"role": "user", "content": [PICTURE]}]),
        ((Message("user", "And?"),), [{"role": "user", "content": [PICTURE, {"type": "text", "text": "And?"}]}]),
        (
            (Message("assistant", "A cat."),),
            [{"role": "user", "content": [PICTURE]}, {"role": "assistant", "content": "A cat."}],
        ),
    ],
)
def test_pictures_in_a_tools_result_follow_the_last_result(after: Any, written: Any) -> None:
    calls = (ToolCall("a", "look", "{}"), ToolCall("b", "look", "{}"))
    seen = Message("tool", (Text("here"), Image("data:image/png;base64,AA")), tool_call_id="a")
    failed = Message("tool", "no camera", tool_call_id="b", failed=True)
    call = make_call(messages=(Message("user", "Look."), Message("assistant", tool_calls=calls), seen, failed, *after))
    body = msgspec.json.decode(body_of(call, PLAIN, stream=False))
    assert body["messages"][2:4] == [
        {"role": "tool", "content": "here", "tool_call_id": "a"},
        {"role": "tool", "content": "no camera", "tool_call_id": "b"},
    ]
    assert body["messages"][4:] == written
    assert call.dropped == ("messages[2].content (its place)", "messages.is_error")


def test_thoughts_that_are_not_wanted_back_are_stated() -> None:
    said = {"messages": (Message("user", "hi"), Message("assistant", "x", thoughts=(Thought("hm"),)))}
    for manner, dropped in ((PLAIN, ("messages.thoughts",)), (Manner(thought_back=True), ())):
        call = make_call(**said)
        body_of(call, manner, stream=False)
        assert call.dropped == dropped


def test_completions_and_embeddings() -> None:
    manner = ROWS["openai"].manner
    one = sent(kind="completion", prompts=("Once",), manner=manner, sampling=Sampling(max_tokens=3))
    assert one == {"model": "there", "prompt": "Once", "max_tokens": 3}
    assert sent(kind="completion", prompts=("a", "b"), stream=True)["prompt"] == ["a", "b"]
    assert sent(kind="embedding", prompts=("a", "b"), dimensions=4) == {
        "model": "there",
        "input": ["a", "b"],
        "dimensions": 4,
    }
    passed = sent(b'{"model":"asked","input":[[1,2]],"x":1}', kind="embedding", prompts=())
    assert passed == {"model": "there", "input": [[1, 2]], "x": 1}


EFFORTS = [
    ("none", "high", {}),
    ("reasoning_effort", "off", {"reasoning_effort": "none"}),
    ("reasoning_effort", "low", {"reasoning_effort": "low"}),
    ("thinking", "off", {"thinking": {"type": "disabled"}}),
    ("thinking", "high", {"thinking": {"type": "enabled"}}),
    ("thinking+effort", "off", {"thinking": {"type": "disabled"}}),
    ("thinking+effort", "low", {"thinking": {"type": "enabled"}, "reasoning_effort": "low"}),
    ("enable_thinking", "off", {"enable_thinking": False}),
    ("enable_thinking", "low", {"enable_thinking": True, "thinking_budget": 2048}),
    ("enable_thinking", "high", {"enable_thinking": True}),
    ("chat_template_kwargs", "off", {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}),
    ("reasoning", "off", {"reasoning": {"effort": "none"}}),
    ("reasoning", "medium", {"reasoning": {"effort": "medium"}}),
]


@pytest.mark.parametrize(("thinking", "effort", "fields"), EFFORTS)
def test_effort_in_every_spelling(thinking: Any, effort: str, fields: dict[str, Any]) -> None:
    manner = Manner(thinking=thinking)
    written = sent(manner=manner, effort=effort, thinking="switch")
    assert {name: written[name] for name in written if name not in ("model", "messages")} == fields
    passed = sent(b'{"messages":[]}', manner, effort=effort, thinking="switch")
    assert {name: passed[name] for name in passed if name not in ("model", "messages")} == fields


@pytest.mark.parametrize("thinking", ["never", "prompted"])
def test_a_model_without_a_switch_gets_none(thinking: str) -> None:
    manner = Manner(thinking="enable_thinking")
    assert "enable_thinking" not in sent(manner=manner, effort="off", thinking=thinking)
    assert sent(b'{"enable_thinking":true}', manner, effort="off", thinking=thinking)["enable_thinking"] is True


def test_the_routes_effort_replaces_the_clients_and_keeps_what_stands_beside_it() -> None:
    asked = b'{"reasoning_effort":"high","chat_template_kwargs":{"lang":"zh","enable_thinking":true}}'
    manner = Manner(thinking="chat_template_kwargs")
    passed = sent(asked, manner, effort="off", thinking="switch")
    assert passed["chat_template_kwargs"] == {"lang": "zh", "enable_thinking": False, "thinking": False}
    assert "reasoning_effort" not in passed


def test_a_clients_own_spelling_is_kept_when_the_route_agrees() -> None:
    asked, manner = b'{"model":"m","reasoning_effort":"xhigh"}', Manner(thinking="reasoning_effort")
    assert sent(asked, manner, thinking="always", effort=None)["reasoning_effort"] == "xhigh"
    call = make_call("there", b'{"reasoning_effort":"none"}', thinking="switch")
    call.turn = msgspec.structs.replace(call.turn, effort="off")
    call.effort = "off"
    assert msgspec.json.decode(body_of(call, manner, stream=False))["reasoning_effort"] == "none"
    call.effort = "low"
    assert msgspec.json.decode(body_of(call, manner, stream=False))["reasoning_effort"] == "low"
