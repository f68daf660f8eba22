"""The ledger: find turns, show one, search texts, sum. Whoever makes a text readable is journalled before it is."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from zhongshu.api.admin import turns
from zhongshu.api.admin.door import note
from zhongshu.api.admin.given import Parts
from zhongshu.api.admin.turns import TurnDetail, TurnFilter, TurnPage, TurnQuery, TurnSearch
from zhongshu.api.admin.words import Body, Cost, Limit, Moment, Shown, moment, nanoseconds
from zhongshu.core.money import money_text
from zhongshu.core.problems import Said, fault
from zhongshu.ledger.checkpoints import public_key
from zhongshu.ledger.index import Index, Sums, open_index
from zhongshu.ledger.payloads import Happening
from zhongshu.ledger.rows import EventFilter

SEARCHED = 20_000
"""Texts that one search opens at most; each costs a read and a decryption."""

Group = Literal[
    "tenant", "key", "user", "model", "release", "upstream", "outcome", "error", "kind", "asked", "split", "cache",
    "shadow", "hour", "day", "month",
]  # fmt: skip
Trace = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="The turn's trace id.", examples=["0" * 32])]

router = APIRouter(prefix="/ledger", tags=["ledger"])


class StatsQuery(TurnFilter):
    """Sums of turns by filter, grouped."""

    by: list[Group] = Field(
        default_factory=list[Group], max_length=4, description="Group by; repeat it for more than one."
    )
    limit: Annotated[int, Field(ge=1, le=10_000, description="Groups at most.")] = 1000


class SumsOut(Shown):
    """Totals of a group of turns in one currency."""

    group: dict[str, str]
    turns: int
    not_answered: int
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    thinking_tokens: int
    cost: Cost
    saved: Cost
    mean_ms: float
    slowest_ms: float
    saved_ms: float
    queued_ms: float


class StatsOut(Shown):
    """Sums, sorted by group. `more`: there were groups beyond the limit."""

    data: list[SumsOut]
    more: bool


class EventQuery(Body):
    """Events by filter."""

    name: Annotated[str | None, Field(max_length=64, description='Only these, such as "managed".')] = None
    since: Annotated[Moment | None, Field(description="From this time on (UTC without a zone).")] = None
    until: Annotated[Moment | None, Field(description="Before this time.")] = None
    limit: Limit = 50


class EventOut(Shown):
    """Something done to the ledger or the installation. stream: who wrote it down; facts never hold a user's text."""

    at: datetime
    name: str
    stream: str
    facts: dict[str, str]


class EventsOut(Shown):
    """Events, newest first."""

    data: list[EventOut]


class CheckpointKey(Shown):
    """The key that checkpoints are signed with (Ed25519, hex); null before the first. Keep a copy elsewhere."""

    algorithm: str
    public_key: str | None


@router.get("/turns", summary="List turns, newest first", openapi_extra={"x-summary-zh": "列出请求，最新在前"})
def list_turns(parts: Parts, query: Annotated[TurnQuery, Query()]) -> TurnPage:
    return turns.page(_index(parts), query)


@router.get(
    "/turns/{trace}",
    summary="Show one turn, with its text if asked (journalled)",
    openapi_extra={"x-summary-zh": "查看一次请求，可解密原文（会留痕）"},
)
async def show_turn(
    request: Request,
    parts: Parts,
    trace: Trace,
    text: Annotated[bool, Query(description="Decrypt its prompt and answer.")] = False,
) -> TurnDetail:
    ledger = _index(parts)
    if text:
        await note(request.scope, parts, "text_shown", trace=trace)
    try:
        shown = await asyncio.to_thread(ledger.show, trace, text=text)
    except LookupError:
        shown = None
    except ValueError:
        raise fault("text_unreadable", trace=trace) from None
    if shown is None:
        raise fault("turn_not_found", trace=trace)
    return turns.detail(shown, parts.label_words())


@router.post(
    "/search",
    summary="Find turns whose text holds something (journalled)",
    openapi_extra={"x-summary-zh": "按原文内容查找请求（会留痕）"},
)
async def search_texts(request: Request, parts: Parts, search: TurnSearch) -> TurnPage:
    await note(request.scope, parts, "texts_searched")
    looked = _Looked()
    rows = await asyncio.to_thread(_index(parts).find, search.filter(text=search.text), search.limit, looked)
    return TurnPage(data=[turns.turn_out(row) for row in rows], next=None)


@router.get("/stats", summary="Sum turns by group", openapi_extra={"x-summary-zh": "按分组汇总"})
def stats(parts: Parts, query: Annotated[StatsQuery, Query()]) -> StatsOut:
    groups = tuple(dict.fromkeys(query.by))
    sums = _index(parts).stats(groups, query.filter())
    return StatsOut(data=[_sums(groups, row) for row in sums[: query.limit]], more=len(sums) > query.limit)


@router.get(
    "/events",
    summary="List what was done to the ledger and the installation, newest first",
    openapi_extra={"x-summary-zh": "列出对账本与系统所做的操作，最新在前"},
)
def list_events(parts: Parts, query: Annotated[EventQuery, Query()]) -> EventsOut:
    wanted = EventFilter(name=query.name, since_ns=nanoseconds(query.since), until_ns=nanoseconds(query.until))
    entries = _index(parts).events(wanted, query.limit)
    found = [(entry.stream, entry.content) for entry in entries if isinstance(entry.content, Happening)]
    return EventsOut(
        data=[
            EventOut(at=moment(event.at_ns), name=event.name, stream=stream, facts=event.facts)
            for stream, event in found
        ]
    )


@router.get(
    "/checkpoint-key",
    summary="Show the public key of the ledger's checkpoints",
    openapi_extra={"x-summary-zh": "查看账本检查点的公钥"},
)
def checkpoint_key(parts: Parts) -> CheckpointKey:
    return CheckpointKey(algorithm="Ed25519", public_key=public_key(parts.home))


def _index(parts: Parts) -> Index:
    """A fresh one for each request: it remembers keys of texts, and an erased key must not be remembered."""
    return open_index(parts.ledger, parts.home)


class _Looked:
    """Counts the texts a search has opened, and ends one that would open too many."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, texts: int) -> None:
        self._count += texts
        if self._count > SEARCHED:
            why = Said(
                f"more than {SEARCHED} texts would have to be opened; narrow it with since, until or tenant",
                f"需要打开的原文超过 {SEARCHED} 条；请用 since、until 或 tenant 缩小范围",
            )
            raise fault("invalid_value", param="text", field="text", why=why)


def _sums(groups: tuple[str, ...], row: Sums) -> SumsOut:
    return SumsOut(
        group=dict(zip(groups, row.group, strict=False)),
        turns=row.turns,
        not_answered=row.failed,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        cached_tokens=row.cached_tokens,
        thinking_tokens=row.thinking_tokens,
        cost=Cost(amount=money_text(row.cost_nano), currency=row.currency),
        saved=Cost(amount=money_text(row.saved_nano), currency=row.currency),
        mean_ms=round(row.took_us / max(1, row.turns) / 1000, 3),
        slowest_ms=row.slowest_us / 1000,
        saved_ms=row.saved_us / 1000,
        queued_ms=row.queued_us / 1000,
    )
