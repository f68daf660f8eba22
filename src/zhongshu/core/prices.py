"""What tokens cost: one price, or a tariff of prices by date, time of day and length of the prompt. Exact: all sums are
whole numbers, made from the decimals that were written. Knows no currency but by name, and no provider.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from zhongshu.core.answers import Usage

Currency = Literal["CNY", "USD"]

_FEMTO_IN_NANO = 1_000_000
_NS = 1_000_000_000


class _Femto(NamedTuple):
    """Prices of one token of each sort, of a request and of a search, in 1e-15 of the currency."""

    input: int
    cached: int
    write: int
    audio_in: int
    image_in: int
    output: int
    thinking: int
    audio_out: int
    image_out: int
    request: int
    search: int


class Price(msgspec.Struct, frozen=True, dict=True):
    """Money for a million tokens, in `currency`; `request`: for each request, whatever its size; `search_unit`: for
    each search that a reranker says it made (Cohere: one for up to a hundred documents).

    What is not given costs as much as the sort it is part of: cached input, writing to the provider's cache, sound and
    pictures in as input; thinking, sound and pictures out as output. At most nine decimals count.
    """

    input: float = 0.0
    output: float = 0.0
    cached_input: float | None = None
    thinking: float | None = None
    currency: Currency = "CNY"
    cache_write: float | None = None
    audio_input: float | None = None
    audio_output: float | None = None
    image_input: float | None = None
    image_output: float | None = None
    request: float = 0.0
    search_unit: float = 0.0

    def cost_nano(self, usage: Usage, at_ns: int = 0) -> int:
        """The cost of `usage` in billionths of the currency, rounded up. at_ns: a plain price always holds."""
        fresh, cached, output, thinking = self._four
        femto = (
            (usage.prompt - usage.cached) * fresh
            + usage.cached * cached
            + (usage.completion - usage.thinking) * output
            + usage.thinking * thinking
        )
        if self._more:
            femto += self._rest(usage)
        return -(-femto // _FEMTO_IN_NANO)

    def most_nano(self, prompt: int, completion: int, at_ns: int = 0) -> int:
        """What so many tokens cost at most, of whatever sort they turn out to be."""
        read, made, request = self._dearest
        return -(-(prompt * read + completion * made + request) // _FEMTO_IN_NANO)

    @property
    def timed(self) -> bool:
        """Whether the time matters."""
        return False

    @cached_property
    def free(self) -> bool:
        """Whether nothing costs anything."""
        return not any(self._femto)

    @cached_property
    def _femto(self) -> _Femto:
        """For a million tokens so many units: for one, so many millionths, which are 1e9 femtos each."""

        def femto(amount: float | None, otherwise: int = 0) -> int:
            return otherwise if amount is None else round(Decimal(repr(amount)) * 10**9)

        read, made = femto(self.input), femto(self.output)
        return _Femto(
            input=read,
            cached=femto(self.cached_input, read),
            write=femto(self.cache_write, read),
            audio_in=femto(self.audio_input, read),
            image_in=femto(self.image_input, read),
            output=made,
            thinking=femto(self.thinking, made),
            audio_out=femto(self.audio_output, made),
            image_out=femto(self.image_output, made),
            request=round(Decimal(repr(self.request)) * 10**15),
            search=round(Decimal(repr(self.search_unit)) * 10**15),
        )

    @cached_property
    def _four(self) -> tuple[int, int, int, int]:
        """The sorts that nearly every price is about."""
        femto = self._femto
        return femto.input, femto.cached, femto.output, femto.thinking

    @cached_property
    def _more(self) -> bool:
        """Whether any other sort has a price of its own."""
        femto = self._femto
        return (
            bool(femto.request or femto.search)
            or len({femto.input, femto.write, femto.audio_in, femto.image_in}) > 1
            or (len({femto.output, femto.audio_out, femto.image_out}) > 1)
        )

    @cached_property
    def _dearest(self) -> tuple[int, int, int]:
        femto = self._femto
        read = max(femto.input, femto.cached, femto.write, femto.audio_in, femto.image_in)
        return read, max(femto.output, femto.thinking, femto.audio_out, femto.image_out), femto.request + femto.search

    def _rest(self, usage: Usage) -> int:
        """What the other sorts cost beyond what input and output would have."""
        femto = self._femto
        return (
            usage.written * (femto.write - femto.input)
            + usage.audio_in * (femto.audio_in - femto.input)
            + usage.image_in * (femto.image_in - femto.input)
            + usage.audio_out * (femto.audio_out - femto.output)
            + usage.image_out * (femto.image_out - femto.output)
            + usage.searches * femto.search
            + (femto.request if usage.prompt or usage.completion or usage.searches else 0)
        )


class Hours(msgspec.Struct, frozen=True):
    """A time of day in a zone, from one minute of the day up to another; over midnight when it ends before it begins.

    zone: "UTC", "+08:00" or a name of the tz database.
    """

    begin: int
    end: int
    zone: str = "UTC"

    def hold(self, at_ns: int) -> bool:
        """Whether this moment is within them."""
        at = datetime.fromtimestamp(at_ns // _NS, zone_of(self.zone))
        minute = at.hour * 60 + at.minute
        if self.begin < self.end:
            return self.begin <= minute < self.end
        return minute >= self.begin or minute < self.end


class Rung(msgspec.Struct, frozen=True):
    """A price, for a turn whose prompt has more than `over` tokens, at `hours` (None: whenever no hours hold)."""

    price: Price
    over: int = 0
    hours: Hours | None = None


class Span(msgspec.Struct, frozen=True):
    """The prices that hold from a moment on: those with hours before those without, longer prompts first."""

    since_ns: int
    rungs: tuple[Rung, ...]


class Tariff(Price, frozen=True, dict=True):
    """Prices of one model in one currency. spans: newest first; the oldest holds before its own beginning too. Its own
    amounts are for showing: the newest price that holds at any hour, for short prompts.

    A turn is priced as a whole by one rung: by its prompt's length (how Google, Alibaba and Anthropic charge long
    contexts) and by the moment its answer is complete (how DeepSeek charges off-peak hours).
    """

    spans: tuple[Span, ...] = ()

    def cost_nano(self, usage: Usage, at_ns: int = 0) -> int:
        """The cost of `usage` complete at `at_ns` (wall clock), in billionths of the currency, rounded up."""
        return self.price(usage.prompt, at_ns).cost_nano(usage)

    def most_nano(self, prompt: int, completion: int, at_ns: int = 0) -> int:
        """What so many tokens cost at most, at any hour from now on. `prompt` is an estimate: it may be twice that."""
        costs = [0]
        for span in self.spans:
            costs += [r.price.most_nano(prompt, completion) for r in span.rungs if not r.over or r.over < prompt * 2]
            if span.since_ns <= at_ns:
                break
        return max(costs)

    def price(self, prompt: int, at_ns: int) -> Price:
        """The price of a turn with so many prompt tokens, complete at that moment."""
        rungs = next((span.rungs for span in self.spans if span.since_ns <= at_ns), self.spans[-1].rungs)
        for rung in rungs:
            if (prompt > rung.over or not rung.over) and (rung.hours is None or rung.hours.hold(at_ns)):
                return rung.price
        return rungs[-1].price

    @property
    def timed(self) -> bool:
        """Whether the time matters."""
        return True

    @cached_property
    def free(self) -> bool:
        """Whether nothing costs anything."""
        return all(rung.price.free for span in self.spans for rung in span.rungs)


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo | timezone:
    """A zone by its name. Raises ValueError when there is none."""
    if name in ("UTC", "Z"):
        return UTC
    if name[:1] in ("+", "-") and len(name) == 6 and name[3] == ":":
        minutes = int(name[1:3]) * 60 + int(name[4:])
        return timezone(timedelta(minutes=minutes if name[0] == "+" else -minutes))
    try:
        return ZoneInfo(name)
    except (LookupError, OSError) as error:
        raise ValueError(f"{name} is no zone") from error
