"""Joining a stream gives the answer a plain reply would have been, however the stream was cut."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from zhongshu.core.answers import (
    Event,
    Fold,
    StopDelta,
    TextDelta,
    ThoughtDelta,
    ToolCallArguments,
    ToolCallEnd,
    ToolCallStart,
    Usage,
    UsageDelta,
)

DELTAS = [
    ThoughtDelta(0, "first, "),
    ThoughtDelta(0, "then", signature="sig"),
    TextDelta(0, "你好"),
    TextDelta(0, ", world"),
    ToolCallStart(0, 0, "call_1", "weather"),
    ToolCallArguments(0, 0, '{"city":'),
    ToolCallStart(0, 1, "call_2", "time"),
    ToolCallArguments(0, 1, "{}"),
    ToolCallArguments(0, 0, '"北京"}'),
    ToolCallEnd(0, 0),
    TextDelta(1, "second choice"),
    StopDelta(1, "length"),
    StopDelta(0, "tool_calls"),
    UsageDelta(Usage(prompt=5, completion=7)),
]


def fold(events):
    folded = Fold()
    for event in events:
        folded.add(event)
    return folded


@given(st.lists(st.integers(1, len(DELTAS) - 1), unique=True).map(sorted))
def test_any_grouping_into_events_gives_the_same_answer(cuts):
    bounds = [0, *cuts, len(DELTAS)]
    events = [Event(tuple(DELTAS[a:b])) for a, b in itertools.pairwise(bounds)]
    whole = fold([Event(tuple(DELTAS))]).answer("m")
    assert fold(events).answer("m") == whole
    first, second = whole.choices
    assert (first.text, first.thought, first.thoughts[0].signature, first.stop) == (
        "你好, world",
        "first, then",
        "sig",
        "tool_calls",
    )
    assert [(c.id, c.name, c.arguments) for c in first.tool_calls] == [
        ("call_1", "weather", '{"city":"北京"}'),
        ("call_2", "time", "{}"),
    ]
    assert (second.text, second.stop) == ("second choice", "length")
    assert whole.usage == Usage(prompt=5, completion=7)


def test_a_stream_is_complete_only_when_every_choice_has_stopped():
    folded = fold([Event((TextDelta(0, "a"), TextDelta(1, "b"), StopDelta(0, "stop")))])
    assert not folded.complete
    assert folded.answer().choices[1].stop == "error"
    folded.add(Event((StopDelta(1, "stop"),)))
    assert folded.complete


def test_an_empty_stream_has_sent_nothing():
    folded = fold([Event((TextDelta(0, ""),))])
    assert not folded.sent_content()
    assert folded.size() == 0
