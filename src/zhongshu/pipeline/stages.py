"""What the stages hand to one another. Each takes the last one's result, so a wrong order does not type-check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from zhongshu.core.access import Caller
from zhongshu.core.answers import Answer, Embeddings, Passed, Usage
from zhongshu.core.clock import Clock
from zhongshu.core.dials import Dial
from zhongshu.core.labels import Label
from zhongshu.core.models import Offer, Route
from zhongshu.core.money import Exchange
from zhongshu.core.ports import (
    Asking,
    Cache,
    Catalog,
    Dispatcher,
    EventStream,
    Gate,
    Hit,
    Journal,
    Labeller,
    Permit,
    Releases,
    Router,
)
from zhongshu.core.problems import Refusal
from zhongshu.core.records import Record
from zhongshu.core.turns import Turn

NO_HEADERS: Mapping[bytes, bytes] = {}


class Arrived(msgspec.Struct, frozen=True):
    """A turn at the door. started_ns: steady clock when the request's head was read. body: the request as it came;
    headers by lower-case name. read: what of it was made into text before it was routed."""

    turn: Turn
    caller: Caller
    started_ns: int
    body: bytes = b""
    address: str = ""
    agent: str = ""
    headers: Mapping[bytes, bytes] = NO_HEADERS
    read: tuple[str, ...] = ()


class Admitted(msgspec.Struct, frozen=True):
    """A turn within its limits, with what was reserved for it. offers: who could answer it."""

    arrived: Arrived
    permit: Permit
    offers: tuple[Offer, ...]


class Routed(msgspec.Struct, frozen=True):
    """A turn that knows who will answer it. asking: the offers in the order they are to be asked. split: the rule by
    which one of the model's releases was chosen, if it has several; shadow: another one that is to answer unseen.
    work: what answers in place of one asking, for an assistant."""

    admitted: Admitted
    route: Route
    asking: Asking
    split: str = ""
    shadow: tuple[Offer, ...] = ()
    work: Work | None = None


class Plainly(msgspec.Struct, frozen=True):
    """What a model answered by itself, and what that cost, in billionths of its price's currency."""

    answer: Answer
    offer: Offer
    cost_nano: int


class Work(Protocol):
    """An assistant's several calls for one turn, as one stream. Their attempts go into the turn's own asking."""

    async def begin(self) -> EventStream:
        """The events of the answer. What fails before the first of them is raised here."""
        ...

    def spent(self) -> tuple[Usage, int]:
        """Tokens of all calls so far, and what they cost: in billionths of the currency of `asking.offer`."""
        ...

    def told(self, routed: Routed) -> Routed:
        """`routed` with what happened as its reason."""
        ...

    @property
    def plain(self) -> Mapping[str, Plainly]:
        """What its models ("general", "reasoning") answered by themselves, to the turn as it is."""
        ...

    @property
    def stood(self) -> str:
        """Whose of these answers stands: "general", "reasoning", or "" for one that is made of several."""
        ...

    def asking_alone(self, by: str) -> Asking | None:
        """How the general or the reasoning model would be asked by itself; None where there are not both."""
        ...


class Answered(msgspec.Struct, frozen=True):
    """A turn with its whole answer. Usage is known or estimated; cost in billionths of the price's currency. hit: the
    answer was given before, and costs nothing now."""

    routed: Routed
    answer: Answer | Embeddings | Passed
    usage: Usage
    cost_nano: int
    hit: Hit | None = None


class Labelled(msgspec.Struct, frozen=True):
    """A turn ready to leave. `label` is None for what is not generated content (vectors). upstream_us: how long the
    upstream took; the rest of the turn's time is our own overhead."""

    answered: Answered
    label: Label | None
    upstream_us: int = 0


class Closing(msgspec.Struct, frozen=True):
    """The end of a stream: what a plain reply would have said beside its answer."""

    label: Label | None
    usage: Usage
    cost_nano: int
    upstream_us: int
    hit: Hit | None = None


class Observer(Protocol):
    """Counts finished turns."""

    def observe(self, record: Record) -> None: ...


class Assumptions(msgspec.Struct, frozen=True):
    """What a reservation assumes when the caller does not say. policy and settings are digests for the record.
    thoughts_hidden_from: tenants and ids of keys, "*" for all."""

    completion_tokens: int = 1024
    settings: str = ""
    policy: str = ""
    thoughts_hidden_from: frozenset[str] = frozenset()


class Repeats(Protocol):
    """Answers turns once more, unseen."""

    def repeat(self, rooms: Rooms, routed: Routed) -> None: ...


class Reader(Protocol):
    """Makes text of what the models at hand do not take."""

    async def read(
        self, rooms: Rooms, arrived: Arrived, offers: tuple[Offer, ...], refused: Refusal
    ) -> Arrived | Refusal: ...


class Ended(Protocol):
    """What came of a turn."""

    @property
    def outcome(self) -> str: ...
    @property
    def answer(self) -> Answer | Embeddings | Passed | None: ...
    @property
    def hit(self) -> Hit | None: ...
    @property
    def cost_nano(self) -> int: ...


class Sampling(Protocol):
    """Has a share of turns answered by the other kind of model too, unseen, and judged."""

    def take(self, rooms: Rooms, routed: Routed, ended: Ended) -> None: ...


class Doubt(Protocol):
    """What is thought of a question or a draft. score: what deep thought is expected to add; head: the kind of task."""

    @property
    def score(self) -> float: ...
    @property
    def head(self) -> str: ...
    @property
    def chance(self) -> float:
        """That the general model's answer is wrong, 0 to 1."""
        ...


class Worth(Protocol):
    """Whether deep thought is worth it for a turn, by a dial."""

    @property
    def chance(self) -> float:
        """That a general answer is wrong."""
        ...

    @property
    def needed(self) -> float:
        """How likely wrong it must be; above 1 where deep thought adds nothing."""
        ...

    @property
    def stopped(self) -> str:
        """The ceiling that the reasoning model passes: "cost", "seconds", or empty."""
        ...

    @property
    def dial(self) -> Dial:
        """The dial, filled in from the settings."""
        ...

    @property
    def deep(self) -> bool:
        """Whether it is worth asking the reasoning model."""
        ...


class Judge(Protocol):
    """Says how hard a question is, and how doubtful a draft."""

    def of_pair(self, general: str, reasoning: str) -> Judge:
        """The judge for these two models, which need not be those of `auto`."""
        ...

    def question(self, text: str) -> Doubt: ...
    def draft(self, question: str, answer: str) -> Doubt: ...
    def worth(self, turn: Turn, general: Offer, reasoning: Offer, dial: Dial) -> Worth | Refusal:
        """What a dial makes of a turn between two models; refused where even the general one is above the ceiling."""
        ...


class Rooms(msgspec.Struct, frozen=True):
    """The rooms a turn passes through, as app/build.py connected them. exchange: where anything is priced in another
    currency than the one budgets are counted in. judge: where an assistant asks for it. samples: where routing is to be proven. reader: where things are made into text."""

    gate: Gate
    catalog: Catalog
    router: Router
    dispatcher: Dispatcher
    releases: Releases
    labeller: Labeller
    journal: Journal
    observer: Observer
    clock: Clock
    assume: Assumptions = Assumptions()
    cache: Cache | None = None
    shadows: Repeats | None = None
    exchange: Exchange | None = None
    judge: Judge | None = None
    samples: Sampling | None = None
    reader: Reader | None = None
