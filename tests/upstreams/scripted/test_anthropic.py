"""The scripted upstream in Anthropic's words: the same behaviours, plain and streamed, errors and counts."""

import json
import urllib.error
import urllib.request

import pytest


def ask(served, path="/messages", **fields):
    body = {"model": "mock", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}], **fields}
    request = urllib.request.Request(served.base_url + path, json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def events(text):
    return [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]


def test_a_message_and_its_stream_say_the_same(served):
    whole = json.loads(ask(served, model="mock-tools")[1])
    streamed = events(ask(served, model="mock-tools", stream=True)[1])
    assert [event["type"] for event in streamed[:2]] == ["message_start", "ping"]
    assert streamed[-1] == {"type": "message_stop"}
    starts = [event["content_block"] for event in streamed if event["type"] == "content_block_start"]
    assert [block["type"] for block in starts] == [block["type"] for block in whole["content"]]
    assert streamed[-2]["delta"]["stop_reason"] == whole["stop_reason"] == "tool_use"
    assert streamed[-2]["usage"]["output_tokens"] == whole["usage"]["output_tokens"]


def test_thoughts_are_signed_the_same_way(served):
    whole = json.loads(ask(served, model="mock-thought")[1])
    signed = [e["delta"] for e in events(ask(served, model="mock-thought", stream=True)[1]) if "delta" in e]
    assert whole["content"][0]["signature"] in [delta.get("signature") for delta in signed]


@pytest.mark.parametrize(
    ("fields", "reason", "by"),
    [
        ({"max_tokens": 1}, "max_tokens", None),
        ({"tools": [{"name": "f"}], "tool_choice": {"type": "any"}}, "tool_use", None),
        ({"stop_sequences": ["END"], "mock": {"finish_reason": "stop_sequence"}}, "stop_sequence", "END"),
        ({"mock": {"finish_reason": "pause_turn"}}, "pause_turn", None),
        ({"model": "mock-refusal"}, "refusal", None),
        ({"model": "mock-no-finish"}, None, None),
    ],
)
def test_stop_reasons(served, fields, reason, by):
    said = json.loads(ask(served, **fields)[1])
    assert (said["stop_reason"], said["stop_sequence"]) == (reason, by)


@pytest.mark.parametrize(("model", "status", "kind"), [("mock-529", 529, "overloaded_error"), ("mock-429", 429, "rate_limit_error"), ("mock-500", 500, "api_error")])  # fmt: skip
def test_errors(served, model, status, kind):
    told, text = ask(served, model=model)
    assert (told, json.loads(text)["type"], json.loads(text)["error"]["type"]) == (status, "error", kind)


def test_an_error_inside_a_stream(served):
    assert events(ask(served, model="mock-error-mid", stream=True)[1])[-1]["error"]["type"] == "api_error"


def test_counting(served):
    assert json.loads(ask(served, "/messages/count_tokens")[1])["input_tokens"] > 1
