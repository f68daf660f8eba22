"""Raw settings (nested dicts) into frozen Structs, with a Complaint for every mistake rather than for the first one.

Knows the shapes of Structs and nothing of what the fields mean; a Struct's own `__post_init__` raises
ValueError("field: why and remedy") or ValueError("field: ...", "the same in Chinese") for what types cannot say.
"""

from __future__ import annotations

import difflib
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from zhongshu.app.allowed import allowed, allowed_zh, show, without_none
from zhongshu.app.complaints import Complaint
from zhongshu.app.toml_lines import Place

T = TypeVar("T")
_HIDDEN = frozenset({"key", "api_key", "token", "password", "secret"})
_HIDDEN_ENDINGS = ("_key", "_token", "_password", "_secret")
_PATHS = ("_dir", "_dirs", "_file", "_files", "_path", "_paths")
_HIDDEN_HEADERS = frozenset({"authorization", "proxy-authorization", "x-api-key", "api-key", "cookie"})


class Origin(msgspec.Struct, frozen=True):
    """Where a value was written, in both languages, and the directory its relative paths start from."""

    en: str
    zh: str
    base: Path


class Checker:
    """Turns raw values into Structs; afterwards `complaints` holds what was wrong."""

    def __init__(self, origin: Callable[[Place], Origin]) -> None:
        self.complaints: list[Complaint] = []
        self._origin = origin

    def struct(self, cls: type[T], raw: object, place: Place = ()) -> T | None:
        """An instance of `cls`, or None when anything inside it was wrong."""
        if not isinstance(raw, Mapping):
            self.complain(place, raw, "this must be a table", "此处应为一个表")
            return None
        table = cast("Mapping[str, object]", raw)
        before = len(self.complaints)
        fields = {field.encode_name: field for field in msgspec.structs.fields(cast("type[msgspec.Struct]", cls))}
        self._unknown(table, fields, place)
        made: dict[str, Any] = {}
        for name, field in fields.items():
            if name in table:
                made[field.name] = self.value(field.type, table[name], (*place, name))
            elif field.required:
                en, zh = f"`{name}` is missing: {allowed(field.type)}", f"缺少 `{name}`：{allowed_zh(field.type)}"
                self.complain(place, None, en, zh)
        return None if len(self.complaints) > before else self._build(cls, made, table, place)

    def value(self, kind: Any, raw: Any, place: Place) -> Any:
        """`raw` as `kind`; None and a complaint when it does not fit."""
        kind = without_none(kind)
        arguments = typing.get_args(kind)
        if is_struct(kind):
            return self.struct(kind, raw, place)
        if isinstance(raw, list) and arguments and is_struct(arguments[0]):
            rows = cast("list[object]", raw)
            return tuple(self.struct(arguments[0], row, (*place, number)) for number, row in enumerate(rows))
        if isinstance(raw, dict) and len(arguments) == 2 and is_struct(arguments[1]):
            named = cast("dict[str, object]", raw)
            return {name: self.struct(arguments[1], row, (*place, name)) for name, row in named.items()}
        return self._leaf(kind, cast("object", raw), place)

    def complain(self, place: Place, value: object, remedy: str, remedy_zh: str) -> None:
        """Note a mistake at `place`. `value` None shows no value."""
        origin = self._origin(place)
        shown = "" if value is None or isinstance(value, Mapping) or hidden(place) else show(value)
        self.complaints.append(Complaint(origin.en, origin.zh, spell(place), shown, remedy, remedy_zh))

    def _unknown(self, table: Mapping[str, object], known: Iterable[str], place: Place) -> None:
        names = sorted(known)
        for name in table:
            if name in names:
                continue
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
            if near:
                en, zh = f"there is no such setting; did you mean `{near[0]}`?", f"没有此设置；是否想写 `{near[0]}`？"
            else:
                listed = ", ".join(names)
                en, zh = f"there is no such setting; here may stand: {listed}", f"没有此设置；此处可用：{listed}"
            self.complain((*place, name), None, en, zh)

    def _leaf(self, kind: Any, raw: object, place: Place) -> Any:
        if self._gives_away(raw, place):
            return None
        try:
            made = msgspec.convert(raw, kind, dec_hook=path_from_text)
        except (msgspec.ValidationError, NotImplementedError):
            self.complain(place, raw, f"this must be {allowed(kind)}", f"此处应为{allowed_zh(kind)}")
            return None
        return self._anchored(made, place)

    def _gives_away(self, raw: object, place: Place) -> bool:
        """Whether a secret stands here itself rather than where to find it; alone or among headers."""
        if isinstance(raw, Mapping):
            inner = cast("Mapping[str, object]", raw)
            given = [name for name, value in inner.items() if self._gives_away(value, (*place, name))]
            return bool(given)
        if not (isinstance(raw, str) and hidden(place)) or _is_reference(raw):
            return False
        self.complain(
            place,
            None,
            'a secret must not stand in the settings; write "env:NAME" or "file:PATH" and put it there',
            "设置文件中不得写入密钥；请写 “env:变量名” 或 “file:路径”，并把密钥放在那里",
        )
        return True

    def _anchored(self, value: object, place: Place) -> object:
        """Paths made absolute, from the directory of the file they were written in."""
        base = self._origin(place).base
        if isinstance(value, Path):
            return base / value.expanduser()
        if isinstance(value, tuple):
            return tuple(self._anchored(item, place) for item in cast("tuple[Any, ...]", value))
        if isinstance(value, str) and value and str(place[-1]).endswith(_PATHS):
            return str(base / Path(value).expanduser())
        if isinstance(value, str) and hidden(place) and value.startswith("file:"):
            return f"file:{base / Path(value[5:]).expanduser()}"
        return value

    def _build(self, cls: type[T], made: dict[str, Any], table: Mapping[str, object], place: Place) -> T | None:
        try:
            return cls(**made)
        except ValueError as error:
            words = [str(argument) for argument in error.args] or [""]
            field, _, why = words[0].partition(": ")
            why_zh = words[1].partition(": ")[2] or words[1] if len(words) > 1 else why
            parts: list[str | int] = [int(part) if part.isdigit() else part for part in field.split(".")] if why else []
            self.complain((*place, *parts), _inside(table, parts), why or words[0], why_zh or words[0])
            return None


def spell(place: Place) -> str:
    """The key path as people write it: upstreams[0].name."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def hidden(place: Place) -> bool:
    """Whether a value at this place is a credential, which may not be shown or stand in a file."""
    name = next((part for part in reversed(place) if isinstance(part, str)), "").lower()
    return name in _HIDDEN or name in _HIDDEN_HEADERS or name.replace("-", "_").endswith(_HIDDEN_ENDINGS)


def is_struct(kind: Any) -> bool:
    """Whether a type is a group of settings rather than one value."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _is_reference(text: str) -> bool:
    return text in ("", "none") or text.startswith(("env:", "file:"))


def _inside(table: object, parts: list[str | int]) -> object:
    """The one value at `parts` of a table; None for a whole table, which is too much to show."""
    for part in parts:
        try:
            table = cast("Any", table)[part]
        except (LookupError, TypeError):
            return None
    if isinstance(table, Mapping):
        return None
    rows = cast("list[object]", table) if isinstance(table, list) else []
    return None if any(isinstance(row, Mapping) for row in rows) else cast("object", table)


def path_from_text(kind: type, value: Any) -> Any:
    """msgspec's hook for the one type of ours it does not know."""
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError  # msgspec's own way for a hook to say that it does not know a type
