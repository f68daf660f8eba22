"""What a decoder says about a field, in two languages, with the values that are allowed and never the one that was sent.

msgspec names the place and the kind of mistake ("Expected `int`, got `str` - at `$.max_tokens`"). Where it quotes the
value ("Invalid enum value 'x'"), the quote is replaced by what may stand there, read from the type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import inspect

from zhongshu.core.problems import Fault, Said, fault

_WHERE = re.compile(r" - at `\$\.?(.*?)`$", re.S)
_MISSING = re.compile(r"missing required field `([^`]+)`")
_STEP = re.compile(r"\[[^\]]*\]|[^.\[\]]+")
_CHINESE = (
    (re.compile(r"Expected (`[^`]+`), got (`[^`]+`)$"), r"应为 \1，实为 \2"),
    (re.compile(r"Expected (`[^`]+`) of length (.*)$"), r"应为 \1，长度 \2"),
    (re.compile(r"Expected (`[^`]+`) (.*)$"), r"应为 \1 \2"),
    (re.compile(r"Number out of range$"), "数字超出范围"),
    (re.compile(r"Input data was truncated$"), "数据不完整"),
    (re.compile(r"(?:trailing characters|invalid character) \(byte (\d+)\)$"), r"第 \1 字节处有多余或非法的字符"),
)


def unusable(kind: type, text: str) -> Fault:
    """The Fault for msgspec's complaint `text` about a body of type `kind`."""
    where = _WHERE.search(text)
    field, why = (where[1], text[: where.start()]) if where else ("", text)
    missing = _MISSING.search(why)
    if missing:
        field = f"{field}.{missing[1]}" if field else missing[1]
        return fault("missing_field", param=field, field=field)
    said = _allowed(kind, field) if why.startswith("Invalid ") else in_both(why)
    return fault("invalid_value", param=field or None, field=field or "body", why=said)


def in_both(why: str) -> Said:
    """A sentence of the decoder's in English and Chinese; unknown ones stay English."""
    for pattern, chinese in _CHINESE:
        if pattern.match(why):
            return Said(why, pattern.sub(chinese, why))
    return Said(why, why)


def _allowed(kind: type, field: str) -> Said:
    places: list[inspect.Type] = [inspect.type_info(kind)]
    tags: list[str] = []
    for step in _STEP.findall(field):
        structs = [t for place in places for t in _flat(place) if isinstance(t, inspect.StructType)]
        tags = [str(struct.tag) for struct in structs if struct.tag_field == step]
        places = [inner for place in places for t in _flat(place) for inner in _inside(t, step)]
    values = tags or [str(v) for place in places for t in _flat(place) for v in _values(t)]
    if not values:
        return Said("it is not a value of this field", "该字段不接受此值")
    shown = ", ".join(f'"{value}"' for value in dict.fromkeys(values))
    return Said(f"it must be one of {shown}", f"须为以下之一：{shown}")


def _flat(place: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(place, inspect.UnionType):
        for each in place.types:
            yield from _flat(each)
    elif isinstance(place, inspect.Metadata):
        yield from _flat(place.type)
    else:
        yield place


def _inside(place: inspect.Type, step: str) -> Iterator[inspect.Type]:
    match place:
        case inspect.StructType(fields=fields) if not step.startswith("["):
            yield from (field.type for field in fields if field.encode_name == step)
        case inspect.ListType() | inspect.VarTupleType() if step.startswith("["):
            yield place.item_type
        case inspect.DictType():
            yield place.value_type
        case _:
            return


def _values(place: inspect.Type) -> tuple[object, ...]:
    if isinstance(place, inspect.LiteralType):
        return place.values
    return tuple(item.value for item in place.cls) if isinstance(place, inspect.EnumType) else ()
