"""Money in billionths and as text, and currencies side by side: what one is worth in another, from which day on. Exact
fractions, no floating point.

An installation counts its budgets in one currency, `home`; what is priced in another is converted at the rate of the
moment the turn arrived.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

NANO = 1_000_000_000
_MOST = 1e12  # larger ceilings may be no number once they are counted in billionths; nothing costs as much


def money_text(nano: int) -> str:
    """Billionths as an exact decimal: 1500000000 -> "1.5"."""
    if nano == 0:
        return "0"
    return f"{nano // NANO}.{nano % NANO:09d}".rstrip("0").removesuffix(".")


def money_about(nano: int) -> str:
    """The same for people: to the millionth."""
    return f"{nano / NANO:.6f}".rstrip("0").rstrip(".")


def money_nano(text: str) -> int:
    """Billionths of a decimal with at most nine places: "12.5" -> 12500000000."""
    units, _, decimals = text.partition(".")
    return int(units) * NANO + int(decimals.ljust(9, "0"))


def ceiling_nano(ceiling: float) -> int:
    """Billionths of a ceiling as settings, keys and requests give it, which may be as large as a float is, or endless."""
    return round(min(ceiling, _MOST) * NANO)


class Rate(msgspec.Struct, frozen=True):
    """From `since_ns` on, one unit of `currency` is worth `worth` (a decimal text) of the home currency."""

    since_ns: int
    currency: str
    worth: str


class NoRate(ValueError):
    """There is no rate between two currencies; the text names them."""


class Exchange:
    """The rates of one installation. The oldest rate of a currency holds before its own beginning too."""

    def __init__(self, home: str = "CNY", rates: tuple[Rate, ...] = ()) -> None:
        self.home = home
        self._rates: dict[str, list[tuple[int, Fraction]]] = {}
        for rate in sorted(rates, key=lambda rate: -rate.since_ns):
            self._rates.setdefault(rate.currency, []).append((rate.since_ns, Fraction(rate.worth)))

    def knows(self, currency: str) -> bool:
        """Whether that currency can be converted."""
        return currency == self.home or currency in self._rates

    def worth(self, currency: str, at_ns: int) -> Fraction:
        """What one unit is worth at home. Raises NoRate."""
        if currency == self.home:
            return Fraction(1)
        rates = self._rates.get(currency)
        if not rates:
            raise NoRate(f"there is no rate from {currency} to {self.home}")
        return next((worth for since_ns, worth in rates if since_ns <= at_ns), rates[-1][1])

    def to_home(self, nano: int, currency: str, at_ns: int) -> int:
        """Billionths of `currency` as billionths of the home currency, rounded up. Raises NoRate."""
        if currency == self.home or not nano:
            return nano
        exact = nano * self.worth(currency, at_ns)
        return -(-exact.numerator // exact.denominator)

    def from_home(self, nano: int, currency: str, at_ns: int) -> int:
        """Billionths of the home currency as billionths of `currency`, rounded down. Raises NoRate."""
        if currency == self.home or not nano:
            return nano
        exact = nano / self.worth(currency, at_ns)
        return exact.numerator // exact.denominator


HOME_ONLY = Exchange()
"""Yuan, and no other currency."""
