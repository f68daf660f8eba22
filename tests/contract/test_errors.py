"""Every protocol in front of every wire format: what a client is told when its upstream fails."""

import pytest

from tests.contract.words import Ask

# model -> status and code; before the first piece it is the same for a stream
REFUSED = {
    "mock-429": (429, "upstream_rate_limited"),
    "mock-500": (502, "upstream_error"),
    "mock-401": (502, "upstream_auth"),
    "mock-close": (502, "upstream_unreachable"),
    "mock-html": (502, "upstream_error"),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", REFUSED)
def test_an_upstream_that_refuses(cell, model, stream):
    reply = cell.send(Ask(model), stream)
    assert (reply.status, cell.protocol.error_of(reply.body)) == REFUSED[model]
    assert reply.headers.get("retry-after") == ("7" if model == "mock-429" else None)


@pytest.mark.parametrize("stream", [False, True])
def test_a_prompt_that_is_too_long(cell, stream):
    reply = cell.send(Ask(f"too-long-{cell.wire}"), stream)
    assert (reply.status, cell.protocol.error_of(reply.body)) == (400, "context_length_exceeded")
    assert b"4096" in reply.body


def test_a_plain_answer_that_is_cut(cell):
    reply = cell.send(Ask("mock-cut"))
    assert (reply.status, cell.protocol.error_of(reply.body)) == (502, "upstream_cut")


@pytest.mark.parametrize("model", ["mock-cut", "mock-reset-mid"])
def test_a_stream_that_is_cut_ends_with_an_error_that_its_client_reads(cell, model):
    reply = cell.send(Ask(model), stream=True)
    if reply.status != 200:  # nothing had come that could be sent on
        assert (reply.status, cell.protocol.error_of(reply.body)) == (502, "upstream_cut")
    else:
        assert cell.protocol.broken(reply.body) == "upstream_cut"
