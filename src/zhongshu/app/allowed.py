"""What may stand in a field, said in words from its type: "a whole number, at least 1, at most 64"."""

from __future__ import annotations

import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect as shapes


class _Words(msgspec.Struct, frozen=True, kw_only=True):
    """The words of one language."""

    whole: str
    number: str
    text: str
    truth: str
    path: str
    table: str
    one_of: str
    between: str
    or_empty: str
    many: str
    least: str
    most: str
    above: str
    below: str
    comma: str
    either: str

    def describe(self, shape: shapes.Type) -> str:
        match shape:
            case shapes.BoolType():
                return self.truth
            case shapes.IntType():
                return self._bounded(self.whole, shape)
            case shapes.FloatType():
                return self._bounded(self.number, shape)
            case shapes.LiteralType():
                return self._one_of(shape.values)
            case shapes.StrType():
                return self.text
            case shapes.CustomType() if shape.cls is Path:
                return self.path
            case shapes.VarTupleType() | shapes.ListType() | shapes.FrozenSetType() | shapes.SetType():
                return f"{self.many}{self.describe(shape.item_type)}"
            case shapes.Metadata():
                return self.describe(shape.type)
            case shapes.UnionType():
                return self.either.join(self._each(shape.types))
            case _:
                return self.table

    def _each(self, parts: Sequence[shapes.Type]) -> list[str]:
        """Every kind of value by itself; what is listed stands in one list."""
        listed = [value for part in parts if isinstance(part, shapes.LiteralType) for value in part.values]
        rest = [self.describe(part) for part in parts if not isinstance(part, shapes.LiteralType)]
        return [self._one_of(listed), *rest] if listed else rest

    def _one_of(self, values: Sequence[object]) -> str:
        named = self.between.join(show(value) for value in values if value != "")
        return f"{self.one_of}{named}{self.or_empty if '' in values else ''}"

    def _bounded(self, noun: str, shape: shapes.IntType | shapes.FloatType) -> str:
        bounds = ((self.least, shape.ge), (self.most, shape.le), (self.above, shape.gt), (self.below, shape.lt))
        return self.comma.join([noun, *(f"{word} {bound}" for word, bound in bounds if bound is not None)])


_ENGLISH = _Words(
    whole="a whole number",
    number="a number",
    text="text in quotes",
    truth="true or false",
    path="a path in quotes",
    table="a table",
    one_of="one of ",
    between=", ",
    or_empty=", or empty",
    many="a list in [ ], each item ",
    least="at least",
    most="at most",
    above="above",
    below="below",
    comma=", ",
    either=" or ",
)
_CHINESE = _Words(
    whole="整数",
    number="数字",
    text="引号内的文本",
    truth=" true 或 false",
    path="引号内的路径",
    table="表",
    one_of="以下之一：",
    between="、",
    or_empty="；也可留空",
    many="[ ] 列表，每项为",
    least="不小于",
    most="不大于",
    above="大于",
    below="小于",
    comma="，",
    either="或",
)


def allowed(kind: Any) -> str:
    """What a field of type `kind` takes, in English."""
    return _ENGLISH.describe(shapes.type_info(without_none(kind)))


def allowed_zh(kind: Any) -> str:
    """The same in Chinese."""
    return _CHINESE.describe(shapes.type_info(without_none(kind)))


def show(value: object) -> str:
    """A value as in TOML, cut to a line's width."""
    text = msgspec.json.encode(value, enc_hook=str).decode()
    return text if len(text) <= 80 else f"{text[:77]}..."


def without_none(kind: Any) -> Any:
    """The type without its None: T of "T | None"."""
    if typing.get_origin(kind) not in (typing.Union, types.UnionType):
        return kind
    rest = tuple(part for part in typing.get_args(kind) if part is not types.NoneType)
    return rest[0] if len(rest) == 1 else typing.Union[rest]  # noqa: UP007 - built at run time
