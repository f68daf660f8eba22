"""What is sent to an Anthropic upstream: a client's own body as it came, or one written from our words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tests.upstreams.conftest import make_call
from zhongshu.core.ports import Call
from zhongshu.core.problems import Fault
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
    Wire,
)
from zhongshu.upstreams.anthropic.request import body_of, count_body

OLD, NEW, NEWER = "claude-sonnet-4-5", "claude-sonnet-5", "claude-sonnet-5-5"
WEATHER = Tool("get_weather", "The weather", Raw(b'{"type":"object","properties":{"city":{"type":"string"}}}'))
SCHEMA = Format("schema", Raw(b'{"type":"object","additionalProperties":false}'), "answer")
LONG = "All that is said here is said again and again. " * 200


def sent(call: Call, *, stream: bool = False) -> dict[str, Any]:
    return msgspec.json.decode(body_of(call, stream=stream).body)


def asked(*messages: Message, model: str = OLD, **fields: Any) -> Call:
    return make_call(model, messages=messages or (Message("user", "hi"),), **fields)


def passing(body: bytes, model: str = OLD, **fields: Any) -> Call:
    call = make_call(model, **fields)
    wire = Wire("anthropic.messages", msgspec.json.decode(body, type=dict[str, Raw]))
    call.turn = msgspec.structs.replace(call.turn, wire=wire)
    return call


def test_a_body_of_this_dialect_passes_untouched_but_for_model_and_stream():
    body = (
        b'{"model":"asked","max_tokens":5,"messages":[{"role":"user","content":[{"type":"x_new","z":1.50}]}],'
        b'"x_unknown":{"b":1e3,"a":12345678901234567890},"zhongshu":{"cache":"use"},"stream":true}'
    )
    written = body_of(passing(body), stream=False).body
    assert written == body.replace(b'"asked"', b'"claude-sonnet-4-5"').replace(
        b',"zhongshu":{"cache":"use"}', b""
    ).replace(b'"stream":true', b'"stream":false')


def test_a_route_that_decides_how_deep_to_think_says_so_in_the_passed_body():
    body = (
        b'{"model":"m","max_tokens":90000,"messages":[],"output_config":{"format":{"type":"json_schema","schema":{}}}}'
    )
    call = passing(body, NEW, effort="low", thinking="switch")
    said = sent(call)
    assert said["thinking"]["type"] == "adaptive"
    assert said["output_config"] == {"format": {"type": "json_schema", "schema": {}}, "effort": "low"}


def test_a_plain_turn():
    said = sent(asked(), stream=True)
    assert said == {
        "model": OLD,
        "max_tokens": 8192,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "stream": True,
    }


def test_system_texts_stand_apart_and_one_inside_the_conversation_is_stated():
    call = asked(
        Message("system", "Be kind."),
        Message("developer", "Be brief."),
        Message("user", "a"),
        Message("system", "Now."),
    )
    assert [block["text"] for block in sent(call)["system"]] == ["Be kind.", "Be brief.", "Now."]
    assert call.dropped == ("messages[3].role (its place)",)


def test_consecutive_messages_of_one_role_are_one():
    said = sent(
        asked(Message("user", "a"), Message("user", "b"), Message("assistant", "c"), Message("assistant", "d "))
    )
    assert [(m["role"], [b["text"] for b in m["content"]]) for m in said["messages"]] == [
        ("user", ["a", "b"]),
        ("assistant", ["c", "d"]),
    ]


def test_empty_texts_are_left_out():
    said = sent(asked(Message("user", "a"), Message("assistant", "  "), Message("user", (Text(""), Text("b")))))
    assert said["messages"] == [{"role": "user", "content": [{"type": "text", "text": t} for t in "ab"]}]


def test_tool_results_are_together_and_first():
    calls = (ToolCall("call.1", "f", '{"b":1,"a":1.50}'), ToolCall("c2", "g", ""))
    call = asked(
        Message("user", "go"),
        Message("assistant", "", tool_calls=calls),
        Message("tool", "sunny", tool_call_id="call.1"),
        Message("user", "and?"),
        Message("tool", (Text("x"), Image("data:image/png;base64,AAAA")), tool_call_id="c2", failed=True),
        tools=(WEATHER,),
    )
    body = body_of(call, stream=False).body
    assert b'"input":{"b":1,"a":1.50}' in body
    made, results = msgspec.json.decode(body)["messages"][1:]
    assert [block["id"] for block in made["content"]] == ["call_1", "c2"]
    assert results["role"] == "user"
    assert results["content"] == [
        {"type": "tool_result", "tool_use_id": "call_1", "content": "sunny"},
        {
            "type": "tool_result",
            "tool_use_id": "c2",
            "content": [
                {"type": "text", "text": "x"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            ],
            "is_error": True,
        },
        {"type": "text", "text": "and?"},
    ]


def test_arguments_that_are_no_object_are_wrapped_and_stated():
    call = asked(Message("user", "go"), Message("assistant", "", tool_calls=(ToolCall("c", "f", '{"a":'),)))
    assert sent(call)["messages"][1]["content"][0]["input"] == {"INVALID_JSON": '{"a":'}
    assert call.dropped == ("messages[1].tool_calls.arguments (not a JSON object)",)


def test_signed_thoughts_are_handed_back_and_unsigned_ones_stated():
    thoughts = (Thought("hm", "anthropic:sig"), Thought("", "anthropic:enc", redacted=True), Thought("bare"))
    call = asked(Message("user", "a"), Message("assistant", "b", thoughts=thoughts), Message("user", "c"))
    assert sent(call)["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "redacted_thinking", "data": "enc"},
        {"type": "text", "text": "b"},
    ]
    assert call.dropped == ("messages.thoughts (not signed)",)


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Image("https://x/y.png"), {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}}),
        (
            File("a.pdf", "QUJD", media_type="application/pdf"),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"},
                "title": "a.pdf",
            },
        ),
        (
            File(None, "data:application/pdf;base64,QUJD"),
            {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "QUJD"}},
        ),
        (File(id="file_1"), {"type": "document", "source": {"type": "file", "file_id": "file_1"}}),
        (File(url="https://x/a.pdf"), {"type": "document", "source": {"type": "url", "url": "https://x/a.pdf"}}),
    ],
)
def test_pictures_and_documents(part: Any, block: dict[str, Any]):
    assert sent(asked(Message("user", (part,))))["messages"][0]["content"] == [block]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"sampling": Sampling(n=2)}, "n"),
        ({"sampling": Sampling(logprobs=True)}, "logprobs"),
        ({"sampling": Sampling(stop=("\n",))}, "stop"),
        ({"messages": (Message("user", (Audio("AA", "wav"),)),)}, "messages[0].content[0]"),
        ({"messages": (Message("user", (Image("data:image/svg+xml,<svg/>"),)),)}, "messages[0].content[0]"),
        ({"format": SCHEMA, "tools": (WEATHER,), "model": "claude-3-7-sonnet"}, "response_format"),
        ({"tools": (WEATHER,), "tool_choice": ToolChoice("required"), "model": NEWER}, "tool_choice"),
        ({"kind": "completion", "prompts": ("a",)}, "model"),
    ],
)
def test_what_cannot_be_said_is_refused(fields: dict[str, Any], param: str):
    with pytest.raises(Fault) as refused:
        body_of(make_call(fields.pop("model", OLD), **fields), stream=False)
    assert (refused.value.problem.code, refused.value.problem.param) == ("model_cannot", param)


def test_what_changes_no_meaning_is_stated():
    call = asked(sampling=Sampling(seed=1, presence_penalty=0.5, frequency_penalty=0.0, temperature=1.5, max_tokens=7))
    said = sent(call)
    assert call.dropped == ("seed", "presence_penalty", "temperature (above 1)")
    assert (said["temperature"], said["max_tokens"]) == (1.0, 7)


def test_fields_of_another_dialect_are_stated_and_what_is_needed_is_refused():
    call = asked()
    fields = {"store": Raw(b"true"), "model": Raw(b'"m"')}
    call.turn = msgspec.structs.replace(call.turn, wire=Wire("openai.chat", fields, frozenset({"model"})))
    sent(call)
    assert call.dropped == ("store",)
    call.turn = msgspec.structs.replace(call.turn, wire=Wire("gemini", {}, needed=("tools[0].googleSearch",)))
    with pytest.raises(Fault):
        sent(call)


@pytest.mark.parametrize(
    ("model", "given", "kept", "dropped"),
    [
        (OLD, {"temperature": 0.2, "top_k": 5}, {"temperature": 0.2, "top_k": 5}, ()),
        ("claude-3-5-sonnet", {"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2, "top_p": 0.9}, ()),
        (OLD, {"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2}, ("top_p",)),
        (OLD, {"temperature": 0.2, "top_p": 1.0}, {"temperature": 0.2}, ()),
        (NEW, {"temperature": 0.2, "top_k": 5}, {}, ("temperature", "top_k")),
        (NEW, {"temperature": 1.0, "top_p": 1.0}, {}, ()),
    ],
)
def test_sampling_by_generation(model: str, given: dict[str, Any], kept: dict[str, Any], dropped: tuple[str, ...]):
    call = asked(model=model, sampling=Sampling(**given))
    said = sent(call)
    assert {name: said[name] for name in ("temperature", "top_p", "top_k") if name in said} == kept
    assert call.dropped == dropped


@pytest.mark.parametrize(
    ("model", "fields", "thinking", "config", "most"),
    [
        (OLD, {"effort": "low"}, {"type": "enabled", "budget_tokens": 2048}, None, 8192 + 2048),
        (OLD, {"effort": "off"}, {"type": "disabled"}, None, 8192),
        (OLD, {"thinking_tokens": 5000}, {"type": "enabled", "budget_tokens": 5000}, None, 8192 + 5000),
        ("deepseek-v4", {"effort": "minimal"}, {"type": "enabled", "budget_tokens": 1024}, None, 8192 + 1024),
        (NEW, {"effort": "medium"}, {"type": "adaptive", "display": "summarized"}, {"effort": "medium"}, 32_000),
        (NEW, {"effort": "off"}, {"type": "disabled"}, None, 8192),
        (NEWER, {"effort": "off"}, {"type": "between_tools"}, None, 8192),
        ("claude-fable-5-1", {"effort": "off"}, None, {"effort": "low"}, 8192),
        (NEW, {}, None, None, 8192),
    ],
)
def test_depth_of_thought(model: str, fields: dict[str, Any], thinking: Any, config: Any, most: int):
    said = sent(asked(model=model, thinking="switch", **fields))
    assert (said.get("thinking"), said.get("output_config"), said["max_tokens"]) == (thinking, config, most)


@pytest.mark.parametrize(
    ("model", "given", "kept"),
    [
        ("claude-opus-5", "max", "high"),
        ("claude-haiku-5-5", "xhigh", "high"),
        ("claude-opus-5", "low", "low"),
        ("claude-opus-4-8", "max", "max"),
    ],
)
def test_an_effort_above_high_goes_where_thought_is_switched_off(model: str, given: str, kept: str):
    """Opus 5, Sonnet 5.5 and Haiku 5.5 answer the two together with a 400."""
    fields = {"messages": Raw(b"[]"), "output_config": Raw(b'{"effort":"%b","task_budget":1}' % given.encode())}
    call = asked(model=model, thinking="switch", effort="off")
    call.turn = msgspec.structs.replace(call.turn, wire=Wire("anthropic.messages", fields))
    assert sent(call)["output_config"] == {"effort": kept, "task_budget": 1}
    assert ("output_config.effort" in call.dropped) == (kept != given)


def test_a_budget_stays_below_the_limit_and_without_room_there_is_none():
    near = asked(thinking="switch", effort="high", sampling=Sampling(max_tokens=2000))
    assert sent(near)["thinking"] == {"type": "enabled", "budget_tokens": 1999}
    short = asked(thinking="switch", effort="high", sampling=Sampling(max_tokens=300))
    assert "thinking" not in sent(short)
    assert short.dropped == ("reasoning_effort",)


def test_a_model_without_a_switch_is_not_told_to_think():
    call = asked(effort="high")
    assert "thinking" not in sent(call)
    assert call.dropped == ("reasoning_effort",)


def test_a_forced_call_goes_before_thoughts():
    forced = {"tools": (WEATHER,), "tool_choice": ToolChoice("tool", "get_weather"), "effort": "high"}
    call = asked(thinking="switch", **forced)
    said = sent(call)
    assert said["tool_choice"] == {"type": "tool", "name": "get_weather"}
    assert "thinking" not in said
    assert call.dropped == ("reasoning_effort",)
    assert sent(asked(model=NEW, thinking="switch", **forced))["thinking"] == {"type": "disabled"}


def test_an_older_model_does_not_think_about_calls_it_has_no_signed_thought_for():
    history = (
        Message("user", "go"),
        Message("assistant", "", tool_calls=(ToolCall("c", "f", "{}"),)),
        Message("tool", "x", tool_call_id="c"),
    )
    assert "thinking" not in sent(asked(*history, thinking="switch", effort="high"))
    signed = msgspec.structs.replace(history[1], thoughts=(Thought("hm", "anthropic:sig"),))
    assert "thinking" in sent(asked(history[0], signed, history[2], thinking="switch", effort="high"))


@pytest.mark.parametrize(
    ("fields", "choice"),
    [
        ({}, None),
        ({"tool_choice": ToolChoice("required")}, {"type": "any"}),
        ({"tool_choice": ToolChoice("none")}, None),
        ({"sampling": Sampling(parallel_tool_calls=False)}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"sampling": Sampling(parallel_tool_calls=True)}, None),
    ],
)
def test_tools_and_their_choice(fields: dict[str, Any], choice: Any):
    said = sent(asked(tools=(WEATHER,), **fields))
    assert said.get("tool_choice") == choice
    if fields.get("tool_choice") != ToolChoice("none"):
        assert said["tools"][0]["input_schema"]["properties"] == {"city": {"type": "string"}}


def test_a_schema_is_asked_for_as_such_or_by_a_tool():
    assert sent(asked(format=SCHEMA))["output_config"]["format"]["schema"]["additionalProperties"] is False
    written = body_of(asked(format=SCHEMA, model="claude-3-7-sonnet"), stream=False)
    said = msgspec.json.decode(written.body)
    assert written.answer_tool == "answer"
    assert said["tool_choice"] == {"type": "tool", "name": "answer"}
    assert said["tools"][0]["input_schema"] == {"type": "object", "additionalProperties": False}
    assert body_of(asked(format=Format("json")), stream=False).answer_tool == "answer"


def marked(said: dict[str, Any]) -> list[str]:
    places = {"system": said.get("system", []), "tools": said.get("tools", [])}
    places |= {f"messages[{n}]": m["content"] for n, m in enumerate(said["messages"])}
    return [name for name, blocks in places.items() for block in blocks if "cache_control" in block]


def test_the_prompt_cache_is_marked_where_it_pays():
    system, question = Message("system", LONG), Message("user", "hi")
    assert marked(sent(asked(question))) == []
    assert marked(sent(asked(system, question))) == ["system"]
    assert marked(sent(asked(system, question, Message("assistant", "yes"), Message("user", "more")))) == [
        "system",
        "messages[2]",
    ]
    assert marked(sent(asked(question, tools=(Tool("f", LONG),)))) == ["tools"]
    assert marked(sent(passing(b'{"max_tokens":1,"messages":[{"role":"user","content":[]}]}'))) == []


def test_counting_asks_for_what_the_prompt_is_made_of():
    call = asked(Message("system", "s"), Message("user", "a"), sampling=Sampling(max_tokens=5, stop=("x",)))
    assert msgspec.json.decode(count_body(call)).keys() == {"model", "messages", "system"}
