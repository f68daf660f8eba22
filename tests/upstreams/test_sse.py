"""Server-sent events: the standard's rules, and the same events whatever way the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.upstreams.sse import EventTooLarge, SseParser


def events(stream: bytes, cuts: list[int], limit: int = 1 << 20) -> list[bytes]:
    """The events of `stream` cut at these places."""
    parser = SseParser(limit)
    found: list[bytes] = []
    start = 0
    for end in [*sorted(cuts), len(stream)]:
        found += parser.feed(stream[start:end])
        start = end
    return found + parser.finish()


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [b"a"]),
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"data: a\r\n\ndata: b\n\r\n", [b"a", b"b"]),
        (b": comment\n\ndata: a\n\n", [b"a"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"data: \xef\xbb\xbfa\n\n", [b"\xef\xbb\xbfa"]),
        (b"event: x\nid: 7\nretry: 5\ndata: a\n\n", [b"a"]),
        (b"data\n\n", [b""]),
        (b"data: \n\n", [b""]),
        (b"data: a", [b"a"]),
        (b"data: a\n", [b"a"]),
        ("data: 中😀\n\n".encode(), ["中😀".encode()]),
        (b"data: a\n\n\n\n\ndata: b\n\n", [b"a", b"b"]),
        # what must give nothing
        (b"", []),
        (b"\n\n\n", []),
        (b"dat: a\n\n", []),
        (b" data: a\n\n", []),
        (b"event: ping\n\n", []),
        (b"<html>data: a</html>\n\n", []),
    ],
)
def test_the_standards_rules(stream: bytes, expected: list[bytes]) -> None:
    assert events(stream, []) == expected
    assert events(stream, list(range(len(stream)))) == expected


PIECES = st.sampled_from(
    [b"data: ", b"data:", b"data", b"\n", b"\r", b"\r\n", b"\n\n", b": c", b"event: x", b"\xef\xbb\xbf", b"{}"]
).flatmap(lambda piece: st.sampled_from([piece, "中😀".encode(), b'{"a":"data: b"}', piece, piece]))


@given(st.lists(PIECES, max_size=20).map(b"".join), st.data())
def test_any_cutting_gives_the_same_events(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    whole = events(stream, [])
    assert events(stream, cuts) == whole
    assert events(stream, list(range(len(stream)))) == whole


@pytest.mark.parametrize("cut", [0, 1, 20, 60])
def test_an_event_over_the_limit_is_refused(cut: int) -> None:
    stream = b"data: " + b"x" * 50 + b"\ndata: " + b"y" * 50 + b"\n\n"
    with pytest.raises(EventTooLarge):
        events(stream, [cut], limit=100)


def test_many_events_may_be_over_the_limit_together() -> None:
    stream = (b"data: " + b"x" * 80 + b"\n\n") * 10
    assert len(events(stream, [], limit=100)) == 10
    assert len(events(stream, [37, 400], limit=100)) == 10
