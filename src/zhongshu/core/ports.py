"""The interfaces between rooms. app/build.py hands implementations in; nobody inherits from these."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol, runtime_checkable

import msgspec

from zhongshu.core.access import Ask, Caller, LimitState
from zhongshu.core.answers import Answer, Embeddings, Event, Passed, Usage
from zhongshu.core.dials import NO_DIAL, Dial
from zhongshu.core.labels import Label, TextMark
from zhongshu.core.models import ModelCard, Offer, Route
from zhongshu.core.problems import Problem, Refusal
from zhongshu.core.records import Attempt, Record
from zhongshu.core.shapes import shaped
from zhongshu.core.turns import Turn


class Call:
    """What an upstream is asked: the turn as the offer's release shapes it, and the offer (release and card) it is to
    answer as. `effort` is the route's decision, which overrides the turn's own. `dropped` collects the fields that its
    wire format cannot say and whose loss changes no meaning; what would change it is refused (model_cannot).
    `thought_ended`: why an upstream closed the model's thought before the model did; known when the answer is whole.
    `answer_ended`: likewise of the answer ("repeating"), whose reason to stop is then "length"."""

    __slots__ = ("answer_ended", "dropped", "effort", "offer", "thought_ended", "turn")

    def __init__(self, turn: Turn, offer: Offer, effort: str | None = None) -> None:
        shape = offer.release.shape
        self.turn = turn if shape is None else shaped(turn, shape)
        self.offer = offer
        self.effort = effort
        self.dropped: tuple[str, ...] = ()
        self.thought_ended = ""
        self.answer_ended = ""


class Asking:
    """One turn's asking: who may answer, in which order, and what came of it.

    tiers: the offers of the chosen release first (several: its replicas), then those of each release to fall back to.
    offer: who answered, or was asked last. attempts: every try in order. why: what led away from the first choice.
    held: the dispatcher's own, of a stream under way. call: the one that was answered, or whose stream has begun.
    """

    __slots__ = ("attempts", "call", "caller", "dropped", "effort", "held", "offer", "queued_us", "tiers", "turn")

    def __init__(self, turn: Turn, caller: Caller, tiers: tuple[tuple[Offer, ...], ...], effort: str | None) -> None:
        self.turn = turn
        self.caller = caller
        self.tiers = tiers
        self.effort = effort
        self.offer = tiers[0][0]
        self.attempts: list[Attempt] = []
        self.dropped: tuple[str, ...] = ()
        self.queued_us = 0
        self.held: object | None = None
        self.call: Call | None = None

    @property
    def thought_ended(self) -> str:
        """Why the answer's thought was closed before the model did; empty when it was not, or is under way."""
        return self.call.thought_ended if self.call is not None else ""

    @property
    def answer_ended(self) -> str:
        """Why the answer was ended before the model or a limit did; empty when it was not, or is under way."""
        return self.call.answer_ended if self.call is not None else ""


class EventStream(Protocol):
    """A stream that has begun (the upstream answered 200). Iterate it once; `aclose` cancels the upstream at once.

    `batches` gives the events that arrived together, so that they can be sent on together. Iteration ends after the
    upstream's own end marker; a connection that breaks off before that raises Fault("upstream_cut").
    """

    def batches(self) -> AsyncIterator[tuple[Event, ...]]: ...
    async def aclose(self) -> None: ...


Take = Callable[[tuple[Event, ...]], bool]
"""Takes a batch in the moment it arrives. It must not wait; False: that no more be handed over for now."""


class Flowing(EventStream, Protocol):
    """A stream that can also hand its batches over as they arrive, which saves a turn of the event loop for each."""

    async def flow(self, take: Take) -> int:
        """Hand over what arrives until `take` says False, or the stream ends or breaks: how many batches. Then the
        iteration goes on where this left off. What `take` raises is raised here."""
        ...


class Upstream(Protocol):
    """A place that answers. Every failure is a Fault with an upstream_* or engine_* problem (or
    context_length_exceeded, upstream_refused...). Cancelling the awaiting task cancels the upstream's work."""

    name: str

    async def complete(self, call: Call) -> Answer: ...
    async def stream(self, call: Call) -> EventStream: ...
    async def embed(self, call: Call) -> Embeddings: ...
    async def hand_on(self, call: Call) -> Passed:
        """Pass a request of another kind (rerank, moderation, sound, pictures) on as it is."""
        ...

    async def check(self) -> None:
        """Raise a Fault when it cannot answer now. Cheap; used by readiness and doctor."""
        ...

    async def aclose(self) -> None: ...


@runtime_checkable
class Counter(Protocol):
    """An upstream that can also count."""

    async def count_tokens(self, call: Call) -> int | None:
        """The tokens of the turn's prompt as its model reads it; None when it cannot say now."""
        ...


class Dispatcher(Protocol):
    """Asks upstreams until one answers: chooses among replicas, retries, falls back, keeps away from the broken.
    What nobody could answer is the Fault of the last one asked. Leaves in the Asking what it did."""

    async def complete(self, asking: Asking) -> Answer: ...
    async def stream(self, asking: Asking) -> EventStream: ...
    async def embed(self, asking: Asking) -> Embeddings: ...
    async def hand_on(self, asking: Asking) -> Passed: ...
    def ended(self, asking: Asking, problem: Problem | None) -> None:
        """The stream that `stream` gave is over: well, with this problem, or (code "left") left by its reader."""
        ...


class Permit(Protocol):
    """A turn let in, with what was reserved for it. Exactly one of settle / release ends it; both are synchronous
    and idempotent, so a `finally` can call them."""

    caller: Caller

    def settle(self, usage: Usage, cost_nano: int) -> None:
        """The turn is over and used this much; money in billionths of the currency that budgets are counted in."""
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

    async def known(self, key_id: str) -> Caller | Refusal:
        """Who asks by the key of this id, for work that goes on after its request. Refused as `identify` does."""
        ...

    async def admit(self, caller: Caller, ask: Ask) -> Permit | Refusal:
        """Reserve `ask` within every limit of the tenant and the key, all or nothing."""
        ...


class Catalog(Protocol):
    """What can be asked for."""

    def find(self, name: str) -> tuple[Offer, ...]:
        """The offers a model name, pinned release or "auto" stands for; empty when there is none."""
        ...

    def payable(self, name: str) -> tuple[Offer, ...]:
        """Of these and of whom they fall back to: whoever costs anything or puts a prompt before the turn's."""
        ...

    def cards(self) -> tuple[ModelCard, ...]: ...


class Router(Protocol):
    """A pure decision: of these offers, which answers this turn."""

    def route(self, turn: Turn, offers: tuple[Offer, ...], dial: Dial = NO_DIAL) -> Route | Refusal:
        """dial: what was said of quality, cost and time."""
        ...


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


class Split(msgspec.Struct, frozen=True):
    """Which of a model's releases takes this turn: its offers (replicas), by which rule, and whether a second release
    is to answer it too, unseen (`shadow`)."""

    offers: tuple[Offer, ...]
    rule: str
    shadow: tuple[Offer, ...] = ()


class Releases(Protocol):
    """Splits the traffic of a model over its releases."""

    def split(self, turn: Turn, caller: Caller, headers: Mapping[bytes, bytes], offers: tuple[Offer, ...]) -> Split:
        """Choose among `offers`, which are all of one model."""
        ...


class Hit(msgspec.Struct, frozen=True):
    """An answer given before. kind: "exact" or "semantic"; similarity: 0 to 1, four digits. usage, cost_nano, took_us:
    what it took to make. written: what was written of it, by who wrote it, where each turn it is given to has the same."""

    answer: Answer
    kind: str
    similarity: float
    usage: Usage
    cost_nano: int
    took_us: int
    written: dict[str, bytes] = {}


class Cache(Protocol):
    """Answers given before, to be given again to the same tenant."""

    def begin(self, asking: Asking, headers: Mapping[bytes, bytes]) -> Seek | None:
        """What to look for; None when this turn's answer is not to be cached. Cheap for what is not. What another
        release than `asking.offer` answers in the end is not kept."""
        ...


class Seek(Protocol):
    """One turn's use of the cache."""

    async def find(self, *, wait: bool = False) -> Hit | None:
        """An answer given before; wait: also for the same turn's, if it is being asked right now. Who waits must say
        when its own turn is `over`."""
        ...

    def keep(self, answer: Answer, usage: Usage, cost_nano: int, took_us: int) -> None:
        """Remember a whole answer. Returns at once; what cannot be kept is not."""
        ...

    def over(self, *, left: bool) -> None:
        """The turn is over, whatever came of it; left: because its caller went away."""
        ...
