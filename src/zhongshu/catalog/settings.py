"""Settings of one model in the catalogue: `[[models]]` in the TOML."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from zhongshu.catalog.prices import AMOUNTS, check_amounts
from zhongshu.core.models import AUTO, Ability, Family, Price, Shape, Thinking

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/\-]{0,127}")


class SamplingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one release draws its answers, in place of the caller's; `max_tokens` only lowers the caller's."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None

    def __post_init__(self) -> None:
        for field, least, most in _BOUNDS:
            value = getattr(self, field)
            if value is not None and not least <= value <= most:
                raise ValueError(
                    f"{field}: give a number from {least:g} to {most:g}", f"{field}: 请填写 {least:g} 到 {most:g} 的数"
                )


_BOUNDS = (
    ("max_tokens", 1, 1e9), ("temperature", 0, 2), ("top_p", 0, 1), ("top_k", 1, 1e6),
    ("presence_penalty", -2, 2), ("frequency_penalty", -2, 2),
)  # fmt: skip
NO_SAMPLING = SamplingSettings()


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model and the upstream that answers it.

    name: what clients ask for. upstream: the name of an upstream row, or "embedded". upstream_model: its name there
    (default: the same). Rows of one name and different versions are its releases: `share` says what part of the turns
    one takes until a plan is made (without: the first takes all); `sampling`, `prompt` and `adapter` make it differ.
    tier: what `auto` uses it for - "general", "reasoning" or "none". Abilities not listed are absent. price: money for
    a million tokens. context in tokens. rerank: "cosine" lets an embedding model rank documents by its vectors.
    cache: whether its answers are kept and given again; what is not set here is as `[cache]` has it. Rows of one name
    and version with different upstreams are replicas: `weight` is this one's part among them, `max_concurrent` how many
    of its turns may be in flight on this machine. fallbacks: models that answer when this one cannot, in order. try_s:
    how long one try may take until its content begins; hedge_s: after how long a second replica is asked too (0: after
    what 95 of 100 turns take).
    """

    name: str
    upstream: str
    upstream_model: str = ""
    version: str = "1"
    share: float | None = None
    sampling: SamplingSettings = NO_SAMPLING
    prompt: str = ""
    adapter: str = ""
    weight: float = 1.0
    max_concurrent: int | None = None
    fallbacks: tuple[str, ...] = ()
    try_s: float | None = None
    hedge_s: float | None = None
    tier: str = "none"
    family: Family = "language"
    abilities: tuple[Ability, ...] = ("chat", "completion", "tools", "json", "schema")
    thinking: Thinking = "never"
    context: int | None = None
    parameters: int | None = None
    dimensions: int | None = None
    rerank: Literal["own", "cosine"] = "own"
    price: Price = Price()
    licence: str | None = None
    filing: str | None = None
    note: str | None = None
    cache: Literal["off", "exact", "semantic"] | None = None
    cache_ttl_s: float | None = None
    cache_threshold: float | None = None

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
        if self.share is not None and not 0 <= self.share <= 1e6:
            raise ValueError("share: give a number, 0 or more", "share: 请填写不小于 0 的数")
        if self.adapter and self.upstream == "embedded":
            raise ValueError(
                "adapter: the embedded engine loads no adapters yet; serve this release by vLLM or SGLang",
                "adapter: 内置引擎暂不支持适配器；请用 vLLM 或 SGLang 提供此版本",
            )
        if self.name == AUTO:
            raise ValueError(
                'name: "auto" is taken: it lets the router choose', 'name: "auto" 已被占用：它表示由路由选择'
            )
        if self.tier not in ("general", "reasoning", "none"):
            raise ValueError(
                'tier: use "general", "reasoning" or "none"', 'tier: 请用 "general"、"reasoning" 或 "none"'
            )
        self._check_dispatch()
        if self.context is not None and self.context < 1:
            raise ValueError("context: give the number of tokens, at least 1", "context: 请填写词元数，至少 1")
        if self.rerank == "cosine" and "embedding" not in self.abilities:
            raise ValueError(
                'rerank: "cosine" needs a model that makes vectors; add "embedding" to `abilities`',
                'rerank: "cosine" 需要能生成向量的模型；请在 `abilities` 中加入 "embedding"',
            )
        if self.cache_ttl_s is not None and not self.cache_ttl_s > 0:
            raise ValueError("cache_ttl_s: give seconds, more than 0", "cache_ttl_s: 请填写大于 0 的秒数")
        if self.cache_threshold is not None and not 0 < self.cache_threshold <= 1:
            raise ValueError(
                "cache_threshold: give a cosine, above 0, at most 1",
                "cache_threshold: 请填写大于 0 且不大于 1 的余弦值",
            )
        check_amounts({field: getattr(self.price, field) for field in AMOUNTS}, "price.")

    @property
    def shape(self) -> Shape | None:
        """What this release makes of a turn; None for nothing."""
        if not self.prompt and self.sampling == NO_SAMPLING:
            return None
        wanted = self.sampling
        return Shape(
            prompt=self.prompt,
            max_tokens=wanted.max_tokens,
            temperature=wanted.temperature,
            top_p=wanted.top_p,
            top_k=wanted.top_k,
            seed=wanted.seed,
            presence_penalty=wanted.presence_penalty,
            frequency_penalty=wanted.frequency_penalty,
        )

    def _check_dispatch(self) -> None:
        if not 0 < self.weight <= 1e6:
            raise ValueError(
                "weight: give a number above 0; drain a replica with `zhongshu upstreams open`",
                "weight: 请填写大于 0 的数；停用某个副本请用 `zhongshu upstreams open`",
            )
        if self.max_concurrent is not None and self.max_concurrent < 1:
            raise ValueError("max_concurrent: give at least 1, or leave it out", "max_concurrent: 至少为 1，或省略")
        if self.try_s is not None and not 0 < self.try_s <= 86_400:
            raise ValueError("try_s: give seconds, above 0 and at most 86400", "try_s: 请填写 0 到 86400 秒")
        if self.hedge_s is not None and not 0 <= self.hedge_s <= 3600:
            raise ValueError("hedge_s: give 0 to 3600 seconds", "hedge_s: 请填写 0 到 3600 秒")
        if self.name in self.fallbacks:
            raise ValueError("fallbacks: name other models than this one", "fallbacks: 请填写此模型以外的模型")
