"""Which settings the workers of an installation run, and why they do not run others: the note in `run/` that the
supervisor keeps and every process may read. Knows no process and hands out nothing (app/generations.py does)."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import msgspec

from zhongshu.app.complaints import Complaint, SettingsError
from zhongshu.upstreams.registry import KeyProblem

STANDING_FILE = "settings.json"

Unusable = (ValueError, OSError, sqlite3.Error, msgspec.ValidationError)
"""What is raised where settings cannot be used."""


class Verdict(msgspec.Struct, frozen=True):
    """A worker's word on settings that it was told. told, runs: their generation, and the one that it runs now (0: none
    yet); `refused` says why these are not the same."""

    told: int
    runs: int
    refused: tuple[Complaint, ...] = ()

    def line(self) -> bytes:
        """As one line of JSON."""
        return msgspec.json.encode(self) + b"\n"


class Stands(msgspec.Struct, frozen=True):
    """How one worker stands. generation: of the settings it runs; 0 while it is not ready. refused: why it does not run
    the newest that it was told."""

    name: str
    generation: int = 0
    refused: tuple[Complaint, ...] = ()


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How all of them stand. Settings have a generation: 1 those of the start, then one more each time they are read.

    generation, digest: of the settings in force. asked: how often they were begun to be read; answered: the newest
    reading that is over, whatever came of it. refused: why the newest changed nothing; empty when it did. waits: settings
    of the newest that wait for a restart, such as "server.port".
    """

    generation: int
    digest: str
    asked: int
    answered: int
    refused: tuple[Complaint, ...] = ()
    waits: tuple[str, ...] = ()
    workers: tuple[Stands, ...] = ()

    @property
    def apart(self) -> tuple[Stands, ...]:
        """The workers that run other settings than those in force."""
        return tuple(worker for worker in self.workers if worker.generation != self.generation)

    @property
    def complaints(self) -> tuple[Complaint, ...]:
        """Why settings are not run: what the workers say alike said once, with all their names."""
        found: dict[tuple[str, str], Complaint] = {}
        for one in (complaint for worker in self.workers for complaint in worker.refused):
            before = found.get((one.key, one.remedy))
            where = f"{before.where}, {one.where}" if before else one.where
            found[one.key, one.remedy] = msgspec.structs.replace(one, where=where, where_zh=where.replace(", ", "、"))
        return tuple(found.values())


def complaints_of(error: Exception, *, running: bool = False) -> tuple[Complaint, ...]:
    """What was raised by settings that cannot be used, by name of field. Tells no value. running: it was raised by a
    process whose environment nobody can change any more."""
    if isinstance(error, SettingsError):
        return error.complaints
    if isinstance(error, KeyProblem):
        key, _, en = error.en.partition(": ")
        zh = error.zh.partition(": ")[2]
        if running and error.variable:
            en = f"the running server does not have the variable {error.variable}; start it again with it, or use file:PATH"
            zh = f"运行中的服务没有环境变量 {error.variable}；请带上它重新启动，或改用 file:路径"
        return (Complaint("", "", key, "", en, zh),)
    if isinstance(error, OSError):
        why, file = error.strerror or type(error).__name__, str(error.filename or "")
        mend = "free what is used up or give this user the file", "请释放资源，或将文件交给当前用户"
        return (Complaint("", "", file or "system", "", f"{why}; {mend[0]}", f"{why}；{mend[1]}"),)
    said, _, place = str(error).partition(" - at ")  # msgspec: "what - at `$.settings.router`"
    group = place.strip("`").removeprefix("$").removeprefix(".settings").strip(".")
    both = (error.__cause__ or error).args
    if len(both) != 2:
        return (Complaint("", "", group or "settings", "", said, said),)
    (field, _, en), zh = both[0].partition(": "), both[1].partition(": ")[2]  # ours: "model_file: why", twice
    return (Complaint("", "", f"{group}.{field}".strip("."), "", en, zh),)


def write(run_dir: Path, standing: Standing) -> None:
    """Leave the note; nobody ever reads half of one. Raises OSError."""
    draft = run_dir / f".{STANDING_FILE}.{os.getpid()}"
    draft.write_bytes(msgspec.json.encode(standing))
    draft.rename(run_dir / STANDING_FILE)


def read(home: Path) -> Standing | None:
    """The note; None where none was left, or not in these words."""
    try:
        return msgspec.json.decode((home / "run" / STANDING_FILE).read_bytes(), type=Standing)
    except (OSError, msgspec.MsgspecError):
        return None
