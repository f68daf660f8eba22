"""What caches of every kind spared: answers given again (exact, semantic), a provider's prompt cache, and the state a
local model kept of earlier prompts. Read from the ledger, so it holds for any period, tenant or model there are turns of.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from zhongshu.core.answers import Usage
from zhongshu.ledger.index import Index, Sums
from zhongshu.ledger.rows import Filter

LOCAL = "embedded"
GROUPS = ("tenant", "user", "model", "release", "upstream", "hour", "day", "month")
"""What the report may be grouped by."""

CostOf = Callable[[str, Usage], int | None]
"""What a release (by name) takes for some tokens today, in billionths; None when its price is not known."""


class Spared(msgspec.Struct):
    """A group's turns, in one currency, and what caches spared them.

    turns: answered chat and completion turns. exact, semantic: those of them answered before; tokens, nano, us: what
    asking again would have cost (`us`: less what giving the answer again took). prompt_tokens: of the turns that were
    asked; provider_tokens, local_tokens: those of them that a provider's prompt cache or a local model's state already
    held. provider_nano: by how much they were cheaper, at today's prices (an estimate; they are billed so already).
    """

    group: tuple[str, ...]
    currency: str
    turns: int = 0
    exact: int = 0
    semantic: int = 0
    tokens: int = 0
    nano: int = 0
    us: int = 0
    prompt_tokens: int = 0
    provider_tokens: int = 0
    local_tokens: int = 0
    provider_nano: int = 0

    @property
    def hit_rate(self) -> float:
        """The share of turns that were answered before."""
        return (self.exact + self.semantic) / self.turns if self.turns else 0.0

    @property
    def provider_rate(self) -> float:
        """The share of prompt tokens that a provider's prompt cache held."""
        return self.provider_tokens / self.prompt_tokens if self.prompt_tokens else 0.0

    @property
    def local_rate(self) -> float:
        """The share of prompt tokens that a local model had read before."""
        return self.local_tokens / self.prompt_tokens if self.prompt_tokens else 0.0


def spared(
    index: Index, groups: tuple[str, ...], wanted: Filter | None = None, cost_of: CostOf = lambda _release, _usage: None
) -> list[Spared]:
    """The report, sorted by group. Blocking. Raises KeyError for an unknown group."""
    filtered = msgspec.structs.replace(wanted or Filter(), outcome="answered")
    found: dict[tuple[str, ...], Spared] = {}
    for row in index.stats((*groups, "kind", "shadow", "cache", "upstream", "release"), filtered):
        group, (kind, shadow, cache, upstream, release) = row.group[: len(groups)], row.group[len(groups) :]
        if kind not in ("chat", "completion") or shadow:
            continue
        of = found.setdefault((*group, row.currency), Spared(group, row.currency))
        of.turns += row.turns
        if cache:
            _given_again(of, cache, row)
        else:
            _asked(of, row, local=upstream == LOCAL, spared_nano=_spared_nano(row, release, cost_of))
    return [of for _, of in sorted(found.items())]


def _given_again(of: Spared, cache: str, row: Sums) -> None:
    of.exact += row.turns if cache == "exact" else 0
    of.semantic += row.turns if cache != "exact" else 0
    of.tokens += row.prompt_tokens + row.completion_tokens
    of.nano += row.saved_nano
    of.us += max(0, row.saved_us - row.took_us)


def _asked(of: Spared, row: Sums, *, local: bool, spared_nano: int) -> None:
    of.prompt_tokens += row.prompt_tokens
    if local:
        of.local_tokens += row.cached_tokens
    else:
        of.provider_tokens += row.cached_tokens
        of.provider_nano += spared_nano


def _spared_nano(row: Sums, release: str, cost_of: CostOf) -> int:
    """By the mean turn, as prices may go by the length of a prompt."""
    if not row.cached_tokens:
        return 0
    prompt, cached = row.prompt_tokens // row.turns, row.cached_tokens // row.turns
    full, less = cost_of(release, Usage(prompt=prompt)), cost_of(release, Usage(prompt=prompt, cached=cached))
    return 0 if full is None or less is None else (full - less) * row.turns
