"""A chunk of the form of the one before is read by its text alone, and comes to the same event as if it were decoded."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.core.answers import Event, TextDelta
from zhongshu.upstreams.openai.chunks import form_of
from zhongshu.upstreams.openai.stream import ChunkReader

FIRST = b'{"id":"c","choices":[{"index":1,"delta":{"content":"one"},"finish_reason":null}],"usage":null}'


def chunk(text: str, key: str = "content", ascii_only: bool = False, **more: object) -> bytes:
    choice = {"index": 0, "delta": {key: text} | more, "finish_reason": None}
    return json.dumps({"id": "c", "choices": [choice]}, ensure_ascii=ascii_only).encode()


def decoded(payload: bytes) -> Event | None:
    """What a reader that has seen nothing before makes of it."""
    return ChunkReader("up").read(payload)


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=12),
    st.sampled_from(["content", "reasoning_content"]),
    st.booleans(),
)
def test_whatever_the_texts_are(texts, key, ascii_only):
    reader = ChunkReader("up")
    for text in texts:
        payload = chunk(text, key, ascii_only)
        assert reader.read(payload) == decoded(payload)


def test_the_choice_is_the_same_one():
    form = form_of(FIRST, Event((TextDelta(1, "one"),), FIRST))
    assert form is not None
    assert form.delta(FIRST.replace(b"one", b"two")) == TextDelta(1, "two")


OTHERS = {
    "no text": FIRST.replace(b'"one"', b'""'),
    "null": FIRST.replace(b'"one"', b"null"),
    "a field behind the text": FIRST.replace(b'"one"', b'"two","refusal":"no"'),
    "a quote too many": FIRST.replace(b'"one"', b'"o"e"'),
    "a line end": FIRST.replace(b"one", b"o\ne"),
    "bytes that are no UTF-8": FIRST.replace(b"one", b"\xff\xfe"),
    "an end": FIRST.replace(b'"finish_reason":null', b'"finish_reason":"stop"'),
    "usage": FIRST.replace(b'"usage":null', b'"usage":{"prompt_tokens":1}'),
    "another choice": FIRST.replace(b'"index":1', b'"index":0'),
    "cut": FIRST[:-1],
    "the end mark": b"[DONE]",
}


@pytest.mark.parametrize("payload", OTHERS.values(), ids=OTHERS)
def test_anything_else_is_decoded(payload):
    form = form_of(FIRST, Event((TextDelta(1, "one"),), FIRST))
    assert form is not None
    assert form.delta(payload) is None


HARD = {
    "an escaped key": FIRST.replace(b'"id":"c"', rb'"id":"c","cont\u0065nt":"x"'),
    "the key twice": FIRST.replace(b'"id":"c"', b'"id":"c","content":"one"'),
    "a role of another spelling": FIRST.replace(b'"id":"c"', rb'"id":"\\c"'),
}


@pytest.mark.parametrize("payload", HARD.values(), ids=HARD)
def test_what_could_be_taken_wrongly_has_no_form(payload):
    event = decoded(payload)
    assert event is not None
    assert form_of(payload, event) is None


def test_a_call_beside_the_text_is_no_form():
    payload = chunk("text", tool_calls=[{"index": 0, "id": "1", "function": {"name": "f", "arguments": "{}"}}])
    event = decoded(payload)
    assert event is not None
    assert form_of(payload, event) is None


def test_chunks_that_never_come_again_are_soon_not_compared_any_more():
    reader = ChunkReader("up")
    for number in range(30):
        payload = chunk("text", obfuscation=f"{number:08d}")
        assert reader.read(payload) == decoded(payload)
