"""The interfaces between rooms. app/build.py hands implementations in; nobody inherits from these."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from zhongshu.core.access import Ask, Caller, LimitState
from zhongshu.core.answers import Answer, Embeddings, Event, Usage
from zhongshu.core.labels import Label, TextMark
from zhongshu.core.models import ModelCard, Offer, Route
from zhongshu.core.problems import Refusal
from zhongshu.core.records import Record
from zhongshu.core.turns import Turn


class Call:
    """What an upstream is asked: the turn, and the offer (release and card) it is to answer as. `effort` is the
    route's decision, which overrides the turn's own."""

    __slots__ = ("effort", "offer", "turn")

    def __init__(self, turn: Turn, offer: Offer, effort: str | None = None) -> None:
        self.turn = turn
        self.offer = offer
        self.effort = effort


class EventStream(Protocol):
    """A stream that has begun (the upstream answered 200). Iterate it once; `aclose` cancels the upstream at once.

    `batches` gives the events that arrived together, so that they can be sent on together. Iteration ends after the
    upstream's own end marker; a connection that breaks off before that raises Fault("upstream_cut").
    """

    def batches(self) -> AsyncIterator[tuple[Event, ...]]: ...
    async def aclose(self) -> None: ...


class Upstream(Protocol):
    """A place that answers. Every failure is a Fault with an upstream_* or engine_* problem (or
    context_length_exceeded, upstream_refused...). Cancelling the awaiting task cancels the upstream's work."""

    name: str

    async def complete(self, call: Call) -> Answer: ...
    async def stream(self, call: Call) -> EventStream: ...
    async def embed(self, call: Call) -> Embeddings: ...
    async def check(self) -> None:
        """Raise a Fault when it cannot answer now. Cheap; used by readiness and doctor."""
        ...

    async def aclose(self) -> None: ...


class Permit(Protocol):
    """A turn let in, with what was reserved for it. Exactly one of settle / release ends it; both are synchronous
    and idempotent, so a `finally` can call them."""

    caller: Caller

    def settle(self, usage: Usage, cost_nano: int) -> None:
        """The turn is over and used this much."""
        ...

    def release(self) -> None:
        """The turn is over and used nothing."""
        ...

    @property
    def requests(self) -> LimitState | None: ...
    @property
    def tokens(self) -> LimitState | None: ...


class Gate(Protocol):
    """Decides who may ask, and reserves what a turn may cost."""

    async def identify(self, credential: bytes) -> Caller | Refusal:
        """Whose key this is. `credential` is the bare key."""
        ...

    async def admit(self, caller: Caller, ask: Ask) -> Permit | Refusal:
        """Reserve `ask` within every limit of the tenant and the key, all or nothing."""
        ...


class Catalog(Protocol):
    """What can be asked for."""

    def find(self, name: str) -> tuple[Offer, ...]:
        """The offers a model name, pinned release or "auto" stands for; empty when there is none."""
        ...

    def cards(self) -> tuple[ModelCard, ...]: ...


class Router(Protocol):
    """A pure decision: of these offers, which answers this turn."""

    def route(self, turn: Turn, offers: tuple[Offer, ...]) -> Route | Refusal: ...


class Labeller(Protocol):
    """Makes the AI label of an answer, and says which words, if any, go into its text."""

    def label(self, turn: Turn) -> Label: ...
    def words_for(self, turn: Turn) -> TextMark: ...


class Journal(Protocol):
    """Where records become durable."""

    async def write(self, record: Record) -> None:
        """Return once the record is on disk (group fsync). Raises Fault("journal_unavailable") when it cannot be."""
        ...

    def ready(self) -> bool:
        """False when the next write is known to fail (disk full, broken): new turns are refused before they cost."""
        ...
