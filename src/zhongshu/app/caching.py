"""From settings to the answer cache of a worker: which model is cached how, with which keys and which embedder. Costs
nothing where no model is cached."""

from __future__ import annotations

from pathlib import Path

from zhongshu.caches.cache import AnswerCache
from zhongshu.caches.rules import Rule, Rules
from zhongshu.caches.settings import CacheSettings
from zhongshu.catalog.catalog import offer_of
from zhongshu.catalog.settings import ModelSettings
from zhongshu.core.clock import Clock
from zhongshu.core.models import Offer
from zhongshu.core.ports import Call, Upstream
from zhongshu.core.turns import Turn
from zhongshu.ledger.textkeys import TextKeys


def rules_of(settings: CacheSettings, models: tuple[ModelSettings, ...]) -> Rules:
    """The rule of every release whose row says something of the cache."""
    rows = {
        f"{row.name}@{row.version}": Rule(
            reuse=row.cache or settings.models,
            explicit=row.cache is not None,
            ttl_s=row.cache_ttl_s or settings.ttl_s,
            threshold=row.cache_threshold or settings.threshold,
        )
        for row in models
        if (row.cache, row.cache_ttl_s, row.cache_threshold) != (None, None, None)
    }
    return Rules(settings, rows)


class LocalEmbedder:
    """caches.meaning.Embedder: the embedded engine's vectors."""

    def __init__(self, upstream: Upstream, offer: Offer) -> None:
        self._upstream = upstream
        self._offer = offer

    async def embed(self, texts: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:
        """One vector for each text. Raises Fault."""
        turn = Turn(
            trace="", arrived_ns=0, kind="embedding", protocol="", model=self._offer.release.model, prompts=texts
        )
        return (await self._upstream.embed(Call(turn, self._offer))).vectors


class Caching:
    """The cache of one worker, opened when settings first ask for it."""

    def __init__(self, home: Path, embedded: Upstream, clock: Clock) -> None:
        self._home = home
        self._embedded = embedded
        self._clock = clock
        self._open: AnswerCache | None = None

    def by(self, settings: CacheSettings, models: tuple[ModelSettings, ...], policy: str) -> AnswerCache | None:
        """The cache under these settings; None when no model is cached. A cache that is open goes on."""
        rules = rules_of(settings, models)
        if not rules.any():
            return None
        if self._open is None:
            self._open = AnswerCache(self._home, rules, TextKeys(self._home), self._clock)
        self._open.use(rules, policy, self._embedder(settings, models) if rules.semantic() else None)
        return self._open

    def missed(self) -> dict[str, int]:
        """Turns looked for in vain, by release."""
        return self._open.missed if self._open is not None else {}

    def _embedder(self, settings: CacheSettings, models: tuple[ModelSettings, ...]) -> LocalEmbedder:
        row = next(row for row in models if row.name == settings.embedder)
        return LocalEmbedder(self._embedded, offer_of(row))

    async def aclose(self) -> None:
        """Write what waits and let go of the file."""
        if self._open is not None:
            await self._open.aclose()
