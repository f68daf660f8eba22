"""Values laid over the file's: ZHONGSHU_<GROUP>__<FIELD> from the environment, then command-line options.

Knows only which fields there are; whether a value fits is the checker's to say.
"""

from __future__ import annotations

import difflib
import tomllib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from zhongshu.app.checking import Origin, is_struct, path_from_text
from zhongshu.app.complaints import Complaint
from zhongshu.app.toml_lines import Place

PREFIX = "ZHONGSHU_"
_TOP = {"ZHONGSHU_HOME": "home", "ZHONGSHU_PROFILE": "profile"}


class Overlay:
    """Writes values into `raw` in place and remembers where each came from."""

    def __init__(self, settings: type[msgspec.Struct], raw: dict[str, Any]) -> None:
        self.origins: dict[Place, Origin] = {}
        self.complaints: list[Complaint] = []
        self._settings = settings
        self._raw = raw

    def environment(self, environ: Mapping[str, str]) -> None:
        """Take over every variable of ours that names a field; complain about one that names none."""
        for name, text in sorted(environ.items()):
            if name in _TOP and text:
                self._lay((_TOP[name],), text, name)
            elif name.startswith(PREFIX) and "__" in name:
                place = tuple(name.removeprefix(PREFIX).lower().split("__"))
                kind = self._kind(place)
                if kind is None:
                    self.complaints.append(self._unknown(name))
                else:
                    self._lay(place, read(kind, text), name)

    def options(self, options: Mapping[str, object]) -> None:
        """Take over command-line options, named like "server.port"."""
        for key, value in options.items():
            if value is not None:
                self._lay(tuple(key.split(".")), value, f"--{key.rpartition('.')[2].replace('_', '-')}")

    def variables(self) -> list[str]:
        """Every variable there is."""
        return sorted([*_TOP, *(_variable(place) for place in leaves(self._settings) if len(place) > 1)])

    def _lay(self, place: Place, value: object, source: str) -> None:
        table = self._raw
        for part in place[:-1]:
            inner = table.setdefault(str(part), {})
            if not isinstance(inner, dict):
                return  # the file holds something else there; the checker says so
            table = cast("dict[str, Any]", inner)
        table[str(place[-1])] = value
        self.origins[place] = Origin(source, source, Path.cwd())

    def _kind(self, place: Place) -> Any:
        return leaves(self._settings).get(place)

    def _unknown(self, name: str) -> Complaint:
        near = difflib.get_close_matches(name, self.variables(), n=1, cutoff=0.75)
        en = f"did you mean {near[0]}?" if near else "unset it, or see docs/settings.md"
        zh = f"是否想写 {near[0]}？" if near else "请取消该变量，或参见 docs/settings.md"
        return Complaint("environment", "环境变量", name, "", f"this names no setting; {en}", f"没有对应的设置；{zh}")


def leaves(settings: type[msgspec.Struct], place: Place = ()) -> dict[Place, Any]:
    """Every field that holds one value, by its place, with its type. Rows of arrays are left out."""
    found: dict[Place, Any] = {}
    for field in msgspec.structs.fields(settings):
        inner, parts = (*place, field.encode_name), typing.get_args(field.type)
        if is_struct(field.type):
            found |= leaves(field.type, inner)
        elif not any(is_struct(part) for part in parts):
            found[inner] = field.type
    return found


def read(kind: Any, text: str) -> object:
    """A variable's text as TOML if that fits the field, else as plain text, else as a list split at commas."""
    tries: list[object] = []
    try:
        tries.append(tomllib.loads(f"value = {text}")["value"])
    except tomllib.TOMLDecodeError:
        tries.append(text)
    tries += [text, [part.strip() for part in text.split(",") if part.strip()]]
    for candidate in tries:
        try:
            msgspec.convert(candidate, kind, dec_hook=path_from_text)
        except (msgspec.ValidationError, NotImplementedError):
            continue
        return candidate
    return tries[0]


def _variable(place: Place) -> str:
    return PREFIX + "__".join(str(part).upper() for part in place)
