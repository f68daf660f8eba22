"""Input files: every mistake named by its line, every good line read, whatever stands between."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.batches.reading import check, requests
from zhongshu.batches.settings import BatchSettings

SETTINGS = BatchSettings(max_requests=5, max_line_bytes=1024)
GOOD = {"custom_id": "a", "method": "POST", "url": "/x", "body": {}}


def mistakes(tmp_path, *lines):
    file = tmp_path / "in.jsonl"
    file.write_bytes(b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines))
    found = check(lambda: file.open("rb"), "/x", SETTINGS)
    return [(mistake.line, mistake.code) for mistake in found.mistakes]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "invalid_json_line"),
        (b"[]", "invalid_json_line"),
        (b"\xff\xfe", "invalid_json_line"),
        (b"[" * 900, "invalid_json_line"),
        ({**GOOD, "custom_id": ""}, "invalid_custom_id"),
        ({**GOOD, "custom_id": 5}, "invalid_custom_id"),
        ({**GOOD, "custom_id": "x" * 513}, "invalid_custom_id"),
        ({**GOOD, "method": "GET"}, "invalid_method"),
        ({**GOOD, "url": "/y"}, "mismatched_url"),
        ({**GOOD, "body": "text"}, "invalid_body"),
        ({"custom_id": "a", "method": "POST", "url": "/x"}, "invalid_body"),
        ({**GOOD, "body": {"x": "y" * 1024}}, "line_too_long"),
    ],
)
def test_a_mistake_is_named_by_its_line(tmp_path, line, code):
    assert mistakes(tmp_path, {**GOOD, "custom_id": "first"}, line) == [(2, code)]


def test_blank_lines_and_a_byte_order_mark_are_no_mistakes(tmp_path):
    assert (
        mistakes(tmp_path, b"\xef\xbb\xbf" + json.dumps(GOOD).encode(), b"", b"   ", {**GOOD, "custom_id": "b"}) == []
    )


def test_the_same_id_twice(tmp_path):
    assert mistakes(tmp_path, GOOD, GOOD) == [(2, "duplicate_custom_id")]


def test_too_many_and_none(tmp_path):
    assert mistakes(tmp_path, *[{**GOOD, "custom_id": str(n)} for n in range(6)]) == [(None, "too_many_requests")]
    assert mistakes(tmp_path, b"\n\n") == [(None, "empty_file")]


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=5, unique=True), st.booleans())
def test_what_is_written_is_read(tmp_path_factory, ids, ended):
    file = tmp_path_factory.mktemp("in") / "in.jsonl"
    lines = [json.dumps({**GOOD, "custom_id": each, "body": {"n": each}}) for each in ids]
    file.write_text("\n".join(lines) + ("\n" if ended else ""))
    found = list(requests(lambda: file.open("rb"), "/x", SETTINGS))
    assert [request.custom_id for request in found] == ids
    assert [json.loads(request.body) for request in found] == [{"n": each} for each in ids]
