"""Depth of thought over every row: each service is told on and off, and what it cannot be told is stated."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.upstreams.embedded.conftest import make_call
from zhongshu.core.ports import Call
from zhongshu.upstreams.anthropic.request import body_of as anthropic_body
from zhongshu.upstreams.embedded.briefs import brief
from zhongshu.upstreams.gemini.request import body_of as gemini_body
from zhongshu.upstreams.openai.request import body_of
from zhongshu.upstreams.responses.request import body_of as responses_body
from zhongshu.upstreams.rows import ROWS

EVERY = [name for name, row in ROWS.items() if row.wire == "openai"]
WORDLESS = {"moonshot", "zhipu", "vllm", "sglang", "llama.cpp"}


def asked(effort: str | None, thinking: str = "switch", **fields: Any) -> Call:
    """A short turn to a model with that switch."""
    return make_call("Hello.", model="there", thinking=thinking, effort=effort, **fields)


def written(call: Call, row: str) -> dict[str, Any]:
    """The fields of the body that speak of thought."""
    body = msgspec.json.decode(body_of(call, ROWS[row].manner, stream=False))
    known = (
        "reasoning_effort", "thinking", "enable_thinking", "thinking_budget", "chat_template_kwargs", "reasoning",
        "thinking_token_budget", "thinking_budget_tokens", "reasoning_budget_tokens",
    )  # fmt: skip
    return {name: body[name] for name in known if name in body}


@pytest.mark.parametrize("row", EVERY)
def test_every_effort_is_written_or_stated(row: str):
    said: set[bytes] = set()
    for effort in ("off", "low", "high"):
        call = asked(effort)
        fields = written(call, row)
        assert fields
        said.add(msgspec.json.encode(fields))
        assert call.dropped == (("reasoning_effort",) if effort == "low" and row in WORDLESS else ())
    assert len(said) == (2 if row in WORDLESS else 3)


@pytest.mark.parametrize("row", EVERY)
def test_a_model_that_always_thinks_is_not_told_to_stop(row: str):
    call, low = asked("off", "always"), asked("low", "always")
    assert written(call, row) == written(low, row)
    assert call.dropped == ("reasoning_effort",)


@pytest.mark.parametrize("row", EVERY)
def test_nothing_asked_is_nothing_written(row: str):
    call = asked(None)
    assert (written(call, row), call.dropped) == ({}, ())


# What each service is told, by row and model: off, low, medium, high, and a budget of 3,000 tokens; STATED where what
# was asked is not what is said. Words of models: upstreams/openai/efforts.py.
STATED = True
WORDS: list[tuple[str, str, tuple[tuple[Any, bool], ...]]] = [
    ("openai", "some-model", (("none", False), ("low", False), ("medium", False), ("high", False), ("low", STATED))),
    ("openai", "gpt-5-mini", (("minimal", STATED), ("low", False), ("medium", False), ("high", False), ("low", STATED))),
    ("openai", "gpt-5.4", (("none", False), ("low", False), ("medium", False), ("high", False), ("low", STATED))),
    ("openai", "gpt-6-luna", (("none", False), ("low", False), ("medium", False), ("high", False), ("low", STATED))),
    ("openai", "gpt-6.1-terra", (("none", False), ("low", False), ("medium", False), ("high", False), ("low", STATED))),
    ("openai", "gpt-6-astra", (("low", STATED), ("low", False), ("medium", False), ("high", False), ("low", STATED))),
    ("openai", "gpt-6.1-sol", (("low", STATED), ("low", False), ("medium", False), ("high", False), ("low", STATED))),
    ("openai", "gpt-6.2-sol", (("low", STATED), ("low", False), ("medium", False), ("high", False), ("low", STATED))),
    ("openai", "gpt-5.5-pro", (("medium", STATED), ("medium", STATED), ("medium", False), ("high", False), ("medium", STATED))),
    ("openai", "gpt-5.2-chat-latest", ((("medium", STATED),) * 2) + (("medium", False),) + ((("medium", STATED),) * 2)),
    ("openai", "o3-deep-research", ((("medium", STATED),) * 2) + (("medium", False),) + ((("medium", STATED),) * 2)),
    ("openai", "gpt-5-pro", (("high", STATED), ("high", STATED), ("high", STATED), ("high", False), ("high", STATED))),
    ("openai", "gpt-5.3-codex", (("low", STATED), ("low", False), ("medium", False), ("high", False), ("low", STATED))),
    ("openai", "o3-mini", (("low", STATED), ("low", False), ("medium", False), ("high", False), ("low", STATED))),
    ("gemini-openai", "gemini-2.5-flash", (("none", False), ("low", False), ("medium", False), ("high", False), ("low", STATED))),
    ("gemini-openai", "gemini-3-pro", (("low", STATED), ("low", False), ("medium", False), ("high", False), ("low", STATED))),
    ("gemini-openai", "gemini-3.5-flash", (("minimal", STATED), ("low", False), ("medium", False), ("high", False), ("low", STATED))),
    ("gemini-openai", "gemini-4-argon", (("low", STATED), ("low", False), ("medium", False), ("high", False), ("low", STATED))),
    ("ollama", "qwen3", (("none", False), ("low", False), ("medium", False), ("high", False), ("low", STATED))),
    ("moonshot", "kimi-k3", (("low", STATED), ("low", False), ("high", STATED), ("high", False), ("low", STATED))),
]  # fmt: skip
ON, OFF = {"type": "enabled"}, {"type": "disabled"}
KWARGS = {"enable_thinking": True, "thinking": True}
OWN_BUDGETS = {"thinking_budget_tokens": 3000, "reasoning_budget_tokens": 3000}
SWITCHES: list[tuple[str, str, tuple[tuple[dict[str, Any], bool], ...]]] = [
    (
        "deepseek", "deepseek-v4-pro",
        (
            ({"thinking": OFF}, False),
            ({"thinking": ON, "reasoning_effort": "low"}, False),
            ({"thinking": ON, "reasoning_effort": "high"}, STATED),
            ({"thinking": ON, "reasoning_effort": "high"}, False),
            ({"thinking": ON, "reasoning_effort": "low"}, STATED),
        ),
    ),
    (
        "dashscope", "qwen3-max",
        (
            ({"enable_thinking": False}, False),
            ({"enable_thinking": True, "thinking_budget": 2048}, False),
            ({"enable_thinking": True, "thinking_budget": 8192}, False),
            ({"enable_thinking": True}, False),
            ({"enable_thinking": True, "thinking_budget": 3000}, False),
        ),
    ),
    (
        "zhipu", "glm-4.6",
        (({"thinking": OFF}, False), *[({"thinking": ON}, STATED)] * 2, ({"thinking": ON}, False), ({"thinking": ON}, STATED)),
    ),
    (
        "zhipu", "glm-5.2",
        (
            ({"thinking": OFF}, False),
            ({"thinking": ON, "reasoning_effort": "low"}, False),
            ({"thinking": ON, "reasoning_effort": "medium"}, False),
            ({"thinking": ON, "reasoning_effort": "high"}, False),
            ({"thinking": ON, "reasoning_effort": "low"}, STATED),
        ),
    ),
    (
        "zhipu", "glm-5.3-flash",
        (
            ({"thinking": ON, "reasoning_effort": "low"}, STATED),
            ({"thinking": ON, "reasoning_effort": "low"}, False),
            ({"thinking": ON, "reasoning_effort": "high"}, STATED),
            ({"thinking": ON, "reasoning_effort": "high"}, False),
            ({"thinking": ON, "reasoning_effort": "low"}, STATED),
        ),
    ),
    (
        "openrouter", "anthropic/claude-opus-5.5",
        (
            ({"reasoning": {"effort": "low"}}, STATED),
            ({"reasoning": {"effort": "low"}}, False),
            ({"reasoning": {"effort": "medium"}}, False),
            ({"reasoning": {"effort": "high"}}, False),
            ({"reasoning": {"max_tokens": 3000}}, False),
        ),
    ),
    (
        "moonshot", "kimi-k2.5",
        (({"thinking": OFF}, False), *[({"thinking": ON}, STATED)] * 2, ({"thinking": ON}, False), ({"thinking": ON}, STATED)),
    ),
    (
        "moonshot", "kimi-k2.7-code",
        (*[({"thinking": ON}, STATED)] * 3, ({"thinking": ON}, False), ({"thinking": ON}, STATED)),
    ),
    (
        "openrouter", "any",
        (
            ({"reasoning": {"effort": "none"}}, False),
            ({"reasoning": {"effort": "low"}}, False),
            ({"reasoning": {"effort": "medium"}}, False),
            ({"reasoning": {"effort": "high"}}, False),
            ({"reasoning": {"max_tokens": 3000}}, False),
        ),
    ),
    (
        "vllm", "qwen3",
        (
            ({"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}, False),
            *[({"chat_template_kwargs": KWARGS}, STATED)] * 2,
            ({"chat_template_kwargs": KWARGS}, False),
            ({"chat_template_kwargs": KWARGS | {"thinking_budget": 3000}, **OWN_BUDGETS}, STATED),
        ),
    ),
]  # fmt: skip
DEPTHS: tuple[Any, ...] = ("off", "low", "medium", "high", 3000)


def deep_call(depth: Any, model: str, thinking: str = "switch") -> Call:
    said = {"thinking_tokens": depth} if isinstance(depth, int) else {"effort": depth}
    return make_call(
        "Hello.", model=model, thinking=thinking, sampling={"max_tokens": None, "temperature": None}, **said
    )


EVERY_SPELLING = [
    *[(row, model, tuple([({"reasoning_effort": word}, lost) for word, lost in said])) for row, model, said in WORDS],
    *SWITCHES,
]


@pytest.mark.parametrize(
    ("row", "model", "said"), EVERY_SPELLING, ids=[f"{row} {model}" for row, model, _ in EVERY_SPELLING]
)
def test_every_depth_in_every_spelling(row: str, model: str, said: tuple[tuple[dict[str, Any], bool], ...]):
    for depth, (fields, lost) in zip(DEPTHS, said, strict=True):
        call = deep_call(depth, model)
        assert written(call, row) == fields, depth
        assert bool(call.dropped) == lost, (depth, call.dropped)


RESPONSES = [
    ("gpt-5.1", "switch", ("none", "low", "medium", "high", "low"), (False, False, False, False, True)),
    ("gpt-5", "switch", ("minimal", "low", "medium", "high", "low"), (True, False, False, False, True)),
    ("o3", "always", ("low", "low", "medium", "high", "low"), (True, False, False, False, True)),
    ("some-model", "always", ("low", "low", "medium", "high", "low"), (True, False, False, False, True)),
]


@pytest.mark.parametrize(("model", "thinking", "words", "lost"), RESPONSES)
def test_the_responses_format_says_the_least_a_model_takes(model: str, thinking: str, words: Any, lost: Any):
    for depth, word, stated in zip(DEPTHS, words, lost, strict=True):
        call = deep_call(depth, model, thinking)
        body = msgspec.json.decode(responses_body(call, ROWS["openai-responses"].manner, stream=False))
        assert (body["reasoning"], bool(call.dropped)) == ({"effort": word}, stated)


BUDGETS = (1024, 2048, 8192, 16_384, 3000)
ADAPTIVE = {"type": "adaptive", "display": "summarized"}
CLAUDES = [
    ("claude-haiku-4-5", {"type": "disabled"}),
    ("claude-opus-4-7", {"type": "disabled"}),
    ("claude-sonnet-5-5", {"type": "between_tools"}),
    ("claude-opus-5-5", None),
]


@pytest.mark.parametrize(("model", "off"), CLAUDES)
def test_anthropic_budgets_and_its_adaptive_form(model: str, off: Any):
    for depth, budget in zip(("minimal", *DEPTHS[1:]), BUDGETS, strict=True):
        call = deep_call(depth, model)
        body = msgspec.json.decode(anthropic_body(call, stream=False).body)
        if model == "claude-haiku-4-5":
            assert body["thinking"] == {"type": "enabled", "budget_tokens": budget}
            assert body["max_tokens"] > budget
            assert call.dropped == ()
        else:
            word = {"minimal": "low", 3000: "low"}.get(depth, depth)
            assert (body["thinking"], body["output_config"]) == (ADAPTIVE, {"effort": word})
            assert bool(call.dropped) == (depth in ("minimal", 3000))
    call = deep_call("off", model)
    body = msgspec.json.decode(anthropic_body(call, stream=False).body)
    assert (body.get("thinking"), bool(call.dropped)) == (off, off is None)


@pytest.mark.parametrize(
    ("max_tokens", "temperature", "thinks", "dropped"),
    [
        (1024, None, False, ("reasoning_effort",)),
        (1025, None, True, ()),
        (8000, 0.5, True, ("temperature",)),
        (8000, 1.0, True, ()),
    ],
)
def test_anthropic_s_rules_of_a_budget(max_tokens: int, temperature: Any, thinks: bool, dropped: Any):
    sampling = {"max_tokens": max_tokens, "temperature": temperature}
    call = make_call("Hello.", model="claude-haiku-4-5", thinking="switch", effort="high", sampling=sampling)
    body = msgspec.json.decode(anthropic_body(call, stream=False).body)
    assert ("thinking" in body, call.dropped) == (thinks, dropped)
    if thinks:
        assert 1024 <= body["thinking"]["budget_tokens"] < max_tokens
        assert "temperature" not in body


GOOGLE = [
    ("gemini-2.5-flash", "thinkingBudget", (0, 2048, 8192, 24_576, 3000), (False,) * 5),
    ("gemini-2.5-pro", "thinkingBudget", (128, 2048, 8192, 24_576, 3000), (True, *[False] * 4)),
    ("gemini-3-flash", "thinkingLevel", ("minimal", "low", "medium", "high", None), (True, *[False] * 4)),
    ("gemini-3.1-pro", "thinkingLevel", ("low", "low", "medium", "high", None), (True, *[False] * 4)),
]


@pytest.mark.parametrize(("model", "field", "said", "lost"), GOOGLE)
def test_google_s_budgets_and_levels(model: str, field: str, said: Any, lost: Any):
    for depth, value, stated in zip(DEPTHS, said, lost, strict=True):
        call = deep_call(depth, model)
        config = msgspec.json.decode(gemini_body(call))["generationConfig"]["thinkingConfig"]
        assert (config.get(field), bool(call.dropped)) == (value, stated), depth
        assert config["includeThoughts"] is (depth != "off")


@pytest.mark.parametrize(
    ("model", "asked_for", "taken"),
    [("gemini-2.5-flash", 90_000, 24_576), ("gemini-2.5-pro", 90_000, 32_768), ("gemini-2.5-flash-lite", 100, 512)],
)
def test_a_budget_google_would_refuse_is_the_nearest_it_takes(model: str, asked_for: int, taken: int):
    call = deep_call(asked_for, model)
    config = msgspec.json.decode(gemini_body(call))["generationConfig"]["thinkingConfig"]
    assert (config["thinkingBudget"], call.dropped) == (taken, ("thinking_tokens",))


@pytest.mark.parametrize(
    ("depth", "tokens", "dropped"),
    [
        ("off", 0, ()),
        ("low", 256, ()),
        ("medium", 640, ()),
        ("high", 1280, ()),
        (300, 300, ()),
        (3000, 1365, ("thinking_tokens",)),
    ],
)
def test_a_local_model_is_asked_in_words_and_capped(depth: Any, tokens: int, dropped: Any):
    call = deep_call(depth, "qwen2.5-coder-1.5b", "prompted")
    made = brief(call, 4096)
    assert (made.thought_tokens, call.dropped) == (tokens, dropped)
    assert ("<think>" in made.messages[0]["content"]) == (tokens > 0)


def test_a_model_that_never_thinks_states_what_was_asked():
    for depth in DEPTHS[1:]:
        call = deep_call(depth, "plain", "never")
        if depth != 3000:
            call.turn = msgspec.structs.replace(call.turn, effort=depth)
        assert written(call, "openai") == {}
        assert call.dropped == (("thinking_tokens",) if depth == 3000 else ("reasoning_effort",))
