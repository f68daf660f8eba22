"""Plain REST: a question in, an answer out, as an object, as text, or as text piece by piece."""

import httpx2
import pytest

from tests.running import KEY


def asked(place, body, **headers):
    given = {"authorization": f"Bearer {KEY}", **headers}
    return httpx2.post(f"{place.url}/v1/ask", json=body, headers=given)


def test_an_object(place, records):
    reply = asked(place, {"question": "hi", "model": "mock", "system": "Be brief."}).json()
    assert reply["answer"].startswith("Hello")
    assert reply["model"] == "mock@1"
    assert reply["zhongshu"]["label"]["explicit"] is True
    kept = records(reply["trace"])
    assert (kept["outcome"], kept["protocol"]) == ("answered", "rest.ask")


@pytest.mark.parametrize(
    ("said", "stated"),
    [
        ({"depth": "auto"}, None),
        ({"depth": "high"}, ["reasoning_effort"]),
        ({"depth": 512}, ["thinking_tokens"]),
        ({"effort": "high"}, ["reasoning_effort"]),
        ({"zhongshu": {"depth": 512}}, ["thinking_tokens"]),
        ({"depth": "off", "zhongshu": {"depth": 512}}, None),
    ],
)
def test_depth_is_read_and_stated_where_the_model_has_none(place, said, stated):
    reply = asked(place, {"question": "hi", "model": "mock", **said}).json()
    assert reply["zhongshu"].get("dropped") == stated


def test_text_by_accept(place):
    reply = asked(place, {"question": "hi", "model": "mock"}, accept="text/plain")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert reply.text == "Hello from the scripted upstream. 你好，世界。\n"
    assert reply.headers["x-zhongshu-ai-generated"] == "1"


def test_text_piece_by_piece(place):
    with httpx2.stream(
        "POST", f"{place.url}/v1/ask", json={"question": "hi", "model": "mock-long", "stream": True},
        headers={"authorization": f"Bearer {KEY}"},
    ) as reply:  # fmt: skip
        pieces = list(reply.iter_text())
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert len(pieces) > 10
    assert "".join(pieces).endswith("Line 40 of a long answer.\n")


def test_a_stream_that_breaks_is_cut(place):
    with pytest.raises(httpx2.RemoteProtocolError):
        asked(place, {"question": "hi", "model": "mock-cut", "stream": True})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "question"),
        ({"question": ""}, "question"),
        ({"question": "x", "effort": "huge"}, "effort"),
        ({"question": "x", "depth": "huge"}, "depth"),
        ({"question": "x", "depth": 0}, "depth"),
        ({"question": 5}, "question"),
    ],
)
def test_bad_values_name_their_field(place, body, param):
    reply = asked(place, body)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)


def test_a_get_is_refused(place):
    assert place.ask("/v1/ask")[0] == 405
