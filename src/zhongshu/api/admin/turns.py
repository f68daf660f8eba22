"""What the ledger's rooms say of a turn, and how a turn is asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from zhongshu.api.admin import words
from zhongshu.api.admin.words import Body, Cost, Cursor, Limit, Moment, Shown, cursor_of, moment, nanoseconds, place_of
from zhongshu.core.money import money_text
from zhongshu.ledger import index
from zhongshu.ledger.export import LabelWords, as_dict
from zhongshu.ledger.rows import Filter, TurnRow

Name = Annotated[str, Field(max_length=512)]
Outcome = Literal["answered", "refused", "failed", "left", "cut"]


def _no_number(given: object) -> object:
    """Pydantic would take 0 and 1 for a boolean; an address's query has "true" and "false"."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        raise PydanticCustomError("bool_type", "give true or false")
    return given


class TurnFilter(Body):
    """Which turns. Everything given must hold. `model` is what was asked for, what answered, or its release."""

    tenant: Name | None = None
    key: Name | None = None
    user: Name | None = None
    model: Name | None = None
    release: Name | None = None
    upstream: Name | None = None
    outcome: Outcome | None = None
    error: Name | None = None
    since: Annotated[Moment | None, Field(description="From this time on (UTC without a zone).")] = None
    until: Annotated[Moment | None, Field(description="Before this time.")] = None
    asked: Annotated[Name | None, Field(description="Exactly this name was asked for.")] = None
    kind: Name | None = None
    split: Annotated[Name | None, Field(description="Chosen by this rule of a model's releases.")] = None
    cache: Annotated[Literal["exact", "semantic", ""] | None, Field(description="Empty: answered anew.")] = None
    shadow: Annotated[
        bool | None,
        BeforeValidator(_no_number),
        Field(description="Only turns that repeat another unseen, or only others."),
    ] = None
    shadow_of: Annotated[Name | None, Field(description="The trace id of the turn that is repeated.")] = None

    def filter(self, *, text: str | None = None) -> Filter:
        """In the ledger's words."""
        return Filter(
            tenant=self.tenant,
            key=self.key,
            user=self.user,
            model=self.model,
            release=self.release,
            upstream=self.upstream,
            outcome=self.outcome,
            error=self.error,
            since_ns=nanoseconds(self.since),
            until_ns=nanoseconds(self.until),
            text=text,
            asked=self.asked,
            kind=self.kind,
            split=self.split,
            cache=self.cache,
            shadow=self.shadow,
            shadow_of=self.shadow_of,
        )


class TurnQuery(TurnFilter):
    """Turns by filter, a page at a time."""

    limit: Limit = 50
    cursor: Cursor = None


class TurnSearch(TurnFilter):
    """Turns whose prompt or answer holds a text."""

    text: Annotated[str, Field(min_length=1, max_length=1000, examples=["合同"])]
    limit: Limit = 50


class TokensOut(Shown):
    """Tokens used. `cached` is part of `prompt`; `estimated` when the upstream did not say."""

    prompt: int
    completion: int
    cached: int
    thinking: int
    estimated: bool


class TurnOut(Shown):
    """A turn as listed: no text of a user but the `user` field of the request."""

    trace: str
    at: datetime
    outcome: Outcome
    tenant: str
    key_id: str
    user: str
    asked: str
    release: str
    upstream: str
    served: str
    kind: str
    error: str
    stage: str
    usage: TokensOut
    cost: Cost
    first_ms: float
    took_ms: float
    overhead_ms: float
    queued_ms: float
    split: str
    cache: str
    saved: Cost
    shadow_of: str


class TurnPage(Shown):
    """A page of turns, newest first."""

    data: list[TurnOut]
    next: str | None


class AttemptOut(Shown):
    """One try at an upstream. status: its HTTP status, or 0; error: a problem's code, "empty" (nothing was said),
    "outrun" (another replica was quicker) or "left". why: what led to it: retry, fallback, context, hedge or probe; empty
    for the first. cost_nano: what an outrun try may have cost, in billionths; part of no budget."""

    upstream: str
    model: str
    status: int
    error: str
    took_us: int
    why: str = ""
    cost_nano: int = 0


class TurnDetail(TurnOut):
    """A turn, whole. text: "sealed", "open", "digest only", "not kept" or "erased"; `prompt` and `answer` are there
    when it is "open", and then so are the AI label's words and its `AIGC` object. dial: what a turn of `auto` or of an
    assistant was weighed by, and who said it; read: what was made into text first. thought_ended, answer_ended: why the
    model's thought, or its answer, was ended before it ended it itself; dropped: fields that its upstream was not told."""

    written: datetime
    protocol: str
    stream: bool
    address: str
    agent: str
    filing: str | None
    rule: str
    reason: str
    effort: str | None
    stop: str
    produce_id: str
    attempts: list[AttemptOut]
    settings: str
    policy: str
    dial: dict[str, Any]
    read: list[str]
    thought_ended: str
    answer_ended: str
    dropped: list[str]
    text: str
    prompt: Any = None
    answer: Any = None
    explicit_label: dict[str, str] | None = None
    AIGC: dict[str, str] | None = None


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ends: a time, and the turns of exactly that time that have been shown."""

    at_ns: int
    seen: tuple[str, ...]


def page(ledger: index.Index, query: TurnQuery) -> TurnPage:
    """A page of turns. Blocking."""
    wanted, seen = query.filter(), ()
    if query.cursor is not None:
        place = place_of(query.cursor, Place)
        wanted, seen = _from(wanted, place), place.seen
    rows = [row for row in ledger.find(wanted, query.limit + len(seen) + 1) if row.trace not in seen]
    shown = rows[: query.limit]
    return TurnPage(data=[turn_out(row) for row in shown], next=_next(shown, seen) if len(rows) > query.limit else None)


def _from(wanted: Filter, place: Place) -> Filter:
    if not 0 <= place.at_ns < words.MOST_NS:
        return wanted
    until = place.at_ns + 1
    return msgspec.structs.replace(wanted, until_ns=until if wanted.until_ns is None else min(until, wanted.until_ns))


def _next(shown: list[TurnRow], seen: tuple[str, ...]) -> str:
    last = shown[-1].at_ns
    ties = tuple(row.trace for row in shown if row.at_ns == last)
    return cursor_of(Place(last, (*seen, *ties) if shown[0].at_ns == last else ties))


def turn_out(row: TurnRow) -> TurnOut:
    """A listed turn."""
    return TurnOut.model_validate(_listed(row))


def detail(shown: index.Shown, label: LabelWords) -> TurnDetail:
    """A whole turn, its text under its AI label."""
    kept = as_dict(shown, label)
    names = set(TurnDetail.model_fields) - set(TurnOut.model_fields) - {"written", "attempts"}
    attempts = [AttemptOut.model_validate(attempt) for attempt in shown.record.attempts]
    rest = {name: kept[name] for name in names if name in kept}
    return TurnDetail(**_listed(shown.row), written=moment(shown.row.written_ns), attempts=attempts, **rest)


def _listed(row: TurnRow) -> dict[str, Any]:
    return {
        "trace": row.trace,
        "at": moment(row.at_ns),
        "outcome": row.outcome,
        "tenant": row.tenant,
        "key_id": row.key_id,
        "user": row.user_name,
        "asked": row.asked,
        "release": row.release_name,
        "upstream": row.upstream,
        "served": row.served,
        "kind": row.kind,
        "error": row.error,
        "stage": row.stage,
        "usage": {
            "prompt": row.prompt_tokens,
            "completion": row.completion_tokens,
            "cached": row.cached_tokens,
            "thinking": row.thinking_tokens,
            "estimated": bool(row.estimated),
        },
        "cost": {"amount": money_text(row.cost_nano), "currency": row.currency},
        "first_ms": row.first_us / 1000,
        "took_ms": row.took_us / 1000,
        "overhead_ms": row.overhead_us / 1000,
        "queued_ms": row.queued_us / 1000,
        "split": row.split,
        "cache": row.cache,
        "saved": {"amount": money_text(row.saved_nano), "currency": row.currency},
        "shadow_of": row.shadow_of,
    }
