"""What a reload would change: which settings apply at once, and which wait for a restart."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from zhongshu.app.checking import hidden, show, spell
from zhongshu.app.settings import Settings
from zhongshu.app.toml_lines import Place

# Read once by processes that a reload keeps: the supervisor with its socket and engine, the workers with their
# journal. Everything else (upstreams, models, label) is connected anew while turns in flight keep the old.
_RESTART: tuple[Place, ...] = (("home",), ("server",), ("ledger",), ("engine",))


class Change(msgspec.Struct, frozen=True):
    """One setting that differs. Values as in TOML, "" where there is none or it must not be shown."""

    key: str
    before: str
    after: str


class Changes(msgspec.Struct, frozen=True):
    """`live` apply when the settings are reloaded, `restart` only when the platform is started again."""

    live: tuple[Change, ...] = ()
    restart: tuple[Change, ...] = ()


def diff(old: Settings, new: Settings) -> Changes:
    """Every setting that differs between the two."""
    before, after = _flat(_plain(old)), _flat(_plain(new))
    live: list[Change] = []
    restart: list[Change] = []
    for place in sorted(before.keys() | after.keys(), key=spell):
        if before.get(place) != after.get(place):
            where = restart if any(place[: len(held)] == held for held in _RESTART) else live
            where.append(Change(spell(place), before.get(place, ""), after.get(place, "")))
    return Changes(tuple(live), tuple(restart))


def _plain(settings: Settings) -> dict[str, Any]:
    return msgspec.to_builtins(settings, enc_hook=str)


def _flat(value: object, place: Place = ()) -> dict[Place, str]:
    """Leaves by place. Rows that have a name go by it, so that a row put in between changes nothing else."""
    found: dict[Place, str] = {}
    if isinstance(value, dict) and value:
        for key, inner in cast("dict[str, object]", value).items():
            found |= _flat(inner, (*place, key))
    elif isinstance(value, list | tuple) and any(isinstance(item, dict) for item in cast("list[object]", value)):
        for number, row in enumerate(cast("list[dict[str, object]]", value)):
            found |= _flat(row, (*place, str(row.get("name", number))))
    elif value is not None:
        found[place] = "(hidden)" if hidden(place) else show(cast("object", value))
    return found
