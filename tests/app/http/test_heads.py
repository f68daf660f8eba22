"""A head is known again only when the parser would read it the same, but for its length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.api.asgi import BY_NAME
from zhongshu.app.http.heads import known

HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nAuthorization: Bearer k\r\n\r\n"


def scope(data: bytes) -> dict:
    """What the parser makes of the headers."""
    lines = data.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    pairs = [line.partition(b":") for line in lines]
    return {"type": "http", "headers": [(name.lower(), value.strip()) for name, _, value in pairs]}


@pytest.fixture
def head():
    found = known(HEAD + b"12345", scope(HEAD))
    assert found is not None
    return found


def test_the_same_head_brings_its_body(head):
    assert head.body(HEAD + b"abcde") == b"abcde"
    assert head.scope()["headers"] == scope(HEAD)["headers"]
    assert head.scope()[BY_NAME][b"authorization"] == b"Bearer k"


def test_another_length_is_told_and_what_was_told_before_stays(head):
    before = head.scope()
    assert head.body(HEAD.replace(b": 5", b": 12") + b"a" * 12) == b"a" * 12
    assert (b"content-length", b"12") in head.scope()["headers"]
    assert head.scope()[BY_NAME][b"content-length"] == b"12"
    assert (b"content-length", b"5") in before["headers"]
    assert before[BY_NAME][b"content-length"] == b"5"


def test_an_empty_body_is_a_body(head):
    assert head.body(HEAD.replace(b": 5", b": 0")) == b""


NOT_KNOWN = {
    "some of the body": HEAD + b"abcd",
    "more than the body": HEAD + b"abcdef",
    "some of the head": HEAD[:-10],
    "another key": HEAD.replace(b"Bearer k", b"Bearer l") + b"abcde",
    "another path": HEAD.replace(b"/chat", b"") + b"abcde",
    "one more header": HEAD.replace(b"\r\n\r\n", b"\r\nX: y\r\n\r\n") + b"abcde",
    "two requests": (HEAD + b"abcde") * 2,
    "no length": HEAD.replace(b": 5", b": ") + b"abcde",
    "a length of letters": HEAD.replace(b": 5", b": five!") + b"abcde",
    "a negative length": HEAD.replace(b": 5", b": -5") + b"abcde",
    "a length with a sign": HEAD.replace(b": 5", b": +5") + b"abcde",
    "other digits": HEAD.replace(b": 5", ": ٥".encode()) + b"abcde",
    "a length of 30 digits": HEAD.replace(b": 5", b": " + b"0" * 29 + b"5") + b"abcde",
    "nothing": b"",
}


@pytest.mark.parametrize("data", NOT_KNOWN.values(), ids=NOT_KNOWN)
def test_anything_else_is_the_parsers(head, data):
    assert head.body(data) is None


@given(st.integers(0, len(HEAD) - 1), st.binary(min_size=1, max_size=1))
def test_a_byte_that_differs_is_noticed(at, byte):
    found = known(HEAD + b"12345", scope(HEAD))
    assert found is not None
    data = HEAD[:at] + byte + HEAD[at + 1 :] + b"abcde"
    assert found.body(data) == (b"abcde" if data == HEAD + b"abcde" else None)


NEVER_KNOWN = {
    "no length": HEAD.replace(b"Content-Length: 5\r\n", b""),
    "chunks": HEAD.replace(b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    "a length and chunks": HEAD.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "one that waits to be told": HEAD.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"),
    "one that goes over to something else": HEAD.replace(b"\r\n\r\n", b"\r\nUpgrade: websocket\r\n\r\n"),
    "a length in a value": HEAD.replace(b"Content-Length: 5", b"X: Content-Length: 5"),
    "a line that ends in another way": HEAD.replace(b"Host: a\r\n", b"Host: a\n"),
    "an empty line before it": b"\r\n" + HEAD,
    "a very long one": HEAD.replace(b"Host: a", b"Host: " + b"a" * 20_000),
}


@pytest.mark.parametrize("data", NEVER_KNOWN.values(), ids=NEVER_KNOWN)
def test_a_head_that_says_more_is_parsed_each_time(data):
    told = [(name, value) for name, value in scope(data.lstrip())["headers"] if name]
    assert known(data + b"12345", {"headers": told}) is None
