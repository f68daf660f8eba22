"""What a decoder says about a field, in two languages: what may stand there, and never the value that was sent.

msgspec names the place and the kind of mistake ("Expected `float | null`, got `str` - at `$.zhongshu.quality`"). What the
field takes is read from its type and said in plain words ("give a number from 0 to 1, not a text").
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import inspect

from zhongshu.api.media import SENTENCES
from zhongshu.api.openai.taken import GOT, taken
from zhongshu.core.problems import Fault, Said, fault

_WHERE = re.compile(r" - at `\$\.?(.*?)`$", re.S)
_MISSING = re.compile(r"missing required field `([^`]+)`")
_UNKNOWN = re.compile(r"Object contains unknown field ")
_GOT = re.compile(r", got `(\w+)`$")
_STEP = re.compile(r"\[[^\]]*\]|[^.\[\]]+")
_CHINESE = (
    (re.compile(r"Number out of range$"), "数字超出范围"),
    (re.compile(r"Input data was truncated$"), "数据不完整"),
    (re.compile(r"(?:trailing characters|invalid character) \(byte (\d+)\)$"), r"第 \1 字节处有多余或非法的字符"),
    (re.compile(r".* \(byte (\d+)\)$"), r"第 \1 字节处语法有误"),
)


def unusable(kind: type, text: str) -> Fault:
    """The Fault for msgspec's complaint `text` about a body of type `kind`."""
    where = _WHERE.search(text)
    field, why = (where[1], text[: where.start()]) if where else ("", text)
    inner, _, sentence = why.partition(": ")
    if sentence in SENTENCES:
        field = f"{field}.{inner}" if field else inner
        return fault("invalid_value", param=field, field=field, why=SENTENCES[sentence])
    missing = _MISSING.search(why)
    if missing:
        field = f"{field}.{missing[1]}" if field else missing[1]
        return fault("missing_field", param=field, field=field)
    said = _unknown(kind, field) if _UNKNOWN.match(why) else _given(kind, field, why)
    return fault("invalid_value", param=field or None, field=field or "body", why=said)


def in_both(why: str) -> Said:
    """A sentence of the decoder's in English and Chinese; unknown ones stay English."""
    for pattern, chinese in _CHINESE:
        if pattern.match(why):
            return Said(why, pattern.sub(chinese, why))
    return Said(why, why)


def _given(kind: type, field: str, why: str) -> Said:
    """What the field takes, and what came in its place, where that is another type."""
    places, tags = _places(kind, field)
    allowed = taken([t for place in places for t in _each(place)], tags)
    if allowed is None:
        return (
            Said("it is not a value of this field", "该字段不接受此值") if why.startswith("Invalid ") else in_both(why)
        )
    came = _GOT.search(why)
    got = GOT.get(came[1]) if came else None
    return Said(
        f"give {allowed.en}" + (f", not {got.en}" if got else ""),
        f"请填写{allowed.zh}" + (f"，而不是{got.zh}" if got else ""),
    )


def _unknown(kind: type, field: str) -> Said:
    places, _ = _places(kind, field)
    structs = [t for place in places for t in _flat(place) if isinstance(t, inspect.StructType)]
    names = ", ".join(f"`{f.encode_name}`" for struct in structs for f in struct.fields)
    return Said(f"it has a field that is not known; known are {names}", f"含有未知的字段；可用的字段：{names}")


def _places(kind: type, field: str) -> tuple[list[inspect.Type], list[str]]:
    """The types of what may stand at a place; the tags, where it is what tells several objects apart."""
    places: list[inspect.Type] = [inspect.type_info(kind)]
    tags: list[str] = []
    for step in _STEP.findall(field):
        structs = [t for place in places for t in _flat(place) if isinstance(t, inspect.StructType)]
        tags = [str(struct.tag) for struct in structs if struct.tag_field == step]
        places = [inner for place in places for t in _flat(place) for inner in _inside(t, step)]
    return places, tags


def _flat(place: inspect.Type) -> Iterator[inspect.Type]:
    for each in _each(place):
        yield each.type if isinstance(each, inspect.Metadata) else each


def _each(place: inspect.Type) -> Iterator[inspect.Type]:
    """Every type that may stand there, with what is said about it."""
    if isinstance(place, inspect.UnionType):
        for one in place.types:
            yield from _each(one)
    elif isinstance(place, inspect.Metadata) and isinstance(place.type, inspect.UnionType):
        yield from _each(place.type)
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
