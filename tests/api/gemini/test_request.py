"""Google's request bodies -> Turn."""

import base64
import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.api.endpoint import Incoming
from zhongshu.api.gemini.request import embed_turn, generate_turn, model_of
from zhongshu.api.gemini.spelling import respelt
from zhongshu.core.problems import Fault
from zhongshu.core.turns import Audio, File, Format, Image, Message, Text, Thought, ToolCall, ToolChoice, Video

HELLO = [{"role": "user", "parts": [{"text": "hi"}]}]
FUNCTION = {"name": "f", "description": "d", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}
OTHER = {"name": "g", "parametersJsonSchema": {"type": "object"}}


def turn_of(body, method="generateContent", model="m"):
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    incoming = Incoming(data, "0" * 32, 0, f"/v1beta/models/{model}:{method}", b"", {})
    return generate_turn(incoming, stream=method.startswith("stream"))[0]


def asked(**fields):
    return turn_of({"contents": HELLO, **fields})


def said(*contents):
    return turn_of({"contents": list(contents)}).messages


def refused(body, method="generateContent"):
    with pytest.raises(Fault) as caught:
        turn_of(body, method)
    return caught.value.problem


@pytest.mark.parametrize(
    "name", ["gemini-2.5-flash", "openai/gpt-5", "qwen3:8b", "helpdesk@7", "a/models/b", "tuned models/x:y"]
)
def test_the_model_stands_in_the_path(name):
    assert model_of(f"/v1beta/models/{name}:generateContent") == name
    assert model_of(f"/v1/models/{name}:streamGenerateContent") == name


def test_a_plain_request():
    turn = turn_of({"contents": HELLO})
    assert (turn.kind, turn.protocol, turn.model, turn.stream) == ("chat", "gemini.generate", "m", False)
    assert turn.messages == (Message("user", "hi"),)
    assert turn.wire.dialect == "gemini.generate"
    assert turn.wire.unread() == []
    assert turn_of({"contents": HELLO}, "streamGenerateContent").stream


def test_lists_of_one_need_no_brackets_and_roles_no_name():
    assert turn_of({"contents": {"parts": {"text": "hi"}}}).messages == (Message("user", "hi"),)


def test_the_system_stands_first():
    expected = Message("system", "be brief")
    assert asked(systemInstruction={"parts": [{"text": "be brief"}]}).messages[0] == expected
    assert asked(system_instruction={"parts": {"text": "be brief"}}).messages[0] == expected
    assert asked(systemInstruction="be brief").messages[0] == expected
    assert asked(systemInstruction={"parts": []}).messages[0].role == "user"


def test_both_spellings_of_every_field_and_what_the_caller_named_is_left_alone():
    body = {
        "contents": HELLO,
        "tools": [
            {"function_declarations": [{"name": "f", "parameters": {"properties": {"my_arg": {"type": "STRING"}}}}]}
        ],
        "tool_config": {"function_calling_config": {"mode": "any"}},
        "generation_config": {"max_output_tokens": 5, "thinking_config": {"thinking_level": "low"}},
    }
    turn = turn_of(body)
    assert turn.tool_choice == ToolChoice("tool", "f")
    assert msgspec.json.decode(turn.tools[0].parameters)["properties"] == {"my_arg": {"type": "string"}}
    assert (turn.sampling.max_tokens, turn.effort, turn.wire.unread()) == (5, "low", [])
    exact = b'{"function_call":{"args":{"my_arg":1.50,"big":12345678901234567890}}}'
    assert respelt(exact) == b'{"functionCall":{"args":{"my_arg":1.50,"big":12345678901234567890}}}'
    assert respelt(b'{"a_b": ') == b'{"a_b": '


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"text": "x"}, "x"),
        ({"inlineData": {"mimeType": "image/png", "data": "AAAA"}}, (Image("data:image/png;base64,AAAA"),)),
        (
            {"text": "see", "inlineData": {"mimeType": "image/png", "data": "AAAA"}},
            (Text("see"), Image("data:image/png;base64,AAAA")),
        ),
        ({"inlineData": {"mimeType": "audio/mpeg", "data": "AAAA"}}, (Audio("AAAA", "mp3"),)),
        ({"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}, (Video("data:video/mp4;base64,AAAA"),)),
        (
            {"inlineData": {"mimeType": "application/pdf", "data": "AAAA", "displayName": "a.pdf"}},
            (File("a.pdf", "AAAA", media_type="application/pdf"),),
        ),
        ({"fileData": {"mimeType": "image/png", "fileUri": "https://x/y"}}, (Image("https://x/y"),)),
        (
            {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://x/y"}},
            (File(url="gs://x/y", media_type="application/pdf"),),
        ),
        ({"executableCode": {"language": "PYTHON", "code": "1+1"}}, "```python\n1+1\n```\n"),
    ],
)
def test_parts(part, expected):
    assert said({"parts": [part]})[0].content == expected


def test_base64_of_either_alphabet():
    data = bytes(range(250, 256)) * 3 + b"x"
    given = base64.urlsafe_b64encode(data).decode().rstrip("=")
    image = said({"parts": [{"inlineData": {"mimeType": "image/png", "data": given}}, {"text": "?"}]})[0].content[0]
    assert base64.b64decode(image.url.partition(",")[2], validate=True) == data


def test_calls_and_results_with_and_without_ids():
    first, model, results = said(
        {"role": "user", "parts": [{"text": "weather?"}]},
        {
            "role": "model",
            "parts": [
                {"text": "let me", "thought": True},
                {"text": "Looking."},
                {"functionCall": {"id": "a", "name": "f", "args": {"x": 1.50}}, "thoughtSignature": "s1"},
                {"functionCall": {"name": "f", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": "f", "response": {"result": "sunny"}}}],
        },
    )[:3]
    assert first.content == "weather?"
    assert model.thoughts == (Thought("let me"),)
    assert model.tool_calls == (ToolCall("a", "f", '{"x":1.5}', "gemini:s1"), ToolCall("call_1_1", "f", "{}"))
    assert results == Message("tool", "sunny", name="f", tool_call_id="a")


def test_parallel_results_find_their_calls_in_order():
    call = {"functionCall": {"name": "f"}}
    result = {"functionResponse": {"name": "f", "response": {"output": {"a": 1}}}}
    messages = said({"role": "model", "parts": [call, call]}, {"parts": [result, result, {"text": "and?"}]})
    assert [m.tool_call_id for m in messages[1:3]] == ["call_0_0", "call_0_1"]
    assert messages[1].content == '{"a":1}'
    assert messages[3] == Message("user", "and?")


@pytest.mark.parametrize(
    ("response", "text", "failed"),
    [
        ({"output": "x"}, "x", False),
        ({"result": [1, 2]}, "[1,2]", False),
        ({"error": "no such city"}, "no such city", True),
        ({"error": "x", "code": 3}, '{"error":"x","code":3}', False),
        ({"temperature": 21}, '{"temperature":21}', False),
    ],
)
def test_results(response, text, failed):
    call = {"role": "model", "parts": [{"functionCall": {"id": "a", "name": "f"}}]}
    message = said(call, {"parts": [{"functionResponse": {"id": "a", "name": "f", "response": response}}]})[1]
    assert (message.content, message.failed) == (text, failed)


def test_a_result_that_nobody_asked_for():
    body = {"contents": [{"parts": [{"functionResponse": {"name": "f", "response": {}}}]}]}
    assert refused(body).param == "contents[0].functionResponse"


def test_signatures_stay_with_their_parts():
    (message,) = said(
        {
            "role": "model",
            "parts": [
                {"text": "why", "thought": True, "thoughtSignature": "a"},
                {"text": "", "thought": True, "thoughtSignature": "b"},
                {"text": "so", "thoughtSignature": "c"},
            ],
        }
    )
    assert message.thoughts == (
        Thought("why", "gemini:a"),
        Thought("", "gemini:b", redacted=True),
        Thought("", "gemini:c"),
    )
    assert message.content == "so"


@pytest.mark.parametrize(
    ("mode", "names", "choice", "tools"),
    [
        ("AUTO", None, ToolChoice(), ["f", "g"]),
        ("VALIDATED", None, ToolChoice(), ["f", "g"]),
        ("NONE", None, ToolChoice("none"), ["f", "g"]),
        ("ANY", None, ToolChoice("required"), ["f", "g"]),
        ("any", ["g"], ToolChoice("tool", "g"), ["g"]),
        ("ANY", ["f", "g"], ToolChoice("required"), ["f", "g"]),
    ],
)
def test_which_tools_may_be_called(mode, names, choice, tools):
    config = {"mode": mode} | ({"allowedFunctionNames": names} if names else {})
    turn = asked(tools=[{"functionDeclarations": [FUNCTION, OTHER]}], toolConfig={"functionCallingConfig": config})
    assert (turn.tool_choice, [tool.name for tool in turn.tools]) == (choice, tools)


def test_googles_schema_becomes_json_schema():
    given = {
        "type": "OBJECT",
        "properties": {
            "type": {"type": "STRING", "nullable": True, "enum": ["a", "b"]},
            "list": {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": "2"},
            "either": {"anyOf": [{"type": "NUMBER"}, {"type": "STRING"}], "nullable": True},
        },
        "required": ["type"],
        "propertyOrdering": ["type", "list"],
    }
    turn = asked(generationConfig={"responseMimeType": "application/json", "responseSchema": given})
    assert turn.format.kind == "schema"
    assert msgspec.json.decode(turn.format.schema) == {
        "type": "object",
        "properties": {
            "type": {"type": ["string", "null"], "enum": ["a", "b", None]},
            "list": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
            "either": {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "null"}]},
        },
        "required": ["type"],
    }


def test_json_schema_stays_as_it_was_sent():
    body = b'{"contents":{"parts":{"text":"x"}},"generationConfig":{"responseJsonSchema":{"type":"object","z":1.50}}}'
    assert bytes(turn_of(body).format.schema) == b'{"type":"object","z":1.50}'
    assert asked(generationConfig={"responseMimeType": "application/json"}).format == Format("json")
    assert asked(generationConfig={"responseMimeType": "text/plain"}).format == Format()


@pytest.mark.parametrize(
    ("thinking", "effort", "tokens"),
    [
        (None, None, None),
        ({"thinkingBudget": 0}, "off", None),
        ({"thinkingBudget": -1}, None, None),
        ({"thinkingBudget": 4096}, None, 4096),
        ({"thinkingLevel": "MINIMAL"}, "minimal", None),
        ({"thinkingLevel": "high", "includeThoughts": True}, "high", None),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, None, None),
    ],
)
def test_thinking(thinking, effort, tokens):
    turn = asked(generationConfig={} if thinking is None else {"thinkingConfig": thinking})
    assert (turn.effort, turn.thinking_tokens) == (effort, tokens)


def test_sampling():
    config = {
        "candidateCount": 2, "stopSequences": ["a"], "maxOutputTokens": "7", "temperature": 0.5, "topP": 0.9,
        "topK": 40.0, "seed": 3, "presencePenalty": 1, "frequencyPenalty": -1, "responseLogprobs": True, "logprobs": 2,
    }  # fmt: skip
    sampling = asked(generationConfig=config).sampling
    assert (sampling.n, sampling.stop, sampling.max_tokens, sampling.top_k) == (2, ("a",), 7, 40)
    assert (sampling.logprobs, sampling.top_logprobs, sampling.seed) == (True, 2, 3)


def test_what_has_no_word_of_ours_is_named():
    turn = asked(
        safetySettings=[],
        generationConfig={"mediaResolution": "MEDIA_RESOLUTION_LOW", "temperature": 1},
        tools=[{"googleSearch": {}}, {"functionDeclarations": [FUNCTION]}],
    )
    assert turn.wire.unread() == ["safetySettings", "generationConfig.mediaResolution"]
    assert turn.wire.needed == ("tools.googleSearch",)
    assert asked(generationConfig={"responseModalities": ["TEXT", "IMAGE"]}).wire.needed == (
        "generationConfig.responseModalities",
    )
    assert asked(generationConfig={"responseModalities": ["TEXT"]}).wire.needed == ()


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b"{", "invalid_json", None),
        (b"[]", "invalid_value", None),
        (b"\xff", "invalid_json", None),
        (b"{}", "missing_field", "contents"),
        ({"contents": []}, "invalid_value", "contents"),
        ({"contents": [{"role": "robot", "parts": []}]}, "invalid_value", "contents[0].role"),
        ({"contents": HELLO, "generationConfig": {"temperature": 9}}, "invalid_value", "generationConfig.temperature"),
        (
            {"contents": HELLO, "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
            "invalid_value",
            "toolConfig.functionCallingConfig.mode",
        ),
        (
            {"contents": HELLO, "toolConfig": {"functionCallingConfig": {"mode": "SOME"}}},
            "invalid_value",
            "toolConfig.functionCallingConfig.mode",
        ),
        (
            {
                "contents": HELLO,
                "tools": [{"functionDeclarations": [FUNCTION]}],
                "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["h"]}},
            },
            "invalid_value",
            "toolConfig.functionCallingConfig.allowedFunctionNames",
        ),
        (
            {"contents": HELLO, "generationConfig": {"thinkingConfig": {"thinkingLevel": "deep"}}},
            "invalid_value",
            "generationConfig.thinkingConfig.thinkingLevel",
        ),
        (
            {"contents": HELLO, "generationConfig": {"responseSchema": "x"}},
            "invalid_value",
            "generationConfig.responseSchema",
        ),
        ({"contents": HELLO, "cachedContent": "cachedContents/x"}, "unsupported", "cachedContent"),
    ],
)
def test_bad_requests_name_the_field(body, code, param):
    problem = refused(body)
    assert (problem.code, problem.param) == (code, param)


def test_the_callers_text_is_in_no_sentence():
    body = {"contents": HELLO, "generationConfig": {"temperature": "秘密 secret"}}
    problem = refused(body)
    assert "secret" not in problem.message + problem.message_zh


def test_embeddings():
    one = Incoming(
        b'{"content":{"parts":[{"text":"a"},{"text":"b"}]},"outputDimensionality":4,"taskType":"RETRIEVAL_QUERY"}',
        "0" * 32, 0, "/v1beta/models/e:embedContent", b"", {},
    )  # fmt: skip
    turn = embed_turn(one, batch=False)
    assert (turn.prompts, turn.dimensions, turn.wire.unread()) == (("ab",), 4, ["taskType"])
    many = Incoming(
        b'{"requests":[{"model":"models/e","content":{"parts":{"text":"a"}}},{"content":{"parts":[{"text":"b"}]}}]}',
        "0" * 32, 0, "/v1beta/models/e:batchEmbedContents", b"", {},
    )  # fmt: skip
    assert embed_turn(many, batch=True).prompts == ("a", "b")


DEEP = "[" * 5000 + "]" * 5000
NESTED = '{"type":"ARRAY","items":' * 900 + "{}" + "}" * 900


@pytest.mark.parametrize(
    "body",
    [
        '{"contents":{"parts":{"text":"x"}},"x":@}'.replace("@", DEEP),
        '{"contents":{"parts":{"functionCall":{"name":"f","args":@}}}}'.replace("@", DEEP),
        '{"contents":{"parts":{"text":"x"}},"generationConfig":{"responseSchema":@}}'.replace("@", NESTED),
        '{"contents":{"parts":{"text":"x"}},"tools":{"functionDeclarations":{"name":"f","parameters":@}}}'.replace(
            "@", NESTED
        ),
        '{"contents":{"parts":{"text":"x"}},"a_b":@}'.replace("@", DEEP),
    ],
)
def test_what_is_too_deep_is_told_so(body):
    assert refused(body.encode()).code == "invalid_json"


@pytest.mark.parametrize(
    "body",
    [
        b'{"contents":{"role":"model","parts":{"functionCall":{"name":"f","args":{"a":"\xff"}}}}}',
        b'{"contents":[{"role":"model","parts":{"functionCall":{"name":"f"}}},'
        b'{"parts":{"functionResponse":{"name":"f","response":{"a":"\xff"}}}}]}',
    ],
)
def test_parts_that_are_not_utf8(body):
    assert refused(body).code == "invalid_json"


NAMES = [
    "contents", "parts", "role", "text", "thought", "thoughtSignature", "inlineData", "mimeType", "data", "fileData",
    "fileUri", "functionCall", "functionResponse", "name", "args", "id", "response", "tools", "functionDeclarations",
    "parameters", "parametersJsonSchema", "toolConfig", "functionCallingConfig", "mode", "allowedFunctionNames",
    "generationConfig", "thinkingConfig", "thinkingLevel", "thinkingBudget", "responseSchema", "responseJsonSchema",
    "responseModalities", "system_instruction", "candidateCount", "type", "properties", "items", "nullable", "enum",
]  # fmt: skip
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from(["", "x", "user", "model", "ANY", "OBJECT", "low", "f"]),
)
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
)
PART = st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=4)


@given(
    st.fixed_dictionaries(
        {"contents": st.lists(st.fixed_dictionaries({"parts": st.lists(PART, max_size=3)}), min_size=1, max_size=3)},
        optional=dict.fromkeys(("tools", "toolConfig", "generationConfig", "systemInstruction"), ANYTHING),
    )
    | ANYTHING
)
def test_anything_is_a_turn_or_a_fault(body):
    with contextlib.suppress(Fault):
        turn_of(body)
