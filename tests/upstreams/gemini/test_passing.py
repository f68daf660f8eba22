"""A conversation of Google's dialect on its way to Google: with Google's signatures, and no others."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from tests.upstreams.embedded.conftest import make_call
from zhongshu.core.turns import Message, Thought, ToolCall, Wire
from zhongshu.upstreams.cannot import SIGNED_ELSEWHERE
from zhongshu.upstreams.gemini.request import body_of

OLD, NEW = "gemini-2.5-flash", "gemini-3.8-flash"
FOREIGN = "ZhSignedAnthc2ln"
SKIP = "skip_thought_signature_validator"


def passed(*parts, model=OLD, role="model"):
    """The parts sent, and what was stated."""
    message = Message("assistant", thoughts=(Thought("hm", "anthropic:sig"),), tool_calls=(ToolCall("1", "f", "{}"),))
    contents = [{"role": role, "parts": list(parts)}]
    wire = Wire("gemini.generate", {"contents": Raw(msgspec.json.encode(contents))})
    call = make_call(message, model=model, wire=wire)
    (content,) = msgspec.json.decode(body_of(call))["contents"]
    return content["parts"], call.dropped


def call_part(**more):
    return {"functionCall": {"name": "f", "args": {"x": 1.50}}} | more


@pytest.mark.parametrize("spelling", ["thoughtSignature", "thought_signature"])
def test_its_own_stay_and_others_go(spelling):
    thought = {"text": "hm", "thought": True}
    own, foreign = {spelling: "b3du"}, {spelling: FOREIGN}
    given = [thought | own, thought | foreign, {"text": "x"} | foreign, call_part(**foreign), call_part(**own)]
    assert passed(*given) == (
        [thought | own, {"text": "x"}, call_part(), call_part(**own)],
        (SIGNED_ELSEWHERE,),
    )


def test_its_own_that_went_another_way_is_given_back_as_it_was():
    assert passed({"text": "x", "thoughtSignature": "ZhSignedGemic2ln"}) == (
        [{"text": "x", "thoughtSignature": "sig"}],
        (),
    )


def test_a_model_that_wants_its_calls_signed_is_told_which_are_not_its_own():
    assert passed(call_part(), call_part(), model=NEW)[0] == [call_part(thoughtSignature=SKIP), call_part()]
    assert passed(call_part(thoughtSignature=FOREIGN), model=NEW)[0] == [call_part(thoughtSignature=SKIP)]
    assert passed(call_part(thoughtSignature="b3du"), call_part(), model=NEW)[0] == [
        call_part(thoughtSignature="b3du"),
        call_part(),
    ]


def test_what_the_user_says_is_not_touched():
    part = {"text": "x", "thoughtSignature": FOREIGN}
    assert passed(part, role="user") == ([part], ())


def test_a_message_of_nothing_else_keeps_its_place():
    assert passed({"text": "hm", "thought": True, "thoughtSignature": FOREIGN})[0] == [{"text": ""}]
