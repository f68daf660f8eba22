"""The head of a reply in one piece says the same, line for line, as it would header by header."""

from types import SimpleNamespace as Some

import pytest

from zhongshu.api.asgi import JSON_TYPE
from zhongshu.api.heads import head_of, pairs, spent
from zhongshu.core.access import LimitState
from zhongshu.core.answers import Usage


def routed(reason="The caller named this model.", dropped=(), requests=None, tokens=None, kind="chat"):
    asking = Some(
        turn=Some(trace="a" * 32, kind=kind), offer=Some(release=Some(name="m@1")), dropped=dropped
    )  # fmt: skip
    permit = Some(requests=requests, tokens=tokens)
    return Some(asking=asking, route=Some(rule="named", reason=reason), admitted=Some(permit=permit))


PLAIN = [
    (b"content-type", b"application/json"),
    (b"x-request-id", b"a" * 32),
    (b"x-zhongshu-trace", b"a" * 32),
    (b"x-zhongshu-release", b"m@1"),
    (b"x-zhongshu-route", b"named"),
    (b"x-zhongshu-reason", b"The caller named this model."),
]
MADE = [(b"x-zhongshu-ai-generated", b"1")]


def test_a_turn_without_limits():
    assert pairs(head_of(routed(), JSON_TYPE, None)) == PLAIN + MADE
    assert pairs(head_of(routed(kind="embedding"), JSON_TYPE, None)) == PLAIN


@pytest.mark.parametrize("both", [True, False])
def test_limits_as_far_as_there_are_any(both):
    requests = LimitState(60, 59, 60.4321) if both else None
    told = pairs(head_of(routed(requests=requests, tokens=LimitState(1000, 0, 1.0)), JSON_TYPE, None))
    ours = {name.decode().removeprefix("x-ratelimit-"): value for name, value in told if b"ratelimit" in name}
    tokens = {"limit-tokens": b"1000", "remaining-tokens": b"0", "reset-tokens": b"1.000s"}
    first = {"limit-requests": b"60", "remaining-requests": b"59", "reset-requests": b"60.432s"}
    assert ours == ({**first, **tokens} if both else tokens)


def test_an_answer_given_before_and_what_could_not_be_told():
    told = pairs(head_of(routed(dropped=("seed", "名")), (b"content-type", b"audio/mpeg"), Some(kind="exact")))
    assert told[0] == (b"content-type", b"audio/mpeg")
    assert told[len(PLAIN) + 1 :] == [(b"x-zhongshu-cache", b"exact"), (b"x-zhongshu-dropped", b"seed, ?")]


@pytest.mark.parametrize("text", ["a\r\nset-cookie: b", "a\nb", "a\rb"])
def test_no_line_that_nobody_meant_to_write(text):
    for given in (routed(reason=text), routed(dropped=(text,))):
        with pytest.raises(RuntimeError, match="line break"):
            head_of(given, JSON_TYPE, None)
    with pytest.raises(RuntimeError, match="line break"):
        head_of(routed(), (b"content-type", text.encode()), None)


def test_what_a_turn_has_spent():
    assert pairs(spent(1.25, "0.001", "CNY", Usage(3, 4))) == [
        (b"x-zhongshu-overhead-ms", b"1.250"),
        (b"x-zhongshu-cost", b"0.001 CNY"),
        (b"x-zhongshu-usage", b"prompt=3; completion=4"),
    ]
