"""Settings of one upstream: a row of `[[upstreams]]` in the TOML. Values only; reads no environment and no file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from zhongshu.upstreams.openai.manner import Thoughts
from zhongshu.upstreams.openai.thinking import Thinking
from zhongshu.upstreams.rows import GENERIC, ROWS, WireFormat

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PROXY_SCHEMES = ("http", "socks5", "socks5h")
_OURS = ("authorization", "content-type", "content-length", "host", "transfer-encoding")


class UpstreamSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place that answers. wire: its wire format ("openai", "responses", "anthropic", "gemini"); left out, the row's.

    name: what models refer to. kind: a shipped row (see `zhongshu upstreams known`) or "openai-compatible"; left out,
    the row of the same name. base_url: up to and including /v1; left out, the row's. key: "env:NAME", "file:/path"
    (mode 0600) or "none"; left out, the row's environment variable. models: names there that clients may ask for as
    they are; a model with a price or a name of its own stands in `[[models]]`. headers: sent with every request; a
    value "env:NAME" is read from the environment. organisation: OpenAI's header of that name. max_connections: open
    at once. max_concurrent: turns in flight on this machine, shared out among its workers (at least one each); more
    wait, at most `max_queue` in each worker and `queue_s` seconds. probe_s: how often it is asked for its list of
    models while nothing else tells how it is. connect_s, first_byte_s (of the reply), idle_s (between two pieces), total_s: limits on waiting.
    max_body_bytes: of a whole reply, or of one event of a stream. proxy: an address, "system" for the environment's
    HTTP_PROXY and HTTPS_PROXY, or "env:NAME". ca_file: certificates to trust instead of the system's (PEM). thinking: how depth of thought is spelt; left out, the row's way.
    thoughts: where they are found in answers: "field", "tags" (between <think> tags at the beginning of the content) or
    "tags-open" (there, but the template opens the tag); left out, the row's way.
    """

    name: str
    kind: str = ""
    wire: WireFormat | Literal[""] = ""
    base_url: str = ""
    key: str = ""
    models: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}
    organisation: str = ""
    max_connections: int | None = None
    max_concurrent: int | None = None
    max_queue: int = 100
    queue_s: float = 30.0
    probe_s: float | None = None
    connect_s: float = 10.0
    first_byte_s: float = 300.0
    idle_s: float = 120.0
    total_s: float | None = None
    max_body_bytes: int = 64 * 1024 * 1024
    proxy: str = ""
    ca_file: str = ""
    thinking: Thinking | Literal[""] = ""
    thoughts: Thoughts | Literal[""] = ""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(
                "name: use lower-case letters, digits and . _ - only, at most 64, starting with a letter or digit",
                "name: 只能使用小写字母、数字和 . _ -，最多 64 个字符，并以字母或数字开头",
            )
        if self.name == "embedded":
            raise ValueError(
                'name: "embedded" is the built-in engine; choose another name',
                'name: "embedded" 是内置引擎的名称，请换一个名称',
            )
        self._check_kind()
        self._check_key()
        self._check_headers()
        self._check_limits()
        self._check_proxy()
        if any(not model or "@" in model for model in self.models):
            raise ValueError("models: give names without '@'", "models: 请填写不含 '@' 的名称")

    def _check_kind(self) -> None:
        if self.kind and self.kind != GENERIC and self.kind not in ROWS:
            known = ", ".join((GENERIC, *ROWS))
            raise ValueError(f"kind: use one of {known}", f"kind: 请使用其中之一：{known}")
        if not self.base_url:
            if (self.kind or self.name) not in ROWS:
                raise ValueError(
                    'base_url: give the service\'s address, such as "https://example.com/v1", or the `kind` of a known one',
                    'base_url: 请填写服务地址，例如 "https://example.com/v1"，或用 `kind` 指定已知的服务',
                )
            return
        address = urlsplit(self.base_url)
        if address.scheme not in ("http", "https") or not address.hostname or address.query or address.fragment:
            raise ValueError(
                "base_url: give an address that starts with http:// or https:// and has no ? or #",
                "base_url: 请填写以 http:// 或 https:// 开头、不含 ? 或 # 的地址",
            )
        if address.username or address.password:
            raise ValueError("base_url: put the credential into `key`", "base_url: 请把凭据写在 `key` 中")
        if address.path.rstrip("/").endswith(
            ("/chat/completions", "/completions", "/embeddings", "/responses", "/messages")
        ):
            raise ValueError(
                "base_url: leave out the endpoint; end with the version, such as /v1",
                "base_url: 请去掉具体接口路径，以版本结尾，例如 /v1",
            )

    def _check_key(self) -> None:
        source, _, rest = self.key.partition(":")
        if self.key and self.key != "none" and (source not in ("env", "file") or not rest):
            raise ValueError(
                'key: write "env:NAME", "file:/path" or "none"; the key itself does not belong into settings',
                'key: 请写 "env:变量名"、"file:/路径" 或 "none"；密钥本身不应写入设置',
            )

    def _check_headers(self) -> None:
        for name in self.headers:
            if not _HEADER.fullmatch(name) or name.lower() in _OURS:
                raise ValueError(
                    f"headers: `{name}` cannot be set here; remove it (a credential belongs into `key`)",
                    f"headers: 不能在此设置 `{name}`，请删除（凭据请写在 `key` 中）",
                )

    def _check_limits(self) -> None:
        for field in ("connect_s", "first_byte_s", "idle_s", "total_s", "queue_s"):
            value = getattr(self, field)
            if value is not None and not 0 < value <= 86_400:
                raise ValueError(f"{field}: give seconds, above 0 and at most 86400", f"{field}: 请填写 0 到 86400 秒")
        if self.max_connections is not None and self.max_connections < 1:
            raise ValueError("max_connections: give at least 1, or leave it out", "max_connections: 至少为 1，或省略")
        if self.max_concurrent is not None and self.max_concurrent < 1:
            raise ValueError("max_concurrent: give at least 1, or leave it out", "max_concurrent: 至少为 1，或省略")
        if not 0 <= self.max_queue <= 1_000_000:
            raise ValueError("max_queue: give 0 or more", "max_queue: 请填写不小于 0 的数")
        if self.probe_s is not None and not 0.1 <= self.probe_s <= 86_400:
            raise ValueError("probe_s: give 0.1 to 86400 seconds", "probe_s: 请填写 0.1 到 86400 秒")
        if self.max_body_bytes < 1024:
            raise ValueError("max_body_bytes: give at least 1024", "max_body_bytes: 至少为 1024")

    def _check_proxy(self) -> None:
        if self.proxy in ("", "system") or self.proxy.startswith("env:"):
            return
        address = urlsplit(self.proxy)
        if address.scheme not in _PROXY_SCHEMES or not address.hostname:
            schemes = ", ".join(f"{scheme}://" for scheme in _PROXY_SCHEMES)
            raise ValueError(
                f'proxy: give an address that starts with one of {schemes}, "system" or "env:NAME"',
                f'proxy: 请填写以 {schemes} 之一开头的地址、"system" 或 "env:变量名"',
            )
        if address.password:
            raise ValueError(
                'proxy: an address with a password belongs into the environment; write "env:NAME"',
                'proxy: 含密码的地址应放入环境变量，请写 "env:变量名"',
            )
