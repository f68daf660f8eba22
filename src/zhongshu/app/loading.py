"""Reading the settings: one TOML file, then the environment, then options of the command line, then the price file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from zhongshu.app import paths
from zhongshu.app.checking import Checker, Origin
from zhongshu.app.complaints import Complaint, SettingsError
from zhongshu.app.overlay import Overlay
from zhongshu.app.pricing import with_prices
from zhongshu.app.profiles import joined
from zhongshu.app.settings import Settings
from zhongshu.app.toml_lines import Place, locate


def find(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file that `load` would read: `path`, else where `paths.settings_file` looks; None for built-in defaults."""
    return path.expanduser().absolute() if path is not None else paths.settings_file(environ)


def load(
    path: Path | None = None,
    *,
    options: Mapping[str, object] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Read, join and check. `options` are from the command line: {"server.port": 8080}; None values do not count.

    Raises SettingsError with every mistake found.
    """
    file = find(path, environ)
    text = _read(file) if file else ""
    raw = _parse(file, text)
    overlay = Overlay(Settings, raw)
    overlay.environment(environ)
    overlay.options(options or {})
    raw.setdefault("home", str(paths.home(environ)))
    checker = Checker(_origins(file, locate(text), overlay.origins))
    checker.complaints.extend(overlay.complaints)
    settings = checker.struct(Settings, raw)
    if settings is not None:
        settings = with_prices(settings, checker)
    if settings is None or checker.complaints:
        raise SettingsError(tuple(checker.complaints))
    return msgspec.structs.replace(settings, models=joined(settings.profile, settings.models))


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise _unreadable(file, "save it as UTF-8", "请以 UTF-8 编码保存") from None
    except OSError as error:
        why = error.strerror or "unreadable"
        raise _unreadable(
            file, f"it cannot be read ({why}); name another with --config", f"无法读取（{why}）"
        ) from None


def _parse(file: Path | None, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        assert file is not None, "the built-in defaults are an empty file"
        raise _unreadable(file, f"this is not TOML: {error}", f"不是合法的 TOML：{error}") from None


def _unreadable(file: Path, en: str, zh: str) -> SettingsError:
    return SettingsError((Complaint(str(file), str(file), "file", "", en, zh),))


def _origins(file: Path | None, lines: Mapping[Place, int], laid: Mapping[Place, Origin]) -> Callable[[Place], Origin]:
    name = file.name if file else "the built-in defaults"
    base = file.parent if file else Path.cwd()

    def origin(place: Place) -> Origin:
        for end in range(len(place), 0, -1):
            if found := laid.get(place[:end]):
                return found
            if line := lines.get(place[:end]):
                return Origin(f"{name} line {line}", f"{name} 第 {line} 行", base)
        return Origin(name, name, base)

    return origin
