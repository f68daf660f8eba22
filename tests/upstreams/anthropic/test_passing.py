"""A conversation of Anthropic's dialect on its way to an upstream of it: thoughts that it would refuse stay behind."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from tests.upstreams.embedded.conftest import make_call
from zhongshu.core.signatures import arriving
from zhongshu.core.turns import Message, Thought, ToolCall, Wire
from zhongshu.upstreams.anthropic.request import body_of
from zhongshu.upstreams.cannot import SIGNED_ELSEWHERE

OLD, NEW = "claude-haiku-4-5", "claude-opus-4-7"
UNSIGNED = "messages.thoughts (not signed)"
FOREIGN = "ZhSignedRespZW5j"
CALL = {"type": "tool_use", "id": "t", "name": "f", "input": {"x": 1.50}}


def thinking(signature: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": "hm", "signature": signature}


def passed(blocks: list[dict[str, Any]], model: str = OLD, effort: Any = None, then: tuple[Any, ...] = (), **more: Any):
    """The messages sent, all of the body, and what was stated. effort: as the route decided; then: messages that follow."""
    signatures = [arriving(block.get("signature") or block.get("data"), "anthropic") for block in blocks]
    thoughts = tuple(
        Thought("", given) for block, given in zip(blocks, signatures, strict=True) if "thinking" in block["type"]
    )
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": blocks}]
    if CALL in blocks:
        messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "ok"}]})
    fields = {"messages": [*messages, *then], "max_tokens": 4000} | more
    wire = Wire("anthropic.messages", {name: Raw(msgspec.json.encode(value)) for name, value in fields.items()})
    calls = (ToolCall("t", "f", '{"x":1.5}'),) if CALL in blocks else ()
    said = Message("assistant", thoughts=thoughts, tool_calls=calls)
    sampling = {"max_tokens": 30_000}
    call = make_call("hi", said, model=model, thinking="switch", effort=effort, sampling=sampling, wire=wire)
    body = msgspec.json.decode(body_of(call, stream=False).body)
    return body["messages"], body, call.dropped


@pytest.mark.parametrize(
    ("blocks", "left", "dropped"),
    [
        ([thinking("own"), {"type": "text", "text": "x"}], 2, ()),
        ([{"type": "redacted_thinking", "data": "own"}, {"type": "text", "text": "x"}], 2, ()),
        ([thinking(""), {"type": "text", "text": "x"}], 1, (UNSIGNED,)),
        ([thinking(FOREIGN), {"type": "text", "text": "x"}], 1, (SIGNED_ELSEWHERE,)),
        ([{"type": "redacted_thinking", "data": FOREIGN}, {"type": "text", "text": "x"}], 1, (SIGNED_ELSEWHERE,)),
        ([{"type": "redacted_thinking", "data": "ZhSignedCallZ2VtaW5pOnM="}, CALL], 1, (SIGNED_ELSEWHERE,)),
        ([thinking("own"), {"type": "text", "text": f"the mark {FOREIGN} in a text"}], 2, ()),
        ([thinking("own"), {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}], 2, ()),
    ],
)
def test_only_its_own_proofs_are_sent(blocks, left, dropped):
    messages, _, stated = passed(blocks)
    assert messages[1]["content"] == blocks[len(blocks) - left :]
    assert stated == dropped


def test_a_message_of_nothing_else_is_left_out():
    messages, _, _ = passed([thinking(FOREIGN)])
    assert messages == [{"role": "user", "content": "hi"}]


def test_its_own_proof_that_went_another_way_is_given_back_as_it_was():
    messages, _, stated = passed([thinking("ZhSignedAnthc2ln"), {"type": "text", "text": "x"}])
    assert (messages[1]["content"][0], stated) == (thinking("sig"), ())


@pytest.mark.parametrize(("model", "asked"), [(OLD, False), (NEW, True)])
def test_an_older_model_is_not_asked_to_think_about_calls_whose_thought_is_gone(model, asked):
    wanted = {"type": "enabled", "budget_tokens": 2000}
    _, body, stated = passed([thinking(FOREIGN), CALL], model, thinking=wanted)
    assert ("thinking" in body) is asked
    assert stated == ((SIGNED_ELSEWHERE,) if asked else (SIGNED_ELSEWHERE, "thinking"))
    _, body, stated = passed([thinking("own"), CALL], model, thinking=wanted)
    assert (body["thinking"], stated) == (wanted, ())


GOING_ON = {"role": "assistant", "content": "It is done."}, {"role": "user", "content": "Thanks! And now?"}


@pytest.mark.parametrize("blocks", [[CALL], [{"type": "text", "text": "Let me look."}, CALL]])
def test_nor_where_the_client_was_never_shown_it_or_there_was_none(blocks):
    """Thoughts that are hidden from a client do not come back; nor does one of a call that was made without."""
    wanted = {"type": "enabled", "budget_tokens": 2000}
    _, body, stated = passed(blocks, thinking=wanted)
    assert ("thinking" in body, stated) == (False, ("thinking",))
    _, body, stated = passed(blocks, effort="high")
    assert ("thinking" in body, stated) == (False, ("thinking",))
    for then in (GOING_ON, GOING_ON[1:]):
        _, body, stated = passed(blocks, then=then, thinking=wanted)
        assert (body["thinking"], stated) == (wanted, ()), "those calls are answered"
    for more in ({"thinking": {"type": "adaptive"}}, {"thinking": {"type": "disabled"}}, {}):
        _, body, stated = passed(blocks, **more)
        assert (body.get("thinking"), stated) == (more.get("thinking"), ())
    _, body, stated = passed(blocks, NEW, thinking=wanted)
    assert (body["thinking"], stated) == (wanted, ())


def test_a_conversation_without_thoughts_is_not_read():
    odd = Raw(b'[{"role":"user","content":"hi"} , 1.50]')
    call = make_call("hi", model=OLD, wire=Wire("anthropic.messages", {"messages": odd}))
    assert bytes(odd) in body_of(call, stream=False).body


def test_a_signed_call_of_google_loses_its_signature_and_it_is_stated():
    call = make_call(Message("assistant", tool_calls=(ToolCall("c", "f", "{}", "gemini:s"),)), model=OLD)
    assert b"signature" not in body_of(call, stream=False).body.lower()
    assert call.dropped == (SIGNED_ELSEWHERE,)
