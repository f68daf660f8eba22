"""Reading multipart/form-data, piece by piece as it arrives or all at once. Knows no endpoint and no field.

The grammar is python-multipart's work; here its callbacks become values, and its complaints ours.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from zhongshu.core.problems import Fault, Said, fault
from zhongshu.core.turns import Form

_MOST_PARTS = 128
_BEGINNING = 200


class PartHead(NamedTuple):
    """The beginning of a part. filename is None for a field that is no file; raw: its headers as they came."""

    name: str
    filename: str | None
    raw: tuple[tuple[bytes, bytes], ...]


class PartEnd(NamedTuple):
    """The end of a part."""


PART_END = PartEnd()
Piece = PartHead | bytes | PartEnd


class FormReader:
    """Reads one form. Raises Fault("invalid_form") for what is none."""

    def __init__(self, content_type: bytes) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise _bad(
                "Content-Type must be multipart/form-data with a boundary",
                "Content-Type 须为带 boundary 的 multipart/form-data",
            )
        self._found: list[Piece] = []
        self._headers: list[tuple[bytes, bytes]] = []
        self._name = self._value = b""
        self._parts = 0
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_part_data": lambda data, start, end: self._found.append(data[start:end]),
                    "on_part_end": lambda: self._found.append(PART_END),
                    "on_header_field": self._field,
                    "on_header_value": self._more,
                    "on_header_end": self._header,
                    "on_headers_finished": self._head,
                    "on_end": self._end,
                },
            )
        except FormParserError:
            raise _bad("its boundary is too long", "boundary 过长") from None

    def feed(self, chunk: bytes) -> list[Piece]:
        """What is complete now, in order."""
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise _bad("its parts cannot be told apart", "无法区分各部分") from None
        found, self._found = self._found, []
        return found

    def finish(self) -> None:
        """The body is over: so must be the form."""
        if not self._ended:
            raise _bad("it breaks off before its end", "在结束前中断")

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise _bad(f"it has more than {_MOST_PARTS} parts", f"超过 {_MOST_PARTS} 个部分")
        self._headers = []

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _more(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        self._headers.append((self._name, self._value))
        self._name = self._value = b""

    def _head(self) -> None:
        given = next((value for name, value in self._headers if name.lower() == b"content-disposition"), b"")
        _, options = parse_options_header(given)
        name = options.get(b"name")
        if not name:
            raise _bad("a part has no name", "有一部分没有名称")
        filename = options.get(b"filename")
        said = None if filename is None else filename.decode("utf-8", "replace")
        self._found.append(PartHead(name.decode("utf-8", "replace"), said, tuple(self._headers)))

    def _end(self) -> None:
        self._ended = True


class Field(NamedTuple):
    """A part, whole."""

    head: PartHead
    value: bytes


def read_fields(body: bytes, content_type: bytes) -> list[Field]:
    """Every part of a form that is here whole, in order."""
    reader = FormReader(content_type)
    fields: list[Field] = []
    pieces: list[bytes] = []
    head: PartHead | None = None
    for piece in reader.feed(body):
        if isinstance(piece, bytes):
            pieces.append(piece)
        elif isinstance(piece, PartHead):
            head, pieces = piece, []
        elif head is not None:
            fields.append(Field(head, b"".join(pieces)))
    reader.finish()
    return fields


def text_of(fields: list[Field], name: str) -> str | None:
    """The text of a field; None when it was not sent. Raises Fault when it is not UTF-8."""
    for field in fields:
        if field.head.name == name and field.head.filename is None:
            try:
                return field.value.decode("utf-8")
            except UnicodeDecodeError:
                raise fault(
                    "invalid_value", param=name, field=name, why=Said("it is not UTF-8", "编码不是 UTF-8")
                ) from None
    return None


def rebuilt(fields: list[Field]) -> Form:
    """The same form under a boundary of ours, so that no value can be mistaken for one, with the place of its model."""
    seal = hashlib.sha256(b"\0".join(field.value for field in fields)).hexdigest()
    boundary = f"zhongshu-{seal[:40]}".encode()
    out: list[bytes] = []
    size = 0
    model_at = (0, 0)
    for head, value in fields:
        lines = b"".join([b"%b: %b\r\n" % header for header in head.raw])
        opening = b"--%b\r\n%b\r\n" % (boundary, lines)
        size += len(opening)
        if head.name == "model":
            model_at = (size, size + len(value))
        size += len(value) + 2
        out += (opening, value, b"\r\n")
    out.append(b"--%b--\r\n" % boundary)
    content_type = f"multipart/form-data; boundary={boundary.decode()}"
    return Form(b"".join(out), content_type, model_at, msgspec.json.encode(summary(fields)))


def summary(fields: list[Field]) -> dict[str, object]:
    """What is kept of a form: texts as they are, and of each file its name, size and SHA-256."""
    kept: dict[str, object] = {}
    for head, value in fields:
        if head.filename is None:
            kept[head.name] = value.decode("utf-8", "replace")
        else:
            digest = hashlib.sha256(value).hexdigest()
            kept[head.name] = {"filename": head.filename[:_BEGINNING], "bytes": len(value), "sha256": digest}
    return kept


def _bad(en: str, zh: str) -> Fault:
    return fault("invalid_form", why=Said(en, zh))
