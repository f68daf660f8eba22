"""A request that its release has changed still says everything that it said, or says what it could not."""

import msgspec
import pytest
from msgspec import Raw

from zhongshu.core.models import ModelCard, Offer, Release, Shape
from zhongshu.core.ports import Call
from zhongshu.core.problems import Fault
from zhongshu.core.turns import Message, Turn, Wire
from zhongshu.upstreams.openai.manner import Manner
from zhongshu.upstreams.openai.request import body_of

SHAPE = Shape(prompt="Be brief.", temperature=0.2)


def call(dialect="openai.chat", shape=SHAPE, **fields):
    release = Release(model="m", version="2", upstream="up", upstream_model="there", shape=shape)
    wire = Wire(
        dialect,
        {"model": Raw(b'"m"'), "messages": Raw(b"[]"), "guided_json": Raw(b'{"a":1}'), "zhongshu": Raw(b"{}")},
        frozenset({"model", "messages", "zhongshu"}),
        **fields,
    )
    turn = Turn("t" * 32, 1, "chat", dialect, "m", messages=(Message("user", "hi"),), wire=wire)
    return Call(turn, Offer(release, ModelCard(name="m")))


def body(asked):
    return msgspec.json.decode(body_of(asked, Manner(), stream=False))


def test_what_we_do_not_know_goes_along():
    asked = call()
    assert body(asked) == {
        "model": "there",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        "temperature": 0.2,
        "guided_json": {"a": 1},
    }
    assert asked.dropped == ()
    unchanged = call(shape=None)
    assert body(unchanged)["messages"] == [], "what nothing changes is passed on as it came"


def test_what_another_dialect_said_is_stated_or_refused():
    stated = call(dialect="anthropic.messages")
    assert "guided_json" not in body(stated)
    assert stated.dropped == ("guided_json",)
    with pytest.raises(Fault, match="model_cannot"):
        body(call(dialect="anthropic.messages", needed=("guided_json",)))
    assert body(call(needed=("guided_json",)))["guided_json"] == {"a": 1}, "needed, and carried"
    with pytest.raises(Fault, match="model_cannot"):
        body(call(needed=("messages.cache",)))
    inside = call(unsaid=("messages.name",))
    assert body(inside)
    assert inside.dropped == ("messages.name",)
