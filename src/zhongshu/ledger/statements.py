"""Statements: what a tenant's turns of a month cost, in lines that add up.

Exact sums are in billionths and equal the sum of the records. For people they are rounded to hundredths: the total is
rounded, and what rounding leaves over goes to the lines it cut most (largest remainder), so that printed lines add up
to the printed total. Currencies stand apart; a converted total beside them where the rates are known. Turns that
repeated another one unseen (shadows) are told apart: nobody is charged for them. Months are UTC, as budgets are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Literal

import msgspec

from zhongshu.core.money import Exchange, money_text
from zhongshu.core.times import month_bounds, ns_of
from zhongshu.ledger.index import Index, Sums
from zhongshu.ledger.rows import Filter

By = Literal["key", "user", "model", "day"]
BYS: tuple[By, ...] = ("key", "user", "model", "day")
CENT_NANO = 10_000_000


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line: a key, user, model or day, in one currency. cost_nano, saved_nano: exact; cents: what is printed.

    prompt_tokens hold cached_tokens, completion_tokens hold thinking_tokens. saved_nano: what answers given before
    would have cost. not_answered: refused, failed, left or cut.
    """

    name: str
    currency: str
    turns: int = 0
    not_answered: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    thinking_tokens: int = 0
    cost_nano: int = 0
    saved_nano: int = 0
    cents: int = 0


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What a month cost. lines: sorted by name, then currency; totals: one for each currency, `cents` the sum of its
    lines'; shadows: totals of what was not charged. converted_nano, converted_cents: all of it in `home`, at the rate
    of each day; None where a rate is missing."""

    tenant: str
    month: str
    by: By
    since_ns: int
    until_ns: int
    lines: tuple[Line, ...]
    totals: tuple[Line, ...]
    shadows: tuple[Line, ...]
    home: str
    converted_nano: int | None
    converted_cents: int | None


def statement(index: Index, tenant: str, month: str, by: By = "model", exchange: Exchange | None = None) -> Statement:
    """The statement of a tenant's month. Blocking. Raises ValueError for what is no month."""
    since_ns, until_ns = month_bounds(month)
    exchange = exchange or Exchange()
    charged = Filter(tenant=tenant, since_ns=since_ns, until_ns=until_ns, shadow=False)
    sums = index.stats(tuple(dict.fromkeys((by, "day"))), charged)
    lines = rounded(_lines(sums, exchange.home))
    shadows = index.stats((), msgspec.structs.replace(charged, shadow=True))
    exact = _converted(sums, exchange)
    return Statement(
        tenant=tenant,
        month=month,
        by=by,
        since_ns=since_ns,
        until_ns=until_ns,
        lines=lines,
        totals=_totals(lines),
        shadows=tuple(_line("", row.currency, [row]) for row in shadows if row.turns),
        home=exchange.home,
        converted_nano=None if exact is None else -(-exact.numerator // exact.denominator),
        converted_cents=None if exact is None else _half_up(exact / CENT_NANO),
    )


def rounded(lines: Sequence[Line]) -> tuple[Line, ...]:
    """The lines with their cents: of each currency they add up to its rounded total."""
    cents: dict[int, int] = {}
    for currency in {line.currency for line in lines}:
        mine = [number for number, line in enumerate(lines) if line.currency == currency]
        shares = apportion([lines[number].cost_nano for number in mine])
        cents |= dict(zip(mine, shares, strict=True))
    return tuple(msgspec.structs.replace(line, cents=cents[number]) for number, line in enumerate(lines))


def apportion(nanos: Sequence[int]) -> list[int]:
    """Amounts in hundredths that add up to the rounded sum of them all: each is cut, and the hundredths that are over
    go one by one to the largest remainders. No amount is off by a whole hundredth."""
    cut = [nano // CENT_NANO for nano in nanos]
    over = _half_up(Fraction(sum(nanos), CENT_NANO)) - sum(cut)
    order = sorted(range(len(nanos)), key=lambda number: (-(nanos[number] % CENT_NANO), number))
    for number in order[:over]:
        cut[number] += 1
    return cut


_CSV = (
    "tenant", "month", "kind", "name", "currency", "turns", "not_answered", "prompt_tokens", "cached_tokens",
    "completion_tokens", "thinking_tokens", "cost", "cost_exact", "saved_exact",
)  # fmt: skip


def as_csv(made: Statement) -> Iterator[bytes]:
    """The statement as CSV: its lines, its totals, the converted total, and what was not charged. Of the rows of kind
    "line", `cost` adds up to the row of kind "total" of the same currency, and so does `cost_exact`."""
    yield b"\xef\xbb\xbf" + _csv_row(_CSV)  # the mark makes spreadsheets read UTF-8
    named = (("line", made.lines), ("total", made.totals), ("shadow", made.shadows))
    for kind, lines in named:
        for line in lines:
            yield _csv_row(_cells(made, kind, line))
    if made.converted_nano is not None and made.converted_cents is not None and len(made.totals) > 1:
        whole = Line(name="", currency=made.home, cost_nano=made.converted_nano, cents=made.converted_cents)
        yield _csv_row(_cells(made, "converted", whole))


def cents_text(cents: int) -> str:
    """Hundredths as a text with two decimals."""
    return f"{cents // 100}.{cents % 100:02d}"


def _cells(made: Statement, kind: str, line: Line) -> Iterable[object]:
    yield from (made.tenant, made.month, kind, _harmless(line.name), line.currency)
    yield from (line.turns, line.not_answered, line.prompt_tokens, line.cached_tokens)
    yield from (line.completion_tokens, line.thinking_tokens)
    yield from (cents_text(line.cents), money_text(line.cost_nano), money_text(line.saved_nano))


def _harmless(name: str) -> str:
    """A name that callers chose must not be a formula to a spreadsheet."""
    return f"'{name}" if name[:1] in ("=", "+", "-", "@", "\t", "\r") else name


def _csv_row(cells: Iterable[object]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue().encode()


def _lines(sums: Sequence[Sums], home: str) -> list[Line]:
    """Lines by name and currency. What cost nothing has no currency of its own and joins a line that has one."""
    found: dict[str, dict[str, list[Sums]]] = {}
    for row in sums:
        found.setdefault(row.group[0], {}).setdefault(row.currency, []).append(row)
    made: list[Line] = []
    for name, by_currency in sorted(found.items()):
        costly = sorted(c for c, rows in by_currency.items() if any(row.cost_nano or row.saved_nano for row in rows))
        free = [row for currency, rows in by_currency.items() if currency not in costly for row in rows]
        for number, currency in enumerate(costly or [home]):
            made.append(_line(name, currency, by_currency.get(currency, []) if currency in costly else [], free))
            free = [] if number == 0 else free
    return made


def _line(name: str, currency: str, *parts: Sequence[Sums]) -> Line:
    rows = [row for part in parts for row in part]

    def total(of: Callable[[Sums], int]) -> int:
        return sum(map(of, rows))

    cost_nano = total(lambda row: row.cost_nano)
    return Line(
        name=name,
        currency=currency,
        turns=total(lambda row: row.turns),
        not_answered=total(lambda row: row.failed),
        prompt_tokens=total(lambda row: row.prompt_tokens),
        cached_tokens=total(lambda row: row.cached_tokens),
        completion_tokens=total(lambda row: row.completion_tokens),
        thinking_tokens=total(lambda row: row.thinking_tokens),
        cost_nano=cost_nano,
        saved_nano=total(lambda row: row.saved_nano),
        cents=_half_up(Fraction(cost_nano, CENT_NANO)),
    )


def _totals(lines: Sequence[Line]) -> tuple[Line, ...]:
    numbers = [name for name in Line.__struct_fields__ if name not in ("name", "currency")]
    return tuple(
        Line(
            name="",
            currency=currency,
            **{name: sum(getattr(line, name) for line in lines if line.currency == currency) for name in numbers},
        )
        for currency in sorted({line.currency for line in lines})
    )


def _converted(sums: Sequence[Sums], exchange: Exchange) -> Fraction | None:
    """Everything in the home currency, at the rate of each day's noon; None where a rate is missing."""
    if not all(exchange.knows(row.currency) for row in sums if row.cost_nano):
        return None
    return sum(
        (row.cost_nano * exchange.worth(row.currency, _noon_ns(row.group[-1])) for row in sums if row.cost_nano),
        Fraction(0),
    )


def _noon_ns(day: str) -> int:
    return ns_of(datetime.fromisoformat(day).replace(hour=12))


def _half_up(exact: Fraction) -> int:
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)
