"""From settings to open upstreams: fills a row from what is known of the service, reads keys, builds transports."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from zhongshu.core.models import ModelCard, Offer, Release
from zhongshu.core.ports import Upstream
from zhongshu.upstreams.anthropic.upstream import AnthropicUpstream
from zhongshu.upstreams.gemini.upstream import GeminiUpstream
from zhongshu.upstreams.marking import marked
from zhongshu.upstreams.openai.manner import Manner, Signs
from zhongshu.upstreams.openai.upstream import OpenAIUpstream
from zhongshu.upstreams.responses.upstream import ResponsesUpstream
from zhongshu.upstreams.rows import ROWS, KeyHeader, KnownUpstream, WireFormat
from zhongshu.upstreams.settings import UpstreamSettings
from zhongshu.upstreams.transport import Headers, HttpTransport, Limits, Transport

# How a server of this wire format wants its key, when no row says otherwise.
_KEY_HEADERS: dict[WireFormat, KeyHeader] = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}


class AnyUpstream(Upstream, Protocol):
    """An upstream over the network, which can also list its models."""

    async def models(self) -> tuple[str, ...] | None:
        """The names it lists; None when it has no list."""
        ...


class KeyProblem(ValueError):
    """A key, header or proxy that settings point at is not there. Its text names the field and the remedy and never
    the value; `zh` is the same in Chinese. variable: the environment variable that is missing, if it is one."""

    def __init__(self, en: str, zh: str, variable: str = "") -> None:
        super().__init__(en, zh)
        self.en = en
        self.zh = zh
        self.variable = variable

    def __str__(self) -> str:
        return self.en


def open_upstreams(rows: Sequence[UpstreamSettings], environ: Mapping[str, str] = os.environ) -> dict[str, Upstream]:
    """Every upstream by its name, ready to be asked, those of one wire format told apart by whose signatures they take
    back. Nothing is connected yet.

    Raises KeyProblem when a key, a header's value or a proxy cannot be read.
    """
    return marked({row.name: open_upstream(row, environ) for row in rows}, speakers(rows))


# Whose signatures stay as they are where several providers make those of a format: who made it, if it is among them.
_MADE_BY: dict[WireFormat, str] = {
    "anthropic": "anthropic", "gemini": "gemini", "responses": "openai-responses", "openai": "openrouter"
}  # fmt: skip


# The two ways into one service, which take each other's signatures back.
_SAME_SERVICE = {"gemini-openai": "gemini"}


def speakers(rows: Sequence[UpstreamSettings]) -> list[tuple[str, WireFormat, str]]:
    """Of each upstream that may sign, its name, a format it may sign in and its provider. Who made a format comes first,
    then who speaks it; calls are signed in Google's format by some who speak OpenAI's."""

    def late(signing: tuple[UpstreamSettings, WireFormat]) -> tuple[bool, bool]:
        row, form = signing
        return provider_of(row) != _MADE_BY[form], wire_of(row) != form

    signing: list[tuple[UpstreamSettings, WireFormat]] = [
        (row, form) for row in rows for form in _forms_of_signatures(row)
    ]
    signing.sort(key=late)
    return [(row.name, form, provider_of(row)) for row, form in signing]


def provider_of(row: UpstreamSettings) -> str:
    """Whose signatures an upstream takes back: a known service's, of the `kind` that is said or at its own address; else
    those of whoever is at that address. OpenAI encrypts for an organisation."""
    service = known(row)
    address = urlsplit(base_url_of(row)).netloc
    if service is not None and (row.kind or address == urlsplit(service.base_url).netloc):
        name = row.kind or row.name
        return f"{_SAME_SERVICE.get(name, name)} {row.organisation}".rstrip()
    return f"{address} {row.organisation}".rstrip()


def _forms_of_signatures(row: UpstreamSettings) -> tuple[WireFormat, ...]:
    wire = wire_of(row)
    return (wire,) if wire != "openai" else _SIGNED_IN[manner_of(row).signs]


# Servers of OpenAI's format sign thoughts in reasoning_details, and calls in Google's way; one that nobody knows may do both.
_SIGNED_IN: dict[Signs, tuple[WireFormat, ...]] = {
    "none": (), "details": ("openai",), "google": ("gemini",), "vertex": ("gemini",), "any": ("openai", "gemini")
}  # fmt: skip


def open_upstream(row: UpstreamSettings, environ: Mapping[str, str] = os.environ) -> AnyUpstream:
    """One upstream, ready to be asked."""
    limits = Limits(
        connect_s=row.connect_s,
        first_byte_s=row.first_byte_s,
        idle_s=row.idle_s,
        total_s=row.total_s,
        connections=row.max_connections,
        body_bytes=row.max_body_bytes,
    )
    headers, proxy = _headers(row, environ), _proxy(row, environ)
    try:
        transport = HttpTransport(
            row.name, base_url_of(row), headers=headers, limits=limits, proxy=proxy, ca_file=row.ca_file
        )
    except ValueError:
        raise KeyProblem(
            f"upstreams.{row.name}: the key or a header holds a character that cannot be sent; copy it again",
            f"upstreams.{row.name}: 密钥或请求头含有无法发送的字符，请重新复制",
        ) from None
    return _WIRES[wire_of(row)](row, transport)


def _openai(row: UpstreamSettings, transport: Transport) -> AnyUpstream:
    return OpenAIUpstream(row.name, manner_of(row), transport, row.max_body_bytes)


def _responses(row: UpstreamSettings, transport: Transport) -> AnyUpstream:
    return ResponsesUpstream(row.name, manner_of(row), transport, row.max_body_bytes)


def _gemini(row: UpstreamSettings, transport: Transport) -> AnyUpstream:
    return GeminiUpstream(row.name, transport, row.max_body_bytes)


def _anthropic(row: UpstreamSettings, transport: Transport) -> AnyUpstream:
    versioned = base_url_of(row).rstrip("/").endswith("/v1")
    return AnthropicUpstream(row.name, transport, "" if versioned else "/v1", row.max_body_bytes)


_WIRES: dict[WireFormat, Callable[[UpstreamSettings, Transport], AnyUpstream]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "responses": _responses,
}


def wire_of(row: UpstreamSettings) -> WireFormat:
    """The wire format it is asked in."""
    service = known(row)
    return row.wire or (service.wire if service else "openai")


def offers(rows: Sequence[UpstreamSettings]) -> tuple[Offer, ...]:
    """The models that rows name directly, each under its own name, with what a bare name lets us assume."""
    return tuple(
        Offer(
            Release(model=model, version="1", upstream=row.name, upstream_model=model),
            ModelCard(name=model, abilities=frozenset({"chat", "tools", "json", "schema"})),
        )
        for row in rows
        for model in row.models
    )


def known(row: UpstreamSettings) -> KnownUpstream | None:
    """The shipped row this one is of."""
    return ROWS.get(row.kind or row.name)


def base_url_of(row: UpstreamSettings) -> str:
    """The address that is asked."""
    service = known(row)
    return row.base_url or (service.base_url if service else "")


def key_source(row: UpstreamSettings) -> str:
    """Where the key comes from: "env:NAME", "file:/path", or "none"."""
    if row.key:
        return row.key
    service = known(row)
    return f"env:{service.key_env}" if service and service.key_env else "none"


def manner_of(row: UpstreamSettings) -> Manner:
    """How it wants to be asked."""
    service = known(row)
    manner = service.manner if service else Manner()
    if row.thinking:
        manner = msgspec.structs.replace(manner, thinking=row.thinking)
    return msgspec.structs.replace(manner, thoughts=row.thoughts) if row.thoughts else manner


def read_key(row: UpstreamSettings, environ: Mapping[str, str] = os.environ) -> str | None:
    """The key, or None for an upstream that needs none. Raises KeyProblem."""
    source, _, rest = key_source(row).partition(":")
    if source == "none":
        return None
    where = f"upstreams.{row.name}.key"
    if source == "env":
        return _from_environment(where, rest, environ)
    path = Path(rest).expanduser()
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise KeyProblem(
            f"{where}: the file {path} cannot be read; put the key into it, alone",
            f"{where}: 无法读取文件 {path}；请将密钥单独写入该文件",
        ) from None
    if mode & 0o077:
        raise KeyProblem(
            f"{where}: the file {path} is open to others; run: chmod 600 {path}",
            f"{where}: 文件 {path} 对其他用户可见；请运行：chmod 600 {path}",
        )
    if not key:
        raise KeyProblem(f"{where}: the file {path} is empty; put the key into it", f"{where}: 文件 {path} 为空")
    return key


def _from_environment(where: str, name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise KeyProblem(
            f"{where}: the environment variable {name} is not set; run: export {name}=...",
            f"{where}: 环境变量 {name} 未设置；请运行：export {name}=...",
            name,
        )
    return value


def _headers(row: UpstreamSettings, environ: Mapping[str, str]) -> Headers:
    headers = [
        (name, _from_environment(f"upstreams.{row.name}.headers", value[4:], environ))
        if value.startswith("env:")
        else (name, value)
        for name, value in row.headers.items()
    ]
    key = read_key(row, environ)
    if key is not None:
        service = known(row)
        name: KeyHeader = service.key_header if service else _KEY_HEADERS.get(wire_of(row), "authorization")
        headers.append(("Authorization", f"Bearer {key}") if name == "authorization" else (name, key))
    if row.organisation:
        headers.append(("OpenAI-Organization", row.organisation))
    return tuple(headers)


def _proxy(row: UpstreamSettings, environ: Mapping[str, str]) -> str | None:
    if row.proxy.startswith("env:"):
        return _from_environment(f"upstreams.{row.name}.proxy", row.proxy[4:], environ)
    return row.proxy or None
