"""What a turn asks of a local model, read from the call alone."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from tests.upstreams.embedded.conftest import make_call
from zhongshu.core.turns import Format, Message, Tool, ToolChoice
from zhongshu.upstreams.embedded.briefs import brief
from zhongshu.upstreams.embedded.options import drawing, wanted_logprobs

A, B = Tool("a"), Tool("b")


@pytest.mark.parametrize(
    ("choice", "usable", "must_call", "several"),
    [
        (ToolChoice("auto"), (A, B), False, True),
        (ToolChoice("required"), (A, B), True, True),
        (ToolChoice("tool", "b"), (B,), True, False),
        (ToolChoice("none"), (), True, True),
    ],
)
def test_tools_that_may_be_called(choice: ToolChoice, usable: tuple[Tool, ...], must_call: bool, several: bool):
    asked = brief(make_call("x", tools=(A, B), tool_choice=choice), 4096)
    assert (asked.tools, asked.must_call, asked.several) == (usable, must_call, several)
    assert ("<tools>" in asked.messages[0]["content"]) is bool(usable)


def test_one_call_only_when_the_caller_says_so():
    assert not brief(make_call("x", tools=(A,), sampling={"parallel_tool_calls": False}), 4096).several


def test_a_reply_is_made_without_the_tools_prompt_unless_calls_stand_in_the_history():
    talk = brief(make_call("hi", tools=(A, B)), 4096).talk
    assert talk is not None
    assert "- a: " in talk[0]["content"]
    assert "<tools>" not in talk[0]["content"]
    assert brief(make_call("hi", Message("tool", "y"), "and?", tools=(A,)), 4096).talk is None
    assert brief(make_call("hi"), 4096).talk is None


def test_after_a_result_the_model_is_told_how_to_end():
    asked = brief(make_call("天气？", Message("tool", "晴"), tools=(A,)), 4096)
    assert asked.messages[-1]["content"].endswith("请调用 reply。")
    forced = brief(make_call("x", Message("tool", "y"), tools=(A,), tool_choice=ToolChoice("required")), 4096)
    assert forced.messages[-1]["content"].endswith("</tool_response>")


@pytest.mark.parametrize(
    ("format", "schema", "told"),
    [
        (Format(), None, False),
        (Format("json"), {"type": "object"}, False),
        (Format("schema", Raw(b'{"type":"array"}')), {"type": "array"}, True),
    ],
)
def test_the_shape_is_a_rule_for_the_engine_and_a_hint_for_the_model(format: Format, schema: object, told: bool):
    asked = brief(make_call("x", format=format), 4096)
    assert asked.schema == schema
    assert asked.schemas() == ([schema] if schema else [])
    assert (len(asked.messages) == 2) is told


def test_the_routes_effort_wins_over_the_turns():
    on = make_call("x", thinking="prompted", effort="low")
    off = make_call("x", thinking="prompted", effort="off")
    assert brief(on, 4096).thought_tokens == 256
    assert brief(off, 4096).thought_tokens == 0
    assert "<think>" in brief(on, 4096).messages[0]["content"]
    assert len(brief(off, 4096).messages) == 1


def test_a_budget_in_tokens_goes_before_the_efforts_own():
    budgeted = make_call("How many?", thinking="prompted")
    budgeted.turn = msgspec.structs.replace(budgeted.turn, thinking_tokens=700)
    assert brief(budgeted, 4096).thought_tokens == 700
    assert brief(budgeted, 300).thought_tokens == 100


def test_only_what_was_given_is_passed_on():
    assert drawing(make_call("x", sampling={"temperature": None}).turn.sampling, 0) == {}
    full = {"temperature": 0.5, "top_p": 0.9, "top_k": 4, "seed": 7, "presence_penalty": 1.0, "frequency_penalty": -1.0}
    assert drawing(make_call("x", sampling=full).turn.sampling, 2) == full | {"seed": 9}


@pytest.mark.parametrize(("seed", "drawn"), [(-1, 2**32 - 2), (2**32 - 1, 0), (2**64, 1), (5, 5)])
def test_a_seed_is_never_the_one_that_means_any(seed: int, drawn: int):
    assert drawing(make_call("x", sampling={"seed": seed}).turn.sampling, 0)["seed"] == drawn


@pytest.mark.parametrize(
    ("sampling", "wanted"),
    [({}, {}), ({"logprobs": True}, {"n_probs": 1}), ({"logprobs": True, "top_logprobs": 5}, {"n_probs": 5})],
)
def test_log_probabilities_are_asked_for_only_when_wanted(sampling: dict[str, object], wanted: dict[str, int]):
    assert wanted_logprobs(make_call("x", sampling=sampling).turn.sampling) == wanted
