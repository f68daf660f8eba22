"""Turn -> body of POST /responses: passed on, or written from our words; what cannot be said."""

import msgspec
import pytest
from msgspec import Raw

from tests.upstreams.conftest import make_call
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
    Video,
    Wire,
)
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.responses.reply import DIALECT
from zhongshu.upstreams.responses.request import body_of

PLAIN = Manner()


def written(manner=PLAIN, stream=False, own_effort=None, **fields):
    call = make_call("there", **fields)
    call.turn = msgspec.structs.replace(call.turn, effort=own_effort)
    return msgspec.json.decode(body_of(call, manner, stream=stream)), call


def passed(body, manner=PLAIN, stream=False, **fields):
    call = make_call("there", **fields)
    wire = Wire(DIALECT, msgspec.json.decode(msgspec.json.encode(body), type=dict[str, Raw]))
    call.turn = msgspec.structs.replace(call.turn, wire=wire)
    return msgspec.json.decode(body_of(call, manner, stream=stream))


def test_a_conversation_in_our_words():
    body, call = written(
        messages=(
            Message("system", "Be brief."),
            Message("user", (Text("Look:"), Image("data:image/png;base64,AA", "low"))),
            Message(
                "assistant",
                "Looking.",
                thoughts=(
                    Thought("hm", "responses:sig-1"),
                    Thought("lost"),
                    Thought("", "responses:sig-2", redacted=True),
                ),
                tool_calls=(ToolCall("c1", "f", "{}"), ToolCall("c2", "g", '{"a":1}')),
            ),
            Message("tool", "done", tool_call_id="c1"),
            Message("tool", (Text("a"),), tool_call_id="c2"),
        ),
        sampling=Sampling(max_tokens=9, temperature=0.5, top_p=0.5, parallel_tool_calls=False),
        user="u",
    )
    assert body == {
        "model": "there",
        "store": False,
        "max_output_tokens": 9,
        "temperature": 0.5,
        "top_p": 0.5,
        "parallel_tool_calls": False,
        "safety_identifier": "u",
        "input": [
            {"type": "message", "role": "system", "content": "Be brief."},
            {
                "type": "message",
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Look:"},
                    {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"},
                ],
            },
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "sig-1"},
            {"type": "reasoning", "summary": [], "encrypted_content": "sig-2"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Looking."}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "g", "arguments": '{"a":1}'},
            {"type": "function_call_output", "call_id": "c1", "output": "done"},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "a"}]},
        ],
    }
    assert call.dropped == ("messages.thoughts (not signed)",)


def test_thoughts_in_the_clear_go_back_only_where_they_are_wanted():
    said = {"messages": (Message("assistant", "x", thoughts=(Thought("open"),)),)}
    assert [item["type"] for item in written(**said)[0]["input"]] == ["message"]
    items = written(Manner(thought_back=True), **said)[0]["input"]
    assert items[0] == {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "open"}]}


def test_tools_choice_and_form():
    tool = Tool("f", "does f", Raw(b'{"type":"object"}'), strict=True)
    body, _ = written(
        tools=(tool, Tool("g")),
        tool_choice=ToolChoice("tool", "f"),
        format=Format("schema", Raw(b'{"type":"object"}'), "shape"),
    )
    assert body["tools"][0] == {
        "type": "function", "name": "f", "description": "does f", "parameters": {"type": "object"}, "strict": True,
    }  # fmt: skip
    assert body["tools"][1]["strict"] is False
    assert body["tool_choice"] == {"type": "function", "name": "f"}
    assert body["text"]["format"] == {
        "type": "json_schema", "name": "shape", "schema": {"type": "object"}, "strict": True,
    }  # fmt: skip
    assert written(tool_choice=ToolChoice("required"))[0].get("tool_choice") is None
    assert written(format=Format("json"))[0]["text"] == {"format": {"type": "json_object"}}


@pytest.mark.parametrize(
    ("thinking", "effort", "fields", "reasoning"),
    [
        ("never", "high", {}, None),
        ("switch", None, {}, None),
        ("switch", "off", {}, {"effort": "none"}),
        ("always", None, {"own_effort": "low"}, {"effort": "low"}),
        ("switch", "high", {"own_effort": "low"}, {"effort": "high"}),
        ("switch", None, {"thinking_tokens": 4000}, {"effort": "low"}),
    ],
)
def test_effort(thinking, effort, fields, reasoning):
    body, _ = written(thinking=thinking, effort=effort, **fields)
    assert body.get("reasoning") == reasoning
    assert body.get("include") == (["reasoning.encrypted_content"] if thinking != "never" else None)


def test_files_and_sound():
    body, _ = written(messages=(Message("user", (File("a.pdf", data="QUJD"), Audio("AA", "wav"))),))
    assert body["input"][0]["content"] == [
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QUJD"},
        {"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}},
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"sampling": Sampling(n=2)},
        {"sampling": Sampling(stop=("x",))},
        {"kind": "completion", "prompts": ("x",)},
        {"messages": (Message("user", (Video("https://x/y.mp4"),)),)},
        {"wire": Wire("anthropic.messages", {}, needed=("tools.computer",))},
    ],
)
def test_what_cannot_be_said_is_refused(fields):
    call = make_call("there", **{name: value for name, value in fields.items() if name != "wire"})
    if "wire" in fields:
        call.turn = msgspec.structs.replace(call.turn, wire=fields["wire"])
    with pytest.raises(Fault) as refused:
        body_of(call, Manner(), stream=False)
    assert refused.value.problem.code == "model_cannot"


def test_what_changes_no_meaning_is_stated():
    sampling = Sampling(seed=1, top_k=4, presence_penalty=1.0, frequency_penalty=1.0)
    messages = (Message("user", "x", name="ann"), Message("tool", "no", tool_call_id="c", failed=True))
    call = make_call("there", sampling=sampling, messages=messages)
    wire = Wire("openai.chat", {"logit_bias": Raw(b"{}"), "seed": Raw(b"1")}, frozenset({"seed"}))
    call.turn = msgspec.structs.replace(call.turn, wire=wire)
    body_of(call, Manner(), stream=False)
    assert set(call.dropped) == {
        "logit_bias", "top_k", "seed", "presence_penalty", "frequency_penalty", "messages.name", "messages.is_error",
    }  # fmt: skip


def test_the_same_dialect_is_passed_on_but_for_what_is_ours():
    body = passed(
        {
            "model": "asked", "input": "hi", "store": True, "background": True, "previous_response_id": "resp_1",
            "zhongshu": {"cache": "no-store"}, "stream": True, "x_new_field": {"a": [1.50]}, "service_tier": "flex",
        }
    )  # fmt: skip
    assert body == {
        "model": "there", "input": "hi", "store": False, "stream": False, "x_new_field": {"a": [1.5]},
        "service_tier": "flex",
    }  # fmt: skip
    assert passed({"input": "hi"}, stream=True)["stream"] is True


def test_effort_decided_by_the_route_is_written_over():
    body = passed({"input": "hi", "reasoning": {"effort": "low", "summary": "auto"}}, thinking="switch", effort="high")
    assert body["reasoning"] == {"effort": "high", "summary": "auto"}
    assert body["include"] == ["reasoning.encrypted_content"]


def test_signatures_lost_litellm_27946():
    """Encrypted thoughts go back as they came; what our own house or another provider left on an item does not."""
    signed = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "opaque=="}
    items = [
        signed,
        {"type": "reasoning", "id": "rs_2", "summary": [], "content": [{"type": "reasoning_text", "text": "open"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "thought_signature": "gemini"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
    ]
    sent = passed({"input": items}, thinking="switch")["input"]
    assert sent[0] == signed
    assert sent[1:] == [
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
    ]
    assert len(passed({"input": items}, Manner(thought_back=True))["input"]) == 4
