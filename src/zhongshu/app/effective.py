"""Settings written back as TOML, for people to read: every value in effect, in the order of the groups."""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec

from zhongshu.app.settings import Settings

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_CREDENTIAL = re.compile(r"(?<=://)[^/@\s]+@")


def plain(settings: Settings) -> dict[str, Any]:
    """Builtins for JSON. A user name and password inside an address are masked."""
    return cast("dict[str, Any]", _masked(msgspec.to_builtins(settings, enc_hook=str)))


def as_toml(settings: Settings) -> str:
    """The same as TOML that `load` reads back. What is unset (None) is left out."""
    groups = plain(settings)
    parts = [_lines({name: value for name, value in groups.items() if not _is_table(value)})]
    for name, value in groups.items():
        if isinstance(value, dict):
            parts.append(f"[{name}]\n{_lines(cast('dict[str, Any]', value))}")
        elif _is_table(value):
            parts += [f"[[{name}]]\n{_lines(row)}" for row in cast("list[dict[str, Any]]", value)]
    return "\n".join(part for part in parts if part)


def toml_value(value: object) -> str:
    """One value in TOML's spelling. None has none; the caller leaves it out."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml_value(item) for item in cast('list[object]', value))}]"
    if isinstance(value, dict):
        inner = cast("dict[str, object]", value)
        pairs = (f"{_key(key)} = {toml_value(item)}" for key, item in inner.items() if item is not None)
        return f"{{ {', '.join(pairs)} }}" if inner else "{}"
    # JSON's strings, numbers and escapes are TOML's too, but for the slash that JSON never needs to escape.
    return msgspec.json.encode(value, enc_hook=str).decode().replace("\x7f", "\\u007f")


def _lines(table: dict[str, Any]) -> str:
    return "".join(f"{_key(name)} = {toml_value(value)}\n" for name, value in table.items() if value is not None)


def _is_table(value: object) -> bool:
    if isinstance(value, dict):
        return True
    rows = cast("list[object]", value) if isinstance(value, list | tuple) else []
    return bool(rows) and all(isinstance(row, dict) for row in rows)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else toml_value(name)


def _masked(value: object) -> object:
    if isinstance(value, str):
        return _CREDENTIAL.sub("***@", value)
    if isinstance(value, dict):
        return {key: _masked(inner) for key, inner in cast("dict[str, object]", value).items()}
    if isinstance(value, list | tuple):
        return [_masked(inner) for inner in cast("list[object]", value)]
    return value
