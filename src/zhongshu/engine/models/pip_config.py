"""Which package indexes this machine is set to use, asked of pip itself. No index is known here by name.

Order: the user's own setting; UV_DEFAULT_INDEX / UV_INDEX_URL; what pip says, which covers PIP_INDEX_URL, its
configuration files and its built-in default. pip is asked by its public commands (`pip config list`, `pip download
--help`, which prints the index in force); where the environment has no pip, the one bundled with Python is run.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import msgspec

from zhongshu.engine.models.failures import SourceFailed

_DEFAULT = re.compile(r"--index-url <url>.*?\(default\s+(\S+?)\)", re.DOTALL)
# A later section wins over an earlier one, as in pip: files first, the command's own section, then the environment.
_SECTIONS = ("global", "download", ":env:")


class IndexConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where wheels are looked for, and how to connect there. `find_links`: folders or pages with links to wheels."""

    index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    cert: str = ""
    client_cert: str = ""
    proxy: str = ""
    trusted_hosts: tuple[str, ...] = ()


def read(index_urls: tuple[str, ...] = ()) -> IndexConfig:
    """The configuration in force; `index_urls` of the user's own come in place of every configured index.

    Raises SourceFailed when no index is named anywhere and there is no pip to ask.
    """
    pip = _pip_command()
    options = _options(pip) if pip else {}
    find_links = tuple(options.get("find-links", "").split()) or tuple(os.environ.get("PIP_FIND_LINKS", "").split())
    return IndexConfig(
        index_urls=index_urls or _from_uv() or _from_pip(pip, options),
        find_links=find_links,
        cert=options.get("cert") or os.environ.get("PIP_CERT", ""),
        client_cert=options.get("client-cert", ""),
        proxy=options.get("proxy", ""),
        trusted_hosts=tuple(options.get("trusted-host", "").split()),
    )


def _from_uv() -> tuple[str, ...]:
    default = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL")
    extra = (os.environ.get("UV_INDEX") or os.environ.get("UV_EXTRA_INDEX_URL") or "").split()
    # uv allows NAME=URL.
    urls = [url.partition("=")[2] if re.match(r"[\w-]+=\w+://", url) else url for url in [*extra, default or ""]]
    return tuple(url for url in urls if url) if default else ()


def _from_pip(pip: list[str], options: dict[str, str]) -> tuple[str, ...]:
    extra = tuple(options.get("extra-index-url", "").split())
    if options.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        return ()
    main = options.get("index-url") or os.environ.get("PIP_INDEX_URL") or _built_in(pip)
    if not main:
        raise SourceFailed(
            "no package index is configured and there is no pip to ask; set PIP_INDEX_URL",
            "没有配置软件包索引，也没有 pip 可供查询；请设置 PIP_INDEX_URL",
        )
    return (main, *extra)


def _built_in(pip: list[str]) -> str:
    """The default that pip prints in its own help."""
    match = _DEFAULT.search(_run(pip, "download", "--help")) if pip else None
    return match[1] if match else ""


def _options(pip: list[str]) -> dict[str, str]:
    found: dict[str, dict[str, str]] = {}
    for line in _run(pip, "config", "list").splitlines():
        key, equals, value = line.partition("=")
        section, _, option = key.rpartition(".")
        if equals and section in _SECTIONS:
            found.setdefault(section, {})[option] = _literal(value)
    return {option: value for section in _SECTIONS for option, value in found.get(section, {}).items()}


def _literal(text: str) -> str:
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text


def _pip_command() -> list[str]:
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    bundled = _bundled_pip()
    return [sys.executable, f"{bundled}/pip"] if bundled else []


def _bundled_pip() -> Path | None:
    """The wheel of pip that comes with Python for `python -m venv`; it can be run without being installed."""
    spec = find_spec("ensurepip")
    if spec is None or spec.origin is None:
        return None
    return next(iter((Path(spec.origin).parent / "_bundled").glob("pip-*.whl")), None)


def _run(pip: list[str], *arguments: str) -> str:
    # A wide terminal keeps pip from breaking an address across lines.
    environment = {**os.environ, "COLUMNS": "1000", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_COLOR": "1"}
    try:
        done = subprocess.run(
            [*pip, *arguments], capture_output=True, text=True, env=environment, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
