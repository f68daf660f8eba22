"""Price tables: `[[prices]]` in the settings, and in the file that `money.prices_file` names. Rows into tariffs.

A row is one whole price of one model with the conditions it holds under. Of a model's rows those of the newest `since`
hold; of these, rows with `hours` come before those without, and of what is left the one with the largest `over` that
the prompt is longer than. Nothing is taken over from another row. Ships no prices: a price has a source and a date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from zhongshu.core.models import ModelCard, Offer
from zhongshu.core.prices import Currency, Hours, Price, Rung, Span, Tariff, zone_of
from zhongshu.core.times import ns_of

AMOUNTS = (
    "input", "output", "cached_input", "thinking", "cache_write", "audio_input", "audio_output", "image_input",
    "image_output", "request", "search_unit",
)  # fmt: skip
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)")


class PriceRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price of a model from a day on: money for a million tokens, `request` for each request, `search_unit` for
    each search of a reranker.

    model: its name, or a release (`name@version`). since: a day, or a time with a zone; empty: always. over: for
    prompts of more than so many tokens. hours: "16:30-00:30", in `zone`, which days of `since` are in too.
    """

    model: str
    since: str = ""
    over: int = 0
    hours: str = ""
    zone: str = "UTC"
    currency: Currency = "CNY"
    input: float = 0.0
    output: float = 0.0
    cached_input: float | None = None
    thinking: float | None = None
    cache_write: float | None = None
    audio_input: float | None = None
    audio_output: float | None = None
    image_input: float | None = None
    image_output: float | None = None
    request: float = 0.0
    search_unit: float = 0.0
    source: str = ""

    def __post_init__(self) -> None:
        if not self.model:
            raise ValueError("model: give the name of a model, such as deepseek-chat", "model: 请填写模型名称")
        check_amounts({field: getattr(self, field) for field in AMOUNTS})
        if self.over < 0:
            raise ValueError("over: give a number of tokens, 0 or more", "over: 请填写不小于 0 的词元数")
        try:
            zone_of(self.zone)
        except ValueError:
            raise ValueError(
                'zone: give "UTC", "+08:00" or a name such as "Asia/Shanghai"',
                'zone: 请填写 "UTC"、"+08:00" 或 "Asia/Shanghai" 这样的时区名',
            ) from None
        if self.hours and not _HOURS.fullmatch(self.hours):
            raise ValueError('hours: give a time of day such as "16:30-00:30"', 'hours: 请填写时段，例如 "16:30-00:30"')
        check_since(self.since)

    @property
    def since_ns(self) -> int:
        """When it begins to hold, wall clock UTC; 0 for always."""
        return moment_ns(self.since, self.zone)

    @property
    def price(self) -> Price:
        """The money in it."""
        return Price(currency=self.currency, **{field: getattr(self, field) for field in AMOUNTS})

    @property
    def window(self) -> Hours | None:
        """Its hours; None for any time."""
        if not self.hours:
            return None
        begin, end = ((int(part[:2]) * 60 + int(part[3:])) % 1440 for part in self.hours.split("-"))
        return Hours(begin, end, self.zone)


class Flaw(NamedTuple):
    """What is wrong with a row among the others: its number, the field, and the remedy in both languages."""

    row: int
    field: str
    en: str
    zh: str


def check_amounts(amounts: Mapping[str, float | None], prefix: str = "") -> None:
    """Raise ValueError naming the first amount that is no price."""
    for field, amount in amounts.items():
        if amount is None:
            continue
        if not 0 <= amount < 1e6:
            what = "for each of them" if field in ("request", "search_unit") else "for a million tokens"
            raise ValueError(
                f"{prefix}{field}: give money {what}, from 0, below 1000000",
                f"{prefix}{field}: 请填写价格，不小于 0，小于 1000000",
            )
        if Decimal(repr(amount)) % Decimal("0.000000001"):
            raise ValueError(
                f"{prefix}{field}: at most nine decimals count; round it",
                f"{prefix}{field}: 最多九位小数，请先舍入",
            )


def check_since(since: str) -> None:
    """Raise ValueError for what is no day and no time."""
    if since:
        try:
            datetime.fromisoformat(since)
        except ValueError:
            raise ValueError(
                'since: give a day in quotes such as "2026-11-01", or "2026-11-01T00:00+08:00"',
                'since: 请填写带引号的日期，例如 "2026-11-01" 或 "2026-11-01T00:00+08:00"',
            ) from None


def moment_ns(since: str, zone: str = "UTC") -> int:
    """A day or time of the settings, in ns UTC; 0 for none."""
    if not since:
        return 0
    at = datetime.fromisoformat(since)
    return ns_of(at if at.tzinfo else at.replace(tzinfo=zone_of(zone)))


def flaws(rows: Sequence[PriceRow]) -> list[Flaw]:
    """What is wrong with rows taken together: twins, two currencies, and times without a price for every prompt."""
    found: list[Flaw] = []
    seen: dict[tuple[object, ...], int] = {}
    first: dict[str, PriceRow] = {}
    for number, row in enumerate(rows):
        if first.setdefault(row.model, row).currency != row.currency:
            found.append(
                Flaw(number, "currency", "all rows of a model are in one currency", "同一模型的各行须用同一币种")
            )
        place = (row.model, row.since_ns, row.over, row.window)
        if place in seen:
            found.append(
                Flaw(
                    number,
                    "model",
                    f"row {seen[place]} holds under the same conditions",
                    f"与第 {seen[place]} 行条件相同",
                )
            )
        seen.setdefault(place, number)
    for number, row in enumerate(rows):
        if (row.model, row.since_ns, 0, None) not in seen:
            found.append(
                Flaw(
                    number,
                    "model",
                    "from that day on it has no price for any time and length: add a row without hours and over",
                    "该日起缺少适用于任何时段与长度的价格：请添加一行不含 hours 与 over 的价格",
                )
            )
        elif row.over and (row.model, row.since_ns, 0, row.window) not in seen:
            found.append(
                Flaw(number, "over", "these hours have no price for shorter prompts", "该时段缺少较短提示的价格")
            )
    return found


def tariffs(rows: Iterable[PriceRow]) -> dict[str, Price]:
    """What each model's rows amount to: a plain price where there is only one."""
    spans: dict[str, dict[int, list[PriceRow]]] = {}
    for row in rows:
        spans.setdefault(row.model, {}).setdefault(row.since_ns, []).append(row)
    return {model: _tariff(by_day) for model, by_day in spans.items()}


def priced(offer: Offer, by_model: Mapping[str, Price]) -> Offer:
    """The offer with the price of its release, else of its model, where the tables have one."""
    price = by_model.get(offer.release.name) or by_model.get(offer.release.model)
    if price is None:
        return offer
    card: ModelCard = msgspec.structs.replace(offer.card, price=price)
    return msgspec.structs.replace(offer, card=card)


def _tariff(by_day: Mapping[int, Sequence[PriceRow]]) -> Price:
    spans = tuple(Span(day, _rungs(by_day[day])) for day in sorted(by_day, reverse=True))
    if len(spans) == 1 and len(spans[0].rungs) == 1:
        return spans[0].rungs[0].price
    return Tariff(**msgspec.structs.asdict(spans[0].rungs[-1].price), spans=spans)


def _rungs(rows: Sequence[PriceRow]) -> tuple[Rung, ...]:
    rungs = [Rung(row.price, row.over, row.window) for row in rows]
    return tuple(sorted(rungs, key=lambda rung: (rung.hours is None, -rung.over)))
