"""Every protocol in front of every wire format: why an answer ended."""

import json

import pytest

from tests.contract.words import Ask


@pytest.mark.parametrize("stream", [False, True])
def test_cut_at_the_length_asked_for(cell, stream):
    said = cell.said(Ask("mock", max_tokens=2), stream)
    assert (said.text, said.stop, said.used.completion) == ("Hello from", "length", 2)


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_is_read_as_one(cell, stream):
    said = cell.said(Ask("mock-refusal"), stream)
    words = "" if cell.wire == "gemini" else "I cannot help with that."  # Google only says that it was blocked
    if cell.protocol.NAME == "openai.chat" and cell.wire in ("openai", "responses"):
        words = ""  # they stand in a field of their own
    assert said.text == words
    assert said.stop == ("stop" if cell.wire in ("openai", "responses") else "content_filter")


@pytest.mark.parametrize("stream", [False, True])
def test_a_stop_text_that_was_met(cell, stream):
    """Only Anthropic tells it from an end of the model's own."""
    if cell.wire != "anthropic" or cell.protocol.NAME == "responses":
        return
    reply = cell.send(Ask("stop-text", stop=("three",)), stream)
    said = (cell.protocol.streamed if stream else cell.protocol.whole)(reply.body)
    assert (said.text, said.stop) == ("One, two", "stop")
    if cell.protocol.NAME == "anthropic.messages":
        assert b'"stop_sequence":"three"' in reply.body


@pytest.mark.parametrize("model", ["mock", "mock-thought", "mock-tools"])
def test_the_closing_tells_what_we_add(cell, model):
    plain = json.loads(cell.send(Ask(model)).body)["zhongshu"]
    streamed = cell.send(Ask(model), stream=True).body
    assert plain["route"]["release"] == f"{cell.wire}/{model}@1"
    assert f'"release":"{cell.wire}/{model}@1"'.encode() in streamed
