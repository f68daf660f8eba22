"""Settings of one model in the catalogue: `[[models]]` in the TOML."""

from __future__ import annotations

import re

import msgspec

from zhongshu.core.models import Ability, Family, Price, Thinking

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/\-]{0,127}")


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model and the upstream that answers it.

    name: what clients ask for. upstream: the name of an upstream row, or "embedded". upstream_model: its name there
    (default: the same). tier: what `auto` uses it for - "general", "reasoning" or "none". Abilities not listed are
    absent. price: money for a million tokens. context in tokens.
    """

    name: str
    upstream: str
    upstream_model: str = ""
    version: str = "1"
    tier: str = "none"
    family: Family = "language"
    abilities: tuple[Ability, ...] = ("chat", "completion", "tools", "json", "schema")
    thinking: Thinking = "never"
    context: int | None = None
    parameters: int | None = None
    dimensions: int | None = None
    price: Price = Price()
    licence: str | None = None
    filing: str | None = None
    note: str | None = None

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(
                "name: use letters, digits and . _ : / - only, at most 128, starting with a letter or digit",
                "name: 只能使用字母、数字和 . _ : / -，最多 128 个字符，并以字母或数字开头",
            )
        if "@" in self.version or not self.version:
            raise ValueError(
                "version: give a short text without '@', such as \"1\"", "version: 请填写不含 '@' 的短文本，例如 \"1\""
            )
        if self.name == "auto":
            raise ValueError(
                'name: "auto" is taken: it lets the router choose', 'name: "auto" 已被占用：它表示由路由选择'
            )
        if self.tier not in ("general", "reasoning", "none"):
            raise ValueError(
                'tier: use "general", "reasoning" or "none"', 'tier: 请用 "general"、"reasoning" 或 "none"'
            )
        if self.context is not None and self.context < 1:
            raise ValueError("context: give the number of tokens, at least 1", "context: 请填写词元数，至少 1")
        for field in ("input", "output", "cached_input", "thinking"):
            amount = getattr(self.price, field)
            if amount is not None and not 0 <= amount < 1e6:
                raise ValueError(
                    f"price.{field}: give money for a million tokens, from 0, below 1000000",
                    f"price.{field}: 请填写每百万词元的价格，不小于 0，小于 1000000",
                )
