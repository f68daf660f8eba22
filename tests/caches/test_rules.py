"""Whether a turn's answer may be given again."""

import msgspec
import pytest

from zhongshu.caches.rules import Rule, Rules, drawn_by_chance, question_of, whole, wished
from zhongshu.caches.settings import CacheSettings
from zhongshu.core.answers import Answer, Choice
from zhongshu.core.models import Release, Shape
from zhongshu.core.turns import Audio, File, Format, Image, Message, Sampling, Text, ToolCall, Turn, Wishes

RELEASE = Release(model="m", version="1", upstream="up", upstream_model="served")
EXPLICIT = Rule("exact", True, 60.0, 0.9)
INHERITED = Rule("exact", False, 60.0, 0.9)


def turn(text="hello", **fields):
    given = {"messages": (Message("user", text),), "body_bytes": 100, **fields}
    return Turn("t" * 32, 5, "chat", "openai.chat", "m", **given)


@pytest.mark.parametrize(
    ("sampling", "shape", "by_chance"),
    [
        (Sampling(), None, True),
        (Sampling(temperature=0.7), None, True),
        (Sampling(temperature=0), None, False),
        (Sampling(temperature=0.7, seed=1), None, False),
        (Sampling(temperature=0, n=2), None, True),
        (Sampling(), Shape(temperature=0.0), False),
        (Sampling(temperature=0), Shape(temperature=1.0), True),
    ],
)
def test_drawn_by_chance(sampling, shape, by_chance):
    assert drawn_by_chance(sampling, msgspec.structs.replace(RELEASE, shape=shape)) is by_chance


@pytest.mark.parametrize(
    ("setting", "rule", "allowed"),
    [
        ("explicit", EXPLICIT, True),
        ("explicit", INHERITED, False),
        ("always", INHERITED, True),
        ("never", EXPLICIT, False),
    ],
)
def test_sampled_answers_are_reused_only_as_the_settings_say(setting, rule, allowed):
    rules = Rules(CacheSettings(sampled=setting), {})
    assert rules.allows(turn(sampling=Sampling(temperature=1.0)), RELEASE, rule) is allowed
    assert rules.allows(turn(sampling=Sampling(temperature=0)), RELEASE, rule)


@pytest.mark.parametrize(
    ("fields", "allowed"),
    [
        ({}, True),
        ({"kind": "completion", "prompts": ("a",), "messages": ()}, True),
        ({"kind": "embedding", "prompts": ("a",), "messages": ()}, False),
        ({"kind": "speech"}, False),
        ({"body_bytes": 10_000_000}, False),
        ({"messages": (Message("user", (Image("https://x/y.png"),)),)}, False),
        ({"messages": (Message("user", (Image("data:image/png;base64,AA=="),)),)}, True),
        ({"messages": (Message("user", (File(id="file-1"),)), Message("user", "what is it?"))}, False),
        ({"messages": (Message("user", (File(data="AA=="), Audio("AA==", "wav"))),)}, True),
    ],
)
def test_what_may_change_behind_an_address_is_not_cached(fields, allowed):
    asked = msgspec.structs.replace(turn(), **fields)
    assert Rules(CacheSettings(), {}).allows(asked, RELEASE, EXPLICIT) is allowed


@pytest.mark.parametrize(
    ("wish", "header", "use"),
    [
        ("use", None, "use"),
        ("no-store", None, "no-store"),
        ("refresh", None, "refresh"),
        ("use", b"no-store", "no-store"),
        ("refresh", b"max-age=0, No-Store", "no-store"),
        ("use", b"no-cache", "refresh"),
        ("use", b"max-age=0", "refresh"),
        ("no-store", b"no-cache", "no-store"),
        ("use", b"max-age=600", "use"),
    ],
)
def test_what_the_caller_says(wish, header, use):
    headers = {} if header is None else {b"cache-control": header}
    assert wished(turn(wishes=Wishes(cache=wish)), headers) == use


CALL = ToolCall("c1", "look", "{}")


@pytest.mark.parametrize(
    ("choices", "kept"),
    [
        ((Choice(0, "hi"),), True),
        ((Choice(0, tool_calls=(CALL,), stop="tool_calls"),), True),
        ((Choice(0, refusal="no"),), True),
        ((Choice(0, "hi", stop="length"),), False),
        ((Choice(0, "hi", stop="error"),), False),
        ((Choice(0, "hi", stop="content_filter"),), False),
        ((Choice(0, ""),), False),
        ((), False),
        ((Choice(0, "hi"), Choice(1, "ho")), False),
    ],
)
def test_only_whole_answers_that_ended_well_are_kept(choices, kept):
    assert whole(Answer(choices, None), turn()) is kept


def test_all_choices_asked_for_must_be_there():
    asked = turn(sampling=Sampling(n=2))
    assert whole(Answer((Choice(0, "a"), Choice(1, "b")), None), asked)
    assert not whole(Answer((Choice(0, "a"),), None), asked)


@pytest.mark.parametrize(
    ("asked", "question"),
    [
        (turn("how?"), "how?"),
        (turn(messages=(Message("user", (Text("how?"),)),)), "how?"),
        (turn(messages=(Message("user", (Text("a"), Text("b"))),)), None),
        (turn(messages=(Message("user", "a"), Message("assistant", "how?"))), None),
        (turn("x" * 500), None),
        (turn("how?", format=Format("json")), None),
        (turn("how?", sampling=Sampling(n=2)), None),
        (turn("how?", sampling=Sampling(logprobs=True)), None),
    ],
)
def test_the_question_to_compare(asked, question):
    assert question_of(asked) == question


def test_a_rule_is_found_by_release_then_by_model():
    by_release = Rule("off", True, 1.0, 0.9)
    rules = Rules(CacheSettings(models="semantic"), {"m@1": by_release, "n": EXPLICIT})
    assert rules.of(RELEASE) is by_release
    assert rules.of(msgspec.structs.replace(RELEASE, model="n")) is EXPLICIT
    assert rules.of(msgspec.structs.replace(RELEASE, version="2")).reuse == "semantic"
    assert rules.any()
    assert not Rules(CacheSettings(), {"m@1": by_release}).any()
