"""Forms: read the same however they are cut, rebuilt without a change of value, and refused with a reason."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhongshu.api.multipart import PART_END, FormReader, PartHead, read_fields, rebuilt, text_of
from zhongshu.core.problems import Fault

TYPE = b'multipart/form-data; boundary="b--1"'


def form(*parts, end=True):
    out = b""
    for name, filename, value in parts:
        extra = f'; filename="{filename}"' if filename else ""
        out += f'--b--1\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode() + value + b"\r\n"
    return out + (b"--b--1--\r\n" if end else b"")


VALUES = st.binary(max_size=60) | st.sampled_from(
    [b"\r\n--b--1", b"\r\n--b--", b"--b--1--", b"\r\n\r\n--", b"\r", b"asked"]
)


@given(st.lists(VALUES.filter(lambda v: b"\r\n--b--1" not in v), min_size=1, max_size=4), st.lists(st.integers(1, 30)))
def test_any_cutting_gives_the_same_fields(values, cuts):
    body = form(*[(f"f{n}", "x.bin" if n % 2 else None, value) for n, value in enumerate(values)])
    reader, found, at = FormReader(TYPE), [], 0
    for size in [*cuts, len(body)]:
        found += reader.feed(body[at : at + size])
        at += size
    reader.finish()
    heads = [piece for piece in found if isinstance(piece, PartHead)]
    assert [head.name for head in heads] == [f"f{n}" for n in range(len(values))]
    assert found.count(PART_END) == len(values)
    joined, current = [], []
    for piece in found:
        if isinstance(piece, bytes):
            current.append(piece)
        elif piece is PART_END:
            joined.append(b"".join(current))
            current = []
    assert joined == values


@given(
    st.text(min_size=1, max_size=30).filter(lambda t: t.isprintable()), VALUES.filter(lambda v: b"\r\n--b--1" not in v)
)
def test_rebuilt_it_says_the_same_and_shows_where_its_model_is(model, data):
    fields = read_fields(form(("file", "a.wav", data), ("model", None, model.encode())), TYPE)
    made = rebuilt(fields)
    begin, end = made.model_at
    assert made.body[begin:end].decode() == model
    again = read_fields(made.body[:begin] + b"other" + made.body[end:], made.content_type.encode())
    assert [(field.head.name, field.head.filename) for field in again] == [("file", "a.wav"), ("model", None)]
    assert (again[0].value, again[1].value) == (data, b"other")
    kept = msgspec.json.decode(made.summary)
    assert kept["file"]["bytes"] == len(data)
    assert kept["model"] == model


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", TYPE),
        (b"{}", TYPE),
        (form(("a", None, b"x"), end=False), TYPE),
        (b"--b--1\r\n\r\nx\r\n--b--1--\r\n", TYPE),
        (form(("a", None, b"x")), b"multipart/form-data"),
        (form(("a", None, b"x")), b"text/plain"),
        (form(("a", None, b"x")), b"multipart/form-data; boundary=" + b"x" * 300),
        (form(*[("a", None, b"")] * 200), TYPE),
    ],
)
def test_what_is_no_form_is_refused(body, content_type):
    with pytest.raises(Fault) as raised:
        read_fields(body, content_type)
    assert raised.value.problem.code == "invalid_form"


def test_a_field_that_is_not_text():
    fields = read_fields(form(("a", None, b"\xff")), TYPE)
    with pytest.raises(Fault):
        text_of(fields, "a")
    assert text_of(fields, "b") is None
