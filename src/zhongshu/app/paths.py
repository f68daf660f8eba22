"""Where things lie on this machine. Names places; makes none of them except `private_directory`.

home                 $ZHONGSHU_HOME, else $XDG_DATA_HOME/zhongshu, else ~/.local/share/zhongshu   (0700)
  zhongshu.toml      settings, when no other file is named
  secrets/           keys and key files (0700, files 0600)
  run/               sockets, process ids, the running server's address (0700)
  journal/           the append-only record

Model files are every home's of a user: where, engine/models/settings.py says.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

SETTINGS_FILE = "zhongshu.toml"


def home(environ: Mapping[str, str] = os.environ) -> Path:
    """The state directory."""
    if chosen := environ.get("ZHONGSHU_HOME"):
        return Path(chosen).expanduser().absolute()
    base = environ.get("XDG_DATA_HOME", "")
    # The XDG rule: a relative path in these variables is to be ignored.
    root = Path(base) if base.startswith("/") else Path(environ.get("HOME") or Path.home()) / ".local/share"
    return root / "zhongshu"


def settings_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The settings file to read when the caller names none: $ZHONGSHU_CONFIG, ./zhongshu.toml, home/zhongshu.toml."""
    if chosen := environ.get("ZHONGSHU_CONFIG"):
        return Path(chosen).expanduser().absolute()
    for candidate in (Path.cwd() / SETTINGS_FILE, home(environ) / SETTINGS_FILE):
        if os.path.isfile(candidate):
            return candidate
    return None


def private_directory(path: Path) -> Path:
    """Make `path` (and its parents) for this user only; tighten it if it is open to others."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)
    return path


def cli_key_file(home: Path) -> Path:
    """The key this machine's command line asks with; `zhongshu up` makes it."""
    return home / "secrets" / "cli.key"
