"""What stands in a record, field by field: its values are handed over by place."""

import msgspec

from zhongshu.core.access import Caller
from zhongshu.core.answers import Answer, Choice, Usage
from zhongshu.core.dials import Dial
from zhongshu.core.models import Route
from zhongshu.core.ports import Asking, Call, Hit
from zhongshu.core.problems import Refusal, problem
from zhongshu.core.records import Attempt
from zhongshu.core.turns import Message, Turn
from zhongshu.pipeline.record import Entry
from zhongshu.pipeline.stages import Admitted, Arrived, Routed

WHO = {"tenant": "acme", "key_id": "k1", "user": "u-17", "address": "10.0.0.1", "agent": "an agent"}
ASKED = {"protocol": "openai.completion", "kind": "completion", "stream": True, "asked": "m"}


def arrived_at(path) -> Arrived:
    turn = Turn(
        "t" * 32, 5, "completion", "openai.completion", "m", (Message("user", "hello"),), stream=True, user="u-17"
    )
    return Arrived(turn, Caller("acme", "k1"), 0, b'{"x":1}', "10.0.0.1", "an agent", read=("a picture: by m2",))


def test_of_an_answered_turn(path):
    made = path()
    arrived = arrived_at(made)
    offer = made.rooms.catalog.find("m")[0]
    card = msgspec.structs.replace(offer.card, filing="filing-1")
    release = msgspec.structs.replace(offer.release, upstream="there", upstream_model="m-there", version="2")
    offer = msgspec.structs.replace(offer, card=card, release=release)
    asking = Asking(arrived.turn, arrived.caller, ((offer,),), "high")
    tries = [Attempt("there", "m-there", 503, "upstream_error", 10), Attempt("there", "m-there", 200, "", 20, "retry")]
    asking.attempts, asking.dropped, asking.queued_us = tries, ("logit_bias",), 7
    asking.call = Call(arrived.turn, offer)
    asking.call.thought_ended, asking.call.answer_ended = "budget", "repeating"
    route = Route(offer, "high", "hard", "It is hard.", "较难。", Dial(quality=0.7))
    entry = Entry(made.rooms, arrived)
    entry.routed = Routed(Admitted(arrived, None, (offer,)), route, asking, split="header")
    entry.outcome, entry.error, entry.stage = "cut", "upstream_cut", "answer"
    choice = Choice(index=0, text="hi", stop="length")
    entry.answer = Answer((choice,), Usage(3, 4), "m-0613")
    entry.usage, entry.cost_nano, entry.label = Usage(3, 4), 11, "1"
    entry.hit = Hit(entry.answer, "semantic", 0.9, Usage(3, 4), 12, 13)
    entry.first_us, entry.upstream_us = 14, 15
    made.clock.advance(0.001)
    assert msgspec.structs.asdict(entry.record()) == {
        "trace": "t" * 32, "at_ns": 5, "outcome": "cut", **WHO, **ASKED,
        "release": release.name, "upstream": "there", "served": "m-0613", "filing": "filing-1",
        "rule": "hard", "reason": "It is hard.", "effort": "high", "stop": "length", "error": "upstream_cut", "stage": "answer",
        "usage": Usage(3, 4), "cost_nano": 11, "currency": "CNY", "label": "1", "produce_id": "t" * 32,
        "attempts": tuple(tries), "first_us": 14, "took_us": 1000, "overhead_us": 985, "settings": "s1", "policy": "",
        "split": "header", "cache": "semantic", "saved_nano": 12, "saved_us": 13, "shadow_of": "",
        "dropped": ("logit_bias",), "thought_ended": "budget", "answer_ended": "repeating", "queued_us": 7, "dial": Dial(quality=0.7),
        "read": ("a picture: by m2",), "prompt": b'{"x":1}', "answer": msgspec.json.encode([choice]),
    }  # fmt: skip


def test_of_a_turn_that_was_refused(path):
    made = path()
    entry = Entry(made.rooms, arrived_at(made))
    entry.refused(Refusal("admit", problem("forbidden", param="model", why="so")))
    made.clock.advance(0.001)
    said = msgspec.structs.asdict(entry.record())
    expected = {
        "trace": "t" * 32, "at_ns": 5, "outcome": "refused", **WHO, **ASKED, "error": "forbidden", "stage": "admit",
        "took_us": 1000, "overhead_us": 1000, "settings": "s1", "read": ("a picture: by m2",), "prompt": b'{"x":1}',
        "usage": Usage(), "currency": "CNY", "dial": Dial(),
    }  # fmt: skip
    assert {name: value for name, value in said.items() if name in expected} == expected
    assert not any(value for name, value in said.items() if name not in expected)
