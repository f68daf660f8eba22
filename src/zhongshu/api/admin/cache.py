"""The answer cache: what caches of every kind spared, what it holds, and how to clear it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from zhongshu.api.admin.given import Parts
from zhongshu.api.admin.words import Body, Cost, Moment, Shown, nanoseconds
from zhongshu.caches.store import FILE, Store
from zhongshu.core.answers import Usage
from zhongshu.core.money import money_text
from zhongshu.core.problems import Said, fault
from zhongshu.ledger.cache_report import Spared, spared
from zhongshu.ledger.index import open_index
from zhongshu.ledger.rows import Filter

Group = Literal["tenant", "user", "model", "release", "upstream", "hour", "day", "month"]
Name = Annotated[str | None, Field(max_length=512)]

router = APIRouter(prefix="/cache", tags=["cache"])


class SparedQuery(Body):
    """Which turns, and how to group them."""

    by: list[Group] = Field(
        default_factory=list[Group], max_length=3, description="Group by; repeat it for more than one."
    )
    tenant: Name = None
    user: Name = None
    model: Name = None
    since: Annotated[Moment | None, Field(description="From this time on (UTC without a zone).")] = None
    until: Annotated[Moment | None, Field(description="Before this time.")] = None


class SparedOut(Shown):
    """What caches spared a group of turns, in one currency. hit_rate: of turns; the other rates: of prompt tokens. The
    provider's saving is an estimate at today's prices and already in the costs that were billed."""

    group: dict[str, str]
    turns: int
    exact: int
    semantic: int
    hit_rate: float
    tokens_saved: int
    saved: Cost
    seconds_saved: float
    prompt_tokens: int
    provider_cached_tokens: int
    provider_rate: float
    provider_saved: Cost
    local_cached_tokens: int
    local_rate: float


class HeldOut(Shown):
    """What the answer cache holds of a tenant now."""

    tenant: str
    entries: int
    bytes: int


class CacheOut(Shown):
    """The report, and what is held."""

    data: list[SparedOut]
    held: list[HeldOut]


class Cleared(Shown):
    """How many answers were removed."""

    removed: int


@router.get(
    "/stats",
    summary="Show what caches of every kind spared",
    openapi_extra={"x-summary-zh": "查看各类缓存节省了多少"},
)
def stats(parts: Parts, query: Annotated[SparedQuery, Query()]) -> CacheOut:
    wanted = Filter(
        tenant=query.tenant,
        user=query.user,
        model=query.model,
        since_ns=nanoseconds(query.since),
        until_ns=nanoseconds(query.until),
    )
    groups = tuple(dict.fromkeys(query.by))
    prices = {offer.release.name: offer.card.price for offer in parts.offers()}

    def cost_of(release: str, usage: Usage) -> int | None:
        price = prices.get(release)
        return price.cost_nano(usage, parts.clock.now_ns()) if price else None

    rows = spared(open_index(parts.ledger, parts.home), groups, wanted, cost_of)
    return CacheOut(data=[_out(groups, row) for row in rows], held=_held(parts))


@router.delete(
    "",
    summary="Clear the answer cache, all of it or what is said",
    openapi_extra={"x-summary-zh": "清空回答缓存，或只清除指定部分"},
)
def clear(
    parts: Parts,
    tenant: Annotated[str | None, Query(max_length=512, description="Only this tenant's answers.")] = None,
    user: Annotated[str | None, Query(max_length=512, description="Only answers given to this user first.")] = None,
    model: Annotated[str | None, Query(max_length=512, description="Only this model's, or release's.")] = None,
) -> Cleared:
    if user is not None and tenant is None:
        why = Said("a user is one of a tenant; give `tenant` too", "用户属于某个租户；请同时给出 `tenant`")
        raise fault("invalid_value", param="tenant", field="tenant", why=why)
    if not (parts.home / FILE).exists():
        return Cleared(removed=0)
    store = Store(parts.home / FILE)
    try:
        return Cleared(removed=store.clear(tenant, user, model))
    finally:
        store.close()


def _held(parts: Parts) -> list[HeldOut]:
    if not (parts.home / FILE).exists():
        return []
    store = Store(parts.home / FILE)
    try:
        return [HeldOut.model_validate(size) for size in store.sizes()]
    finally:
        store.close()


def _out(groups: tuple[str, ...], row: Spared) -> SparedOut:
    return SparedOut(
        group=dict(zip(groups, row.group, strict=False)),
        turns=row.turns,
        exact=row.exact,
        semantic=row.semantic,
        hit_rate=round(row.hit_rate, 4),
        tokens_saved=row.tokens,
        saved=Cost(amount=money_text(row.nano), currency=row.currency),
        seconds_saved=round(row.us / 1e6, 3),
        prompt_tokens=row.prompt_tokens,
        provider_cached_tokens=row.provider_tokens,
        provider_rate=round(row.provider_rate, 4),
        provider_saved=Cost(amount=money_text(row.provider_nano), currency=row.currency),
        local_cached_tokens=row.local_tokens,
        local_rate=round(row.local_rate, 4),
    )
