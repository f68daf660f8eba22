"""What a field takes, in plain words of two languages, read from its type. Knows no field by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from msgspec import inspect

from zhongshu.core.problems import Said

GOT: dict[str, Said] = {
    "str": Said("a text", "文本"),
    "int": Said("a whole number", "整数"),
    "float": Said("a number with a fraction", "小数"),
    "bool": Said("true or false", "布尔值"),
    "array": Said("a list", "列表"),
    "object": Said("an object", "对象"),
    "null": Said("null", "null"),
}
"""What came, by msgspec's word for it."""


def taken(types: Sequence[inspect.Type], tags: Sequence[str] = ()) -> Said | None:
    """All that these types take; None where they take anything, or nothing that has a name here. tags: of objects that
    this field tells apart."""
    said: list[Said] = []
    words = [*tags, *(str(value) for each in types for value in _values(each))]
    if words:
        shown = ", ".join(f'"{word}"' for word in dict.fromkeys(words))
        said.append(Said(f"one of {shown}", f"以下之一：{shown}"))
    if not tags:
        said += [one for each in types if (one := _of(each)) is not None]
    said = list(dict.fromkeys(said))
    if not said:
        return None
    return Said(", or ".join(one.en for one in said), "，或".join(one.zh for one in said))


def _of(each: inspect.Type) -> Said | None:
    match each:
        case inspect.Metadata():
            return _with_unit(_of(each.type), cast("Any", each).extra or {})
        case inspect.IntType():
            return _number(each, Said("a whole number", "整数"))
        case inspect.FloatType():
            return _number(each, Said("a number", "数"))
        case inspect.StrType():
            return _sized(each, Said("a text", "文本"), Said("characters", "个字符"))
        case inspect.BoolType():
            return Said("true or false", " true 或 false")
        case inspect.ListType() | inspect.VarTupleType():
            return _sized(each, Said("a list", "列表"), Said("items", "项"))
        case inspect.StructType() | inspect.DictType():
            return Said("an object", "对象")
        case _:
            return None


def _with_unit(said: Said | None, extra: Mapping[str, Any]) -> Said | None:
    """`Meta(extra={"unit": (English, Chinese)})` says what a number counts."""
    unit = extra.get("unit")
    if said is None or unit is None:
        return said
    return Said(said.en.replace("number", f"number of {unit[0]}", 1), f"{said.zh}（{unit[1]}）")


def _number(each: inspect.IntType | inspect.FloatType, what: Said) -> Said:
    if each.ge is not None and each.le is not None:
        return Said(
            f"{what.en} from {_plain(each.ge)} to {_plain(each.le)}",
            f" {_plain(each.ge)} 到 {_plain(each.le)} 之间的{what.zh}",
        )
    if each.ge is not None:
        return Said(f"{what.en} of at least {_plain(each.ge)}", f"不小于 {_plain(each.ge)} 的{what.zh}")
    if each.gt is not None:
        return Said(f"{what.en} above {_plain(each.gt)}", f"大于 {_plain(each.gt)} 的{what.zh}")
    if each.le is not None:
        return Said(f"{what.en} of at most {_plain(each.le)}", f"不大于 {_plain(each.le)} 的{what.zh}")
    return what


def _plain(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else f"{bound:g}"


def _sized(each: inspect.StrType | inspect.ListType | inspect.VarTupleType, what: Said, unit: Said) -> Said:
    least, most = each.min_length, each.max_length
    if least and most:
        return Said(f"{what.en} of {least} to {most} {unit.en}", f" {least} 到 {most} {unit.zh}的{what.zh}")
    if least:
        return Said(f"{what.en} of at least {least} {unit.en}", f"至少 {least} {unit.zh}的{what.zh}")
    if most:
        return Said(f"{what.en} of at most {most} {unit.en}", f"不超过 {most} {unit.zh}的{what.zh}")
    return what


def _values(each: inspect.Type) -> tuple[object, ...]:
    if isinstance(each, inspect.Metadata):
        return _values(each.type)
    if isinstance(each, inspect.LiteralType):
        return each.values
    return tuple(item.value for item in each.cls) if isinstance(each, inspect.EnumType) else ()
