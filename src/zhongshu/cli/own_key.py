"""The key that `zhongshu ask` and `chat` use on this machine: made by `up`, kept in a file only its owner can read."""

from __future__ import annotations

import os
import time
from pathlib import Path

from zhongshu.access.admin import DEFAULT_TENANT, AccessAdmin
from zhongshu.access.build import open_admin
from zhongshu.access.keys import key_id
from zhongshu.app import paths
from zhongshu.core.problems import Fault


def ensure(home: Path) -> Path:
    """The file of a key that works; a key that is gone, expired or revoked is replaced by a new one."""
    file = paths.cli_key_file(home)
    with open_admin(home) as admin:
        if not _works(admin, file):
            _write(file, admin.create_key(DEFAULT_TENANT, "command line of this machine").secret)
    return file


def _works(admin: AccessAdmin, file: Path) -> bool:
    try:
        return admin.key(key_id(file.read_text().strip())).state(time.time_ns()) == "active"
    except (OSError, Fault):
        return False


def _write(file: Path, secret: str) -> None:
    paths.private_directory(file.parent)
    fresh = file.with_name(f"{file.name}.{os.getpid()}.new")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(secret + "\n")
    fresh.replace(file)
