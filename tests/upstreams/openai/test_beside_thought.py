"""What is refused beside thought, and what a call must come back with: drawing, demanded tools, the thought of a call."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.upstreams.conftest import make_call
from zhongshu.core.problems import Fault
from zhongshu.core.turns import Message, Sampling, Thought, Tool, ToolCall, ToolChoice
from zhongshu.upstreams.openai.request import body_of
from zhongshu.upstreams.responses.request import body_of as responses_body
from zhongshu.upstreams.rows import ROWS

WARM = Sampling(temperature=0.3, top_p=0.9, presence_penalty=0.5)
TOLD = b'{"model":"m","messages":[],"temperature":0.3,"top_p":0.9,"presence_penalty":0.5}'
ALL = {"temperature", "top_p", "presence_penalty"}
DEMANDS = [ToolChoice("required"), ToolChoice("tool", "f")]
TOOLS = (Tool("f"),)


def sent(row: str, model: str, body: bytes | None = None, **fields: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    call = make_call(model, body, **{"thinking": "switch", **fields})
    write = responses_body if ROWS[row].wire == "responses" else body_of
    return msgspec.json.decode(write(call, ROWS[row].manner, stream=False)), call.dropped


# Service, model, effort, and whether the model is drawn as the caller says.
DRAWN = [
    ("openai", "gpt-5-mini", None, False),
    ("openai", "gpt-5-mini", "low", False),
    ("openai", "gpt-5.1", None, True),
    ("openai", "gpt-5.1", "off", True),
    ("openai", "gpt-5.1", "low", False),
    ("openai", "gpt-5.5", None, False),
    ("openai", "gpt-5.5", "off", True),
    ("openai", "gpt-6-astra", "off", False),
    ("openai", "gpt-5.2-chat-latest", None, False),
    ("openai", "gpt-5-chat-latest", None, True),
    ("openai", "o3", None, False),
    ("openai", "gpt-4.1", None, True),
    ("openai", "gpt-oss-120b", None, True),
    ("moonshot", "kimi-k3", None, False),
    ("moonshot", "kimi-k2.6", "off", False),
    ("moonshot", "moonshot-v1-8k", None, True),
    ("vllm", "moonshotai/Kimi-K2.6", "high", True),
    ("deepseek", "deepseek-v4-pro", "high", True),
]


@pytest.mark.parametrize(("row", "model", "effort", "taken"), DRAWN)
def test_what_a_model_refuses_to_be_told_while_it_thinks_is_left_out(row: str, model: str, effort: Any, taken: bool):
    body, dropped = sent(row, model, sampling=WARM, effort=effort)
    assert ALL & set(body) == (ALL if taken else set())
    assert ALL & set(dropped) == (set() if taken else ALL)


def test_the_usual_drawing_is_no_loss():
    body, dropped = sent(
        "openai", "gpt-5", sampling=Sampling(temperature=1.0, top_p=1, frequency_penalty=0), effort="low"
    )
    assert ({"temperature", "top_p", "frequency_penalty"} & set(body), dropped) == (set(), ())


@pytest.mark.parametrize(("effort", "left"), [("low", False), (None, True), ("off", True)])
def test_a_clients_own_drawing_goes_only_where_the_route_made_the_model_think(effort: Any, left: bool):
    body, dropped = sent("openai", "gpt-5.1", TOLD, sampling=WARM, effort=effort)
    assert ALL & set(body) == (ALL if left else set())
    assert set(dropped) == (set() if left else ALL)


@pytest.mark.parametrize(("effort", "left"), [("low", False), (None, True), ("off", True)])
def test_drawing_in_the_responses_format(effort: Any, left: bool):
    body, dropped = sent("openai-responses", "gpt-5.1", sampling=Sampling(temperature=0.3, top_p=0.9), effort=effort)
    assert {"temperature", "top_p"} & set(body) == ({"temperature", "top_p"} if left else set())
    assert set(dropped) == (set() if left else {"temperature", "top_p"})


@pytest.mark.parametrize("choice", DEMANDS)
@pytest.mark.parametrize(
    ("row", "model", "off"),
    [
        ("deepseek", "deepseek-v4-flash", {"thinking": {"type": "disabled"}}),
        ("moonshot", "kimi-k2.6", {"thinking": {"type": "disabled"}}),
        ("dashscope", "qwen3.8-max", {"enable_thinking": False}),
    ],
)
def test_a_demanded_tool_goes_before_thought(row: str, model: str, off: dict[str, Any], choice: ToolChoice):
    """DeepSeek, Moonshot and DashScope answer the two together with a 400; some of them think unasked."""
    for effort, dropped in ((None, ()), ("off", ()), ("high", ("reasoning_effort",))):
        body, stated = sent(row, model, tools=TOOLS, tool_choice=choice, effort=effort)
        assert body.items() >= off.items()
        assert "tool_choice" in body
        assert "reasoning_effort" not in body
        assert stated == dropped
    passed, stated = sent(row, model, b'{"messages":[]}', tools=TOOLS, tool_choice=choice, effort="high")
    assert passed.items() >= off.items()
    assert stated == ("reasoning_effort",)
    untouched, _ = sent(row, model, b'{"messages":[]}', tools=TOOLS, tool_choice=choice)
    assert not set(off) & set(untouched)


@pytest.mark.parametrize("body", [None, b'{"messages":[],"tool_choice":"required"}'])
@pytest.mark.parametrize("choice", DEMANDS)
@pytest.mark.parametrize("effort", [None, "off", "high"])
@pytest.mark.parametrize(
    ("row", "model"),
    [
        ("zhipu", "glm-5.3-flash"),
        ("moonshot", "kimi-k2.7-code"),
        ("deepseek", "deepseek-reasoner"),
        ("dashscope", "qwen3-235b-a22b-thinking-2507"),
    ],
)
def test_what_cannot_stop_thinking_is_not_made_to_call(
    row: str, model: str, effort: Any, choice: ToolChoice, body: Any
):
    """Z.AI: "Tool choice must be auto". Moonshot: "tool_choice 'required' is incompatible with thinking enabled"."""
    with pytest.raises(Fault) as refused:
        sent(row, model, body, tools=TOOLS, tool_choice=choice, effort=effort)
    problem = refused.value.problem
    assert (problem.code, problem.param, problem.status) == ("model_cannot", "tool_choice", 400)
    assert '`tool_choice` "auto"' in problem.message
    assert '`tool_choice` 设为 "auto"' in problem.message_zh
    for free in (ToolChoice(), ToolChoice("none")):
        sent(row, model, tools=TOOLS, tool_choice=free, effort=effort)
    sent("vllm", model, tools=TOOLS, tool_choice=choice, effort=effort)


@pytest.mark.parametrize("effort", [None, "low", "high"])
def test_of_kimi_k3_any_tool_may_be_demanded_and_none_by_name(effort: Any):
    for choice in DEMANDS:
        body, dropped = sent("moonshot", "kimi-k3", tools=TOOLS, tool_choice=choice, effort=effort)
        assert (body["tool_choice"], body.get("reasoning_effort"), dropped) == ("required", effort, ())
    named = b'{"messages":[],"tool_choice":{"type":"function","function":{"name":"f"}}}'
    assert sent("moonshot", "kimi-k3", named, tools=TOOLS, tool_choice=DEMANDS[1])[0]["tool_choice"] == "required"
    body, _ = sent("moonshot", "kimi-k3", tools=(*TOOLS, Tool("g")), tool_choice=DEMANDS[0], effort=effort)
    assert body["tool_choice"] == "required"
    with pytest.raises(Fault, match="model_cannot"):
        sent("moonshot", "kimi-k3", tools=(*TOOLS, Tool("g")), tool_choice=DEMANDS[1], effort=effort)


@pytest.mark.parametrize(
    ("row", "model", "effort", "told"),
    [
        ("openai", "gpt-5-mini", None, False),
        ("openai", "o3", "low", False),
        ("openai", "gpt-5.1", None, True),
        ("openai", "gpt-5.1", "off", True),
        ("openai", "gpt-5.1", "high", False),
        ("openai", "gpt-4.1", None, True),
        ("openai-responses", "gpt-5-mini", None, False),
        ("openai-responses", "gpt-5.1", "high", False),
        ("openai-responses", "gpt-5.1", "off", True),
        ("deepseek", "deepseek-v4-pro", "high", True),
        ("moonshot", "kimi-k2.6", "high", True),
    ],
)
def test_openais_models_tell_no_probabilities_while_they_think(row: str, model: str, effort: Any, told: bool):
    body, dropped = sent(row, model, sampling=Sampling(logprobs=True, top_logprobs=3), effort=effort)
    assert ("top_logprobs" in body, "logprobs" in body or "logprobs" in str(body.get("include"))) == (told, told)
    assert ("logprobs" in dropped, "top_logprobs" in dropped) == (not told, not told)


def test_a_tool_that_may_be_called_does_not_stop_thought():
    body, dropped = sent("deepseek", "deepseek-v4-flash", tools=TOOLS, effort="high")
    assert (body["thinking"], body["reasoning_effort"], dropped) == ({"type": "enabled"}, "high", ())
    body, dropped = sent("vllm", "qwen3", tools=TOOLS, tool_choice=DEMANDS[0], effort="high")
    assert (body["chat_template_kwargs"]["enable_thinking"], dropped) == (True, ())


@pytest.mark.parametrize(
    ("row", "model", "effort", "word", "stated"),
    [
        ("openai", "gpt-5.6-luna", "high", "none", True),
        ("openai", "gpt-5.6-luna", None, "none", False),
        ("openai", "gpt-6-sol", "low", "none", True),
        ("openai", "gpt-5.1", "high", "high", False),
        ("openai", "o3", "high", "high", False),
        ("openrouter", "openai/gpt-6-sol", "high", None, False),
    ],
)
def test_in_openais_chat_newer_models_call_tools_without_thought(
    row: str, model: str, effort: Any, word: Any, stated: bool
):
    """ "Function tools with reasoning_effort are not supported for gpt-5.6-luna in /v1/chat/completions." """
    body, dropped = sent(row, model, tools=TOOLS, effort=effort)
    assert body.get("reasoning_effort") == word
    assert dropped == (("reasoning_effort",) if stated else ())


def test_in_the_responses_format_they_think_beside_tools():
    body, dropped = sent("openai-responses", "gpt-6-sol", tools=TOOLS, effort="high")
    assert (body["reasoning"], dropped) == ({"effort": "high"}, ())


CALLS = b'[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]'
CALLED = Message("assistant", "", tool_calls=(ToolCall("c", "f", "{}"),))
ASKED, RESULT = Message("user", "go"), Message("tool", "x", tool_call_id="c")


@pytest.mark.parametrize(
    ("row", "filled"), [("deepseek", True), ("moonshot", True), ("zhipu", True), ("openrouter", False)]
)
def test_a_call_comes_back_with_a_thought_where_it_is_refused_without(row: str, filled: bool):
    """A call that another model made, without thought, before the conversation went to this one."""
    history = (ASKED, CALLED, RESULT)
    body, dropped = sent(row, "m", messages=history)
    assert body["messages"][1].get("reasoning_content") == (" " if filled else None)
    wire = b'{"messages":[{"role":"user","content":"go"},{"role":"assistant","content":null,"tool_calls":%b}]}' % CALLS
    passed, also = sent(row, "m", wire, messages=history)
    assert passed["messages"][1].get("reasoning_content") == (" " if filled else None)
    assert (dropped, also) == ((), ())
    assert "reasoning_content" not in passed["messages"][0]


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_a_thought_that_came_along_goes_back_under_its_name(name: str):
    thinking = msgspec.structs.replace(CALLED, thoughts=(Thought("hm"),))
    wire = b'{"messages":[{"role":"assistant","%b":"hm","tool_calls":%b}]}' % (name.encode(), CALLS)
    passed, _ = sent("deepseek", "m", wire, messages=(thinking,))
    assert passed["messages"][0]["reasoning_content"] == "hm"


@pytest.mark.parametrize("said", [b'"tool_calls":[]', b'"tool_calls":null', b'"content":"hi"'])
def test_an_answer_without_calls_needs_no_thought(said: bytes):
    wire = b'{"messages":[{"role":"assistant",%b},{"role":"assistant","tool_calls":%b}]}' % (said, CALLS)
    passed, _ = sent("deepseek", "m", wire, messages=(Message("assistant", "hi"), CALLED))
    assert "reasoning_content" not in passed["messages"][0]
