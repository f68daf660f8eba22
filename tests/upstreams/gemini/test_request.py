"""Writing requests in Google's words."""

import msgspec
import pytest
from msgspec import Raw

from zhongshu.core.models import ModelCard, Offer, Release
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
    Turn,
    Video,
    Wire,
)
from zhongshu.upstreams.gemini.request import body_of, embedding_body, path_of

HI = (Message("user", "hi"),)


def call_of(messages=HI, model="gemini-2.5-flash", thinking="switch", effort=None, **fields):
    turn = Turn("0" * 32, 0, fields.pop("kind", "chat"), "openai.chat", "m", messages=messages, **fields)
    release = Release(model="m", version="1", upstream="u", upstream_model=model)
    return Call(turn, Offer(release, ModelCard(name="m", thinking=thinking)), effort)


def sent(*messages, **fields):
    return msgspec.json.decode(body_of(call_of(messages or HI, **{"thinking": "never", **fields})))


def refused(call):
    with pytest.raises(Fault) as caught:
        body_of(call)
    return caught.value.problem


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("gemini-2.5-pro", "/models/gemini-2.5-pro:generateContent"),
        ("models/gemini-2.5-pro", "/models/gemini-2.5-pro:generateContent"),
        ("tunedModels/x-1", "/tunedModels/x-1:generateContent"),
        ("a b", "/models/a%20b:generateContent"),
    ],
)
def test_the_model_stands_in_the_path(model, path):
    assert path_of(model, "generateContent") == path


def test_roles_and_the_system():
    body = sent(
        Message("system", "be brief"),
        Message("user", "a"),
        Message("user", "b"),
        Message("developer", "be kind"),
        Message("assistant", "c"),
    )
    assert body == {
        "contents": [
            {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
            {"role": "model", "parts": [{"text": "c"}]},
        ],
        "systemInstruction": {"parts": [{"text": "be brief"}, {"text": "be kind"}]},
    }


def test_calls_and_results():
    body = sent(
        Message("assistant", "", tool_calls=(ToolCall("1", "f", '{"a":1}', "gemini:sig"), ToolCall("2", "g", ""))),
        Message("tool", '{"t": 21}', tool_call_id="1"),
        Message("tool", "sunny", tool_call_id="2"),
        Message("tool", "broken", tool_call_id="2", failed=True),
    )
    assert body["contents"] == [
        {
            "role": "model",
            "parts": [
                {"functionCall": {"id": "1", "name": "f", "args": {"a": 1}}, "thoughtSignature": "sig"},
                {"functionCall": {"id": "2", "name": "g", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "1", "name": "f", "response": {"t": 21}}},
                {"functionResponse": {"id": "2", "name": "g", "response": {"output": "sunny"}}},
                {"functionResponse": {"id": "2", "name": "g", "response": {"error": "broken"}}},
            ],
        },
    ]


def test_a_result_of_no_call_is_refused():
    problem = refused(call_of((Message("tool", "x", tool_call_id="9"),)))
    assert (problem.code, problem.param) == ("invalid_value", "messages[0].tool_call_id")


@pytest.mark.parametrize(
    ("model", "marked"), [("gemini-3.8-flash", True), ("gemini-3-pro-preview", True), ("gemini-2.5-pro", False)]
)
def test_calls_of_another_model_are_marked_where_a_signature_is_wanted(model, marked):
    message = Message("assistant", "", tool_calls=(ToolCall("1", "f", "{}"), ToolCall("2", "g", "{}")))
    parts = sent(message, model=model)["contents"][0]["parts"]
    assert [part.get("thoughtSignature") for part in parts] == [
        "skip_thought_signature_validator" if marked else None,
        None,
    ]


def test_thoughts_go_back_where_they_were_signed():
    message = Message(
        "assistant",
        "so",
        thoughts=(
            Thought("idle"),
            Thought("why", "gemini:a"),
            Thought("", "gemini:b", True),
            Thought("", "gemini:c"),
        ),
    )
    assert sent(message)["contents"][0]["parts"] == [
        {"text": "why", "thought": True, "thoughtSignature": "a"},
        {"text": "", "thought": True, "thoughtSignature": "b"},
        {"text": "so", "thoughtSignature": "c"},
    ]


@pytest.mark.parametrize(
    ("part", "written"),
    [
        (Image("data:image/png;base64,AAAA"), {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}),
        (Image("https://x/y.webp?z"), {"fileData": {"mimeType": "image/webp", "fileUri": "https://x/y.webp?z"}}),
        (Image("https://x/y"), {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://x/y"}}),
        (Audio("AAAA", "wav"), {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}}),
        (Video("https://youtu.be/x"), {"fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/x"}}),
        (File("a.pdf", "AAAA"), {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}}),
        (File(data="data:text/csv;base64,AA=="), {"inlineData": {"mimeType": "text/csv", "data": "AA=="}}),
        (
            File(url="gs://b/x", media_type="text/plain"),
            {"fileData": {"mimeType": "text/plain", "fileUri": "gs://b/x"}},
        ),
    ],
)
def test_parts(part, written):
    assert sent(Message("user", (Text("see"), part)))["contents"][0]["parts"] == [{"text": "see"}, written]


@pytest.mark.parametrize("part", [Image("http://x/y.png"), File("a", id="file-1"), Image("ftp://x")])
def test_parts_that_cannot_be_said(part):
    assert refused(call_of((Message("user", (part,)),))).code == "model_cannot"


def test_pictures_in_a_result():
    body = sent(
        Message("assistant", "", tool_calls=(ToolCall("1", "f", "{}"),)),
        Message("tool", (Text("see"), Image("data:image/png;base64,AAAA")), tool_call_id="1"),
    )
    assert body["contents"][1]["parts"][0]["functionResponse"] == {
        "id": "1",
        "name": "f",
        "response": {"output": "see"},
        "parts": [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}],
    }


@pytest.mark.parametrize(
    ("choice", "strict", "config"),
    [
        (ToolChoice(), False, None),
        (ToolChoice(), True, {"mode": "VALIDATED"}),
        (ToolChoice("none"), False, {"mode": "NONE"}),
        (ToolChoice("required"), False, {"mode": "ANY"}),
        (ToolChoice("tool", "f"), False, {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_tools(choice, strict, config):
    tool = Tool("f", "does", Raw(b'{"type":"object","$schema":"x"}'), strict)
    body = sent(tools=(tool,), tool_choice=choice)
    declared = {"name": "f", "description": "does", "parametersJsonSchema": {"type": "object", "$schema": "x"}}
    assert body["tools"] == [{"functionDeclarations": [declared]}]
    assert body.get("toolConfig") == (config and {"functionCallingConfig": config})


def test_sampling():
    sampling = Sampling(
        max_tokens=5, temperature=0.5, top_p=0.9, top_k=3, seed=2**40 + 7, stop=("a",), n=2, presence_penalty=1.0,
        frequency_penalty=-1.0, logprobs=True, top_logprobs=2,
    )  # fmt: skip
    assert sent(sampling=sampling)["generationConfig"] == {
        "maxOutputTokens": 5, "temperature": 0.5, "topP": 0.9, "topK": 3, "seed": 7, "stopSequences": ["a"],
        "candidateCount": 2, "presencePenalty": 1.0, "frequencyPenalty": -1.0, "responseLogprobs": True, "logprobs": 2,
    }  # fmt: skip
    assert refused(call_of(sampling=Sampling(stop=tuple("abcdef")))).param == "stop"


def test_a_schema_is_reduced_and_what_went_is_stated():
    schema = {
        "$schema": "x", "type": "object", "additionalProperties": False, "required": ["a"],
        "properties": {
            "a": {"const": "x"}, "pattern": {"type": "string", "pattern": "^a", "minLength": 1},
            "b": {"$ref": "#/definitions/b"}, "c": {"allOf": [{"type": "number", "default": 1}]},
        },
        "definitions": {"b": {"type": "array", "items": {"type": "integer", "multipleOf": 2}}},
    }  # fmt: skip
    call = call_of(thinking="never", format=Format("schema", Raw(msgspec.json.encode(schema))))
    config = msgspec.json.decode(body_of(call))["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"] == {
        "type": "object", "additionalProperties": False, "required": ["a"],
        "properties": {
            "a": {"enum": ["x"]}, "pattern": {"type": "string"}, "b": {"$ref": "#/$defs/b"}, "c": {"type": "number"},
        },
        "$defs": {"b": {"type": "array", "items": {"type": "integer"}}},
    }  # fmt: skip
    assert call.dropped == ("response_format.minLength", "response_format.multipleOf", "response_format.pattern")
    assert sent(format=Format("json"))["generationConfig"] == {"responseMimeType": "application/json"}


@pytest.mark.parametrize(
    ("model", "effort", "tokens", "config"),
    [
        ("gemini-2.5-flash", None, None, {"includeThoughts": True}),
        ("gemini-2.5-flash", "off", None, {"thinkingBudget": 0, "includeThoughts": False}),
        ("gemini-2.5-flash", "low", None, {"thinkingBudget": 2048, "includeThoughts": True}),
        ("gemini-2.5-flash", None, 999, {"thinkingBudget": 999, "includeThoughts": True}),
        ("gemini-2.5-pro", "off", None, {"thinkingBudget": 128, "includeThoughts": False}),
        ("gemini-3-flash-preview", "off", None, {"thinkingLevel": "minimal", "includeThoughts": False}),
        ("gemini-3.8-flash", "off", None, {"thinkingLevel": "low", "includeThoughts": False}),
        ("gemini-3.10-flash", "minimal", None, {"thinkingLevel": "low", "includeThoughts": True}),
        ("gemini-3.8-flash-lite", "minimal", None, {"thinkingLevel": "minimal", "includeThoughts": True}),
        ("gemini-3.8-flash", "medium", None, {"thinkingLevel": "medium", "includeThoughts": True}),
        ("gemini-3-pro-preview", "minimal", None, {"thinkingLevel": "low", "includeThoughts": True}),
        ("gemini-3-pro-preview", "medium", None, {"thinkingLevel": "high", "includeThoughts": True}),
        ("gemini-3.1-pro-preview", "medium", None, {"thinkingLevel": "medium", "includeThoughts": True}),
        ("gemini-3.8-flash", "high", 5000, {"thinkingBudget": 5000, "includeThoughts": True}),
    ],
)
def test_depth_of_thought(model, effort, tokens, config):
    call = call_of(model=model, effort=None)
    call.turn = msgspec.structs.replace(call.turn, effort=effort, thinking_tokens=tokens)
    assert msgspec.json.decode(body_of(call))["generationConfig"] == {"thinkingConfig": config}
    told = config.get("thinkingLevel", effort) == effort if config else True
    lost = (model, effort) == ("gemini-2.5-pro", "off") or not told
    assert call.dropped == (("reasoning_effort",) if lost else ())


def test_a_model_without_a_switch_gets_none_and_that_is_stated():
    call = call_of(thinking="never", thinking_tokens=5)
    assert "generationConfig" not in msgspec.json.decode(body_of(call))
    assert call.dropped == ("reasoning_effort",)


def test_what_cannot_be_said_is_stated():
    call = call_of(
        (Message("user", (Image("data:image/png;base64,AA==", "high"),)),),
        user="u1",
        sampling=Sampling(parallel_tool_calls=False),
        wire=Wire("openai.chat", {"store": Raw(b"true"), "messages": Raw(b"[]")}, frozenset({"messages"})),
    )
    body_of(call)
    assert call.dropped == ("store", "messages.image_url.detail", "user", "parallel_tool_calls")


BODY = b'{"contents":[{"parts":[{"text":"\\u4f60","x":1.50}]}],"safety_settings":[],"big":12345678901234567890}'


def wired(body, **fields):
    wire = Wire("gemini.generate", msgspec.json.decode(body, type=dict[str, Raw]))
    return call_of(wire=wire, **fields)


def test_what_came_in_googles_words_goes_on_exactly():
    assert body_of(wired(BODY)) == BODY
    assert body_of(wired(BODY[:-1] + b',"zhongshu":{"cache":"no-store"}}')) == BODY


def test_a_changed_request_keeps_what_was_not_read():
    asked = b'{"contents":[],"safetySettings":[{"x":1.50}],"generationConfig":{"speechConfig":{}}}'
    call = wired(asked, thinking="never")
    wire = msgspec.structs.replace(
        call.turn.wire, read=frozenset({"contents", "generationConfig"}), unsaid=("generationConfig.speechConfig",)
    )
    call.turn = msgspec.structs.replace(call.turn, wire=wire).changed(messages=(Message("user", "other"),))
    assert body_of(call) == b'{"contents":[{"role":"user","parts":[{"text":"other"}]}],"safetySettings":[{"x":1.50}]}'
    assert call.dropped == ("generationConfig.speechConfig",)
    needed = msgspec.structs.replace(call.turn.wire, needed=("tools.googleSearch",))
    call.turn = msgspec.structs.replace(call.turn, wire=needed)
    assert refused(call).code == "model_cannot"


def test_the_routes_effort_is_written_over_it():
    asked = b'{"contents":[],"generation_config":{"seed":1.50,"thinking_config":{"thinking_level":"HIGH"}}}'
    assert body_of(wired(asked, effort="off")) == (
        b'{"contents":[],"generation_config":{"seed":1.50,"thinkingConfig":{"thinkingBudget":0,"includeThoughts":false}}}'
    )
    assert b"thinkingBudget" in body_of(wired(BODY, effort="off"))


def test_other_kinds_are_refused_and_vectors_asked_for():
    assert refused(call_of((), kind="completion", prompts=("x",))).code == "model_cannot"
    call = call_of((), kind="embedding", prompts=("a", "b"), dimensions=4, model="e")
    assert msgspec.json.decode(embedding_body(call)) == {
        "requests": [
            {"model": "models/e", "content": {"parts": [{"text": text}]}, "outputDimensionality": 4} for text in "ab"
        ]
    }
