"""Depth of thought from other protocols, in each follower's spelling; and what vLLM and SGLang add passes through."""

import msgspec
import pytest
from msgspec import Raw

from zhongshu.core.turns import File, Format, Image, Message, Sampling, Text, Wire
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.request import body_of
from zhongshu.upstreams.registry import manner_of
from zhongshu.upstreams.rows import ROWS
from zhongshu.upstreams.settings import UpstreamSettings

OTHER = Wire("gemini.generate", {"contents": Raw(b"[]"), "safetySettings": Raw(b"[]")}, frozenset({"contents"}))


def sent(call, manner):
    return msgspec.json.decode(body_of(call, manner, stream=False))


def thinking_of(body):
    named = (
        "reasoning_effort", "thinking", "enable_thinking", "thinking_budget", "chat_template_kwargs", "reasoning",
        "thinking_token_budget", "thinking_budget_tokens", "reasoning_budget_tokens",
    )  # fmt: skip
    return {name: body[name] for name in named if name in body}


@pytest.mark.parametrize(
    ("row", "tokens", "fields", "stated"),
    [
        ("dashscope", 3000, {"enable_thinking": True, "thinking_budget": 3000}, ()),
        ("siliconflow", 3000, {"enable_thinking": True, "thinking_budget": 3000}, ()),
        ("openrouter", 3000, {"reasoning": {"max_tokens": 3000}}, ()),
        ("openai", 500, {"reasoning_effort": "minimal"}, ("thinking_tokens",)),
        ("openai", 3000, {"reasoning_effort": "low"}, ("thinking_tokens",)),
        ("ollama", 10_000, {"reasoning_effort": "medium"}, ("thinking_tokens",)),
        ("lmstudio", 500, {"reasoning_effort": "low"}, ("thinking_tokens", "reasoning_effort")),
        ("deepseek", 30_000, {"thinking": {"type": "enabled"}, "reasoning_effort": "high"}, ("thinking_tokens",)),
        ("moonshot", 3000, {"thinking": {"type": "enabled"}}, ("thinking_tokens",)),
        (
            "vllm",
            3000,
            {
                "chat_template_kwargs": {"enable_thinking": True, "thinking": True, "thinking_budget": 3000},
                "thinking_budget_tokens": 3000,
                "reasoning_budget_tokens": 3000,
            },
            ("thinking_tokens",),
        ),
    ],
)
def test_a_budget_in_tokens(call, row, tokens, fields, stated):
    asked = call(thinking="switch", thinking_tokens=tokens)
    assert thinking_of(sent(asked, ROWS[row].manner)) == fields
    assert asked.dropped == stated


def test_a_vllm_that_counts_thoughts_is_told_so(call):
    """A vLLM without a reasoning parser refuses its own field, so it is written only where the settings say so."""
    row = UpstreamSettings(name="vllm", thinking="chat_template_kwargs+budget")
    asked = call(thinking="switch", thinking_tokens=3000)
    assert sent(asked, manner_of(row))["thinking_token_budget"] == 3000
    assert asked.dropped == ()
    assert "thinking_token_budget" not in sent(call(thinking="switch", effort="low"), manner_of(row))


def test_the_routes_effort_goes_before_the_budget(call):
    asked = call(thinking="switch", thinking_tokens=3000, effort="off")
    assert thinking_of(sent(asked, ROWS["dashscope"].manner)) == {"enable_thinking": False}


@pytest.mark.parametrize("fields", [{"thinking_tokens": 5}, {"turn_effort": "low"}])
def test_a_model_that_cannot_be_told_is_stated(call, fields):
    effort = fields.pop("turn_effort", None)
    asked = call(thinking="never", **fields)
    asked.turn = msgspec.structs.replace(asked.turn, effort=effort)
    assert thinking_of(sent(asked, ROWS["dashscope"].manner)) == {}
    assert asked.dropped == (("thinking_tokens",) if effort is None else ("reasoning_effort",))


def test_what_another_dialect_said_and_openai_has_no_word_for_is_stated(call):
    asked = call(sampling=Sampling(top_k=5))
    asked.turn = msgspec.structs.replace(asked.turn, wire=OTHER)
    assert "top_k" not in sent(asked, Manner())
    assert asked.dropped == ("safetySettings", "top_k")
    asked.dropped = ()
    assert sent(asked, ROWS["vllm"].manner)["top_k"] == 5
    assert asked.dropped == ("safetySettings",)


EXTRAS = [
    b'"guided_json":{"type":"object","x":1.50}',
    b'"guided_choice":["\\u662f","no"]',
    b'"guided_regex":"^a+$"',
    b'"guided_grammar":"root ::= x"',
    b'"structured_outputs":{"regex":"[0-9]+"}',
    b'"chat_template_kwargs":{"enable_thinking":false}',
    b'"separate_reasoning":true',
    b'"regex":"x"',
    b'"ebnf":"root"',
    b'"enable_thinking":true,"thinking_budget":77',
    b'"think":false',
    b'"thinking_token_budget":10',
    b'"top_k":3,"min_p":0.10,"repetition_penalty":1.0',
]


@pytest.mark.parametrize("extra", EXTRAS)
def test_what_vllm_sglang_and_others_add_passes_through_exactly(call, extra):
    asked = call("served", b'{"model":"m","messages":[{"role":"user","content":"x"}],%b}' % extra, thinking="switch")
    for row in ("vllm", "sglang", "dashscope", "ollama"):
        assert extra in body_of(asked, ROWS[row].manner, stream=False)
    assert asked.dropped == ()


def test_a_schema_of_another_protocol_is_a_response_format(call):
    asked = call(format=Format("schema", Raw(b'{"type":"object"}')))
    schema = {"name": "answer", "schema": {"type": "object"}, "strict": True}
    assert sent(asked, ROWS["vllm"].manner)["response_format"] == {"type": "json_schema", "json_schema": schema}


def test_files_of_other_protocols(call):
    parts = (
        File("a.pdf", "AAAA", media_type="application/pdf"),
        File(data="aGk=", media_type="text/plain"),
        File(data="data:application/pdf;base64,AAAA"),
        Image("data:image/png;base64,AAAA"),
        Text("see"),
    )
    assert sent(call(messages=(Message("user", parts),)), Manner())["messages"][0]["content"] == [
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "text", "text": "hi"},
        {"type": "file", "file": {"filename": "file.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "text", "text": "see"},
    ]


def test_a_row_says_where_thoughts_are():
    row = UpstreamSettings(name="tgi", base_url="http://x/v1", key="none", thoughts="tags", thinking="thinking")
    assert manner_of(row) == Manner(thoughts="tags", thinking="thinking")
    assert manner_of(UpstreamSettings(name="vllm")) == ROWS["vllm"].manner
