"""What lies on disk: the home, its secrets, the journal, model files, and the label's producer code."""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from zhongshu.app.checkup.finding import Finding, fail, ok, warn
from zhongshu.app.preparing import EMBEDDED
from zhongshu.app.settings import Settings
from zhongshu.engine.models import rows, store
from zhongshu.ledger.joints import joints
from zhongshu.ledger.segments import Scan, segment_path, segments, stream_folder, streams
from zhongshu.ledger.textkeys import TextKeys
from zhongshu.storage.secrets import SecretError

_SECRETS = ("keys.secret", "text.key", "checkpoint.key", "sessions.key", "cache.key")
_SECRET_BYTES = 32
_DATABASES = ("state.db", "counters.db", "textkeys.db", "index.db")


def check_state(settings: Settings) -> Iterator[Finding]:
    """Every check of this part."""
    yield _writable(settings.home)
    yield from _private(settings.home)
    yield from _whole(settings.home)
    yield from _databases(settings.home)
    yield from _text_key(settings)
    yield from _files(settings.home)
    yield from _journal(settings.home, settings.ledger.clock_tolerance_s)
    yield from _models(settings)
    yield _producer(settings)


def _writable(home: Path) -> Finding:
    try:
        there = next(place for place in (home, *home.parents) if place.exists())
        with tempfile.TemporaryFile(dir=there):
            if there != home:
                return ok("home", f"{home} will be made by `zhongshu up`", f"{home} 将由 `zhongshu up` 创建")
            return ok("home", f"{home} can be written", f"{home} 可写")
    except OSError as error:
        return fail(
            "home",
            f"{home} cannot be written: {error.strerror}",
            f"{home} 不可写：{error.strerror}",
            "Give this user the directory (chown), or set ZHONGSHU_HOME to another one.",
            "请将目录交给当前用户（chown），或用 ZHONGSHU_HOME 指定其他目录。",
        )


def _private(home: Path) -> Iterator[Finding]:
    """Nobody else may read the home or a secret."""
    secrets = home / "secrets"
    places = [home, secrets, *sorted(secrets.iterdir())] if secrets.is_dir() else [home] if home.is_dir() else []
    loose = [place for place in places if place.suffix != ".pub" and stat.S_IMODE(place.stat().st_mode) & 0o077]
    for place in loose:
        yield fail(
            "permissions",
            f"{place} is open to other users",
            f"{place} 对其他用户开放",
            f"chmod go= {place}; if others use this machine, make new keys.",
            f"chmod go= {place}；若有他人使用本机，请更换密钥。",
        )
    if places and not loose:
        yield ok("permissions", f"{len(places)} places, for this user only", f"{len(places)} 处，仅当前用户可访问")


def _whole(home: Path) -> Iterator[Finding]:
    """Whether each secret has the size it was made with; the cache's may be made anew."""
    for name in _SECRETS:
        file = home / "secrets" / name
        size = file.stat().st_size if file.is_file() else _SECRET_BYTES
        if size != _SECRET_BYTES:
            yield fail(
                "secrets",
                f"{file} holds {size} bytes, not {_SECRET_BYTES}",
                f"{file} 为 {size} 字节，应为 {_SECRET_BYTES} 字节",
                "Put it back from a copy." if name != "cache.key" else "Delete it; it is made again.",
                "请从备份恢复。" if name != "cache.key" else "请删除；它会重新生成。",
            )


def _databases(home: Path) -> Iterator[Finding]:
    """Whether each file is a database that can be read; the index is derived, so its remedy is to make it again."""
    files = [home / name for name in _DATABASES if (home / name).is_file()]
    broken = [(file, why) for file in files if (why := _unreadable(file))]
    for file, why in broken:
        derived = file.name == "index.db"
        yield fail(
            "database",
            f"{file} cannot be read: {why}",
            f"{file} 无法读取：{why}",
            f"Stop the server and delete {file}; it is made again from the journal."
            if derived
            else f"Stop the server and put back {file} from a copy; the journal does not hold what was in it.",
            f"请停止服务并删除 {file}；它会由日志重建。"
            if derived
            else f"请停止服务并从备份恢复 {file}；日志中没有其中的内容。",
        )
    if files and not broken:
        yield ok("database", f"{len(files)} files can be read", f"{len(files)} 个文件可以读取")


def _unreadable(file: Path) -> str:
    """Why not, or "". The schema and the first page of each table: quick for a file of any size."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=2)) as base:
            for (table,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                base.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone()
    except sqlite3.Error as error:
        return str(error)
    return ""


def _text_key(settings: Settings) -> Iterator[Finding]:
    """Whether texts can be sealed: without that no turn can be recorded, and none is let in."""
    home = settings.home
    if settings.ledger.text == "none" or not (home / "textkeys.db").is_file():
        return
    key = home / "secrets" / "text.key"
    try:
        key.stat()  # to open the keys would make one
        TextKeys(home).check()
    except (SecretError, OSError, sqlite3.Error) as error:
        why = f"{key}: {error.strerror}" if isinstance(error, OSError) else str(error)
        yield fail(
            "text key",
            f"texts cannot be sealed, so no turn is let in: {why}",
            f"文本无法加密，因此不接受任何请求：{why}",
            f"Put back {key} and textkeys.db from a copy of the same time. If there is none, go on in a new "
            "ZHONGSHU_HOME: the records here stay readable, their texts closed.",
            f"请从同一时刻的备份恢复 {key} 和 textkeys.db。若没有备份，请另设 ZHONGSHU_HOME 继续："
            "此处的记录仍可读，文本则无法打开。",
        )


def _files(home: Path) -> Iterator[Finding]:
    """Whether the contents of all files that callers keep here are sealed, and the keys to open them are there."""
    try:
        with closing(sqlite3.connect(f"{(home / 'state.db').as_uri()}?mode=ro", uri=True, timeout=2)) as base:
            sealed, plain = base.execute("SELECT count(text_key), count(*) - count(text_key) FROM files").fetchone()
    except sqlite3.Error:  # said by the check of the databases, or a home that `zhongshu up` will bring up to date
        return
    if plain:
        yield warn(
            "files",
            f"{plain} files of callers are from before contents were encrypted, and are plain on the disk",
            f"{plain} 个用户文件早于内容加密功能，在磁盘上仍为明文",
            "Start the server (`zhongshu up`): it encrypts them within five minutes.",
            "请启动服务（`zhongshu up`），五分钟内会将其加密。",
        )
    if sealed and not (home / "textkeys.db").is_file():
        yield fail(
            "files",
            f"{sealed} files of callers are encrypted, and textkeys.db with their keys is not here",
            f"{sealed} 个用户文件已加密，但存放密钥的 textkeys.db 不存在",
            "Put back textkeys.db and secrets/text.key from a copy of the same time as files/.",
            "请从与 files/ 同一时刻的备份恢复 textkeys.db 和 secrets/text.key。",
        )
    elif sealed and not plain:
        yield ok("files", f"{sealed} files of callers, encrypted", f"{sealed} 个用户文件，均已加密")


def _journal(home: Path, tolerance_s: float) -> Iterator[Finding]:
    """The ends of all segments, and the last of each stream frame by frame; `zhongshu ledger verify` reads them all."""
    names = streams(home)
    if not names:
        yield ok("journal", "empty so far", "尚无记录")
    for name in names:
        folder = stream_folder(home, name)
        numbers = segments(folder)
        if numbers:
            yield _segment(name, segment_path(folder, numbers[-1]), tolerance_s)
    try:
        apart = list(joints(home))
    except OSError as error:
        apart = []
        yield fail(
            "journal",
            f"{error.filename} cannot be read: {error.strerror}",
            f"无法读取 {error.filename}：{error.strerror}",
            "Mend the disk or the permissions; `zhongshu ledger verify` then tells what is whole.",
            "请修复磁盘或权限，再用 `zhongshu ledger verify` 查看完整性。",
        )
    for found in apart:
        yield fail(
            "journal",
            found.en,
            found.zh,
            "Somebody changed it, or the disk did. Keep what is left and run `zhongshu ledger verify`.",
            "文件被改动或磁盘出错。请保留现有文件，并运行 `zhongshu ledger verify`。",
        )


def _segment(name: str, path: Path, tolerance_s: float) -> Finding:
    scan, frames, newest_ns = Scan(path), 0, 0
    try:
        for frame in scan:
            frames, newest_ns = frames + 1, frame.written_ns
    except OSError as error:
        return fail(
            "journal",
            f"{name}: {path.name} cannot be read: {error.strerror}",
            f"{name}：无法读取 {path.name}：{error.strerror}",
            "Mend the disk or the permissions; `zhongshu ledger verify` then tells what is whole.",
            "请修复磁盘或权限，再用 `zhongshu ledger verify` 查看完整性。",
        )
    if scan.end == "broken":
        return fail(
            "journal",
            f"{name}: {path.name}: {scan.why}",
            f"{name}：{path.name} 链条断裂（第 {frames} 帧之后）",
            "Somebody changed it, or the disk did. Keep the file and run `zhongshu ledger verify`.",
            "文件被改动或磁盘出错。请保留该文件，并运行 `zhongshu ledger verify`。",
        )
    if not os.access(path, os.W_OK):
        return _not_ours("journal", f"{name}: {path} cannot be written", f"{name}：{path} 不可写")
    ahead_s = (newest_ns - time.time_ns()) / 1e9
    if ahead_s > tolerance_s:
        return fail(
            "journal",
            f"{name}: its newest record is {ahead_s:.0f} s in the future: the clock was turned back",
            f"{name}：最新记录在未来 {ahead_s:.0f} 秒：时钟曾被回拨",
            "Set the clock right (chrony, systemd-timesyncd) before turns are recorded with it.",
            "请先校准时钟（chrony、systemd-timesyncd），再继续记录。",
        )
    said = f"{path.name}, {frames} frames in an unbroken chain", f"{path.name}，{frames} 帧，链条完整"
    return ok("journal", f"{name}: {said[0]}", f"{name}：{said[1]}")


def _models(settings: Settings) -> Iterator[Finding]:
    cache = settings.model_sources.folder()
    for row in settings.models:
        if row.upstream != EMBEDDED:
            continue
        name = row.upstream_model or row.name
        local = rows.find(name)
        if local is None:
            yield fail(
                "models",
                f"{name} is not one of the local models",
                f"{name} 不是已知的本地模型",
                "See `zhongshu models list`, or give the row another upstream.",
                "请查看 `zhongshu models list`，或为该行指定其他上游。",
            )
        elif path := store.find(local, cache):
            yield _model_file(name, path)
        else:
            there = store.path_of(local, cache).exists()
            en, zh = ("changed since it was verified", "校验后被改动") if there else ("not here yet", "尚未获取")
            yield warn(
                "models",
                f"{name}: {en}",
                f"{name}：{zh}",
                f"zhongshu models pull {name}",
                f"zhongshu models pull {name}",
            )


def _model_file(name: str, path: Path) -> Finding:
    """A file as it was when it was verified, by size and time. Its bytes are not read here: a gigabyte takes seconds."""
    if not os.access(path, os.R_OK):
        return _not_ours("models", f"{name}: {path} cannot be read", f"{name}：{path} 不可读")
    hashed = store.verified_on(path)
    return ok(
        "models",
        f"{name}: {path.name}, hashed on {hashed}, unchanged since by size and time",
        f"{name}：{path.name}，{hashed} 校验过哈希，此后大小与时间未变",
    )


def _not_ours(check: str, en: str, zh: str) -> Finding:
    """A file that this user may not use."""
    return fail(check, en, zh, "Give it to this user (chown, chmod).", "请将其交给当前用户（chown、chmod）。")


def _producer(settings: Settings) -> Finding:
    if settings.label.producer:
        return ok("label", f"producer code {settings.label.producer}", f"生成者编码 {settings.label.producer}")
    return warn(
        "label",
        "answers are labelled, with an empty producer code",
        "回答带有标识，但生成者编码为空",
        "Set label.producer to your organisation's 27-character code (GB 45438-2025) before serving the public.",
        "面向公众提供服务前，请将 label.producer 设为本单位的 27 位编码（GB 45438-2025）。",
    )
