"""What a client of Anthropic's protocol sees when an upstream breaks, of OpenAI's format and of Anthropic's own, and
what the ledger says of it."""

import json

import pytest

from tests.running import KEY

pytestmark = pytest.mark.engine

BOTH = pytest.mark.parametrize("there", ["mock", "claude"])
# behaviour -> the status and Anthropic's type of error, before anything was sent
REFUSED = {
    "400": (400, "invalid_request_error"),
    "401": (502, "api_error"),
    "402": (502, "api_error"),
    "404": (404, "not_found_error"),
    "429": (429, "rate_limit_error"),
    "500": (502, "api_error"),
    "html": (502, "api_error"),
    "context": (400, "invalid_request_error"),
    "close": (502, "api_error"),
    "reset": (502, "api_error"),
}
BROKEN = {
    "cut": "upstream_cut",
    "reset-mid": "upstream_cut",
    "error-mid": "upstream_error",
    "bad-json": "upstream_malformed",
    "bad-utf8": "upstream_malformed",
}


def ask(house, model, stream, **fields):
    messages = [{"role": "user", "content": "hi"}]
    return house.ask(
        "/v1/messages", {"model": model, "max_tokens": 500, "messages": messages, "stream": stream, **fields}, key=KEY
    )


def events_of(text):
    """The data of each event; the last may be an error."""
    out = []
    for block in text.split("\n\n")[:-1]:
        name, _, data = block.partition("\n")
        out.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {out[-1]['type']}"
    return out


@BOTH
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("what", REFUSED)
def test_what_breaks_before_the_first_piece_is_an_error_reply(house, there, stream, what):
    status, headers, said = ask(house, f"{there}-{what}", stream)
    assert (status, said["error"]["type"]) == REFUSED[what]
    assert said["request_id"] == headers["request-id"]
    if what == "429":
        assert headers["retry-after"] == "7"


@pytest.mark.parametrize("stream", [False, True])
def test_an_overloaded_anthropic_is_told_as_such(house, stream):
    status, _, said = ask(house, "claude-529", stream)
    assert (status, said["error"]["type"]) == (529, "overloaded_error")


@BOTH
@pytest.mark.parametrize("what", BROKEN)
def test_what_breaks_after_it_is_an_error_event_and_a_cut_turn(house, there, what):
    """A piece has gone out when the upstream breaks in its ninth event."""
    how = {"cut": "cut", "reset-mid": "reset", "error-mid": "error", "bad-json": "json", "bad-utf8": "bytes"}[what]
    status, _, text = ask(house, there, True, mock={"broken": {"after": 6, "how": how}})
    if there == "mock":  # a field of the request's own does not reach an upstream of another format
        status, _, text = ask(house, f"mock-{what}", True)
    events = events_of(text)
    assert status == 200
    assert (events[0]["type"], events[-1]["type"]) == ("message_start", "error")
    assert events[-1]["zhongshu"]["code"] == BROKEN[what]
    assert not any(event["type"] in ("message_delta", "message_stop") for event in events)
    trace = events[-1]["request_id"]
    assert '"outcome": "cut"' in house.cli("ledger", "show", trace, "--json")


@BOTH
@pytest.mark.parametrize("what", ["cut", "reset-mid", "bad-json"])
def test_a_plain_reply_that_breaks_is_an_error_reply(house, there, what):
    status, _, said = ask(house, f"{there}-{what}", False)
    assert (status, said["error"]["type"]) == (502, "api_error")


@BOTH
@pytest.mark.parametrize("what", ["no-done", "no-finish", "usage-missing", "usage-doubled", "crlf", "packed", "extra"])
def test_what_is_odd_but_whole_is_a_whole_message(house, there, what):
    status, headers, text = ask(house, f"{there}-{what}", True)
    events = events_of(text)
    assert (status, events[-1]["type"]) == (200, "message_stop")
    assert events[-2]["delta"]["stop_reason"] == "end_turn"
    record = json.loads(house.cli("ledger", "show", headers["x-zhongshu-trace"], "--json"))
    assert "answered" in json.dumps(record)
    assert events[-1]["zhongshu"]["usage"]["estimated"] is (what == "usage-missing")
