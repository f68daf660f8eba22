"""The arithmetic written in a text: steps such as `3 * 60 = 180`, recomputed. No expression is ever executed: sums are
parsed and evaluated here, with + - * / and brackets only."""

from __future__ import annotations

import re
from typing import NamedTuple

NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")
_CALCULATOR = re.compile(r"<<([^<>=]*+)=([^<>]*+)>>")
_NOTE = re.compile(r"<<[^<>]*+>>")
# An equation is found by its right side; what may stand on the left is looked for backwards from there. One pattern for
# both would try every place of a long run of signs or spaces again and again.
_RIGHT = re.compile(r"=\s*+\$?(-?[\d,]+(?:\.\d+)?)")
_NOT_LEFT = re.compile(r"[^\d.,\s+\-*/x×÷()$%]")
_SIGN = re.compile(r"[+\-*/x×÷]")
_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+|[+\-*/()])")
_LONGEST = 200
_TOLERANCE = 0.011


class Step(NamedTuple):
    """One equation. `value`: what stands on its right; `true`: what its left comes to, None when it is no sum."""

    left: str
    value: float
    true: float | None

    @property
    def wrong(self) -> bool:
        """Whether it is off by more than rounding to a hundredth."""
        return self.true is not None and abs(self.true - self.value) > _TOLERANCE * max(1.0, abs(self.value))

    @property
    def rounded(self) -> bool:
        """Whether it is right but for rounding."""
        return self.true is not None and not self.wrong and abs(self.true - self.value) > 1e-6


def number(text: str) -> float | None:
    """A number as people write it; None when it is none."""
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None


def numbers(text: str) -> list[float]:
    """Every number in a text."""
    return [n for found in NUMBER.findall(text) if (n := number(found)) is not None]


def steps(text: str) -> list[Step]:
    """The equations of a text, without calculator notes (`<<3*60=180>>`)."""
    found: list[Step] = []
    plain, read = _NOTE.sub("", text), 0
    for right in _RIGHT.finditer(plain):
        before = plain[read : right.start()]
        left = before[max((other.end() for other in _NOT_LEFT.finditer(before)), default=0) :]
        if not _SIGN.search(left):
            read = right.start()
            continue
        read, worth = right.end(), number(right[1])
        if worth is not None:
            found.append(Step(left, worth, value(left)))
    return found


def notes(text: str) -> list[Step]:
    """The calculator notes of a text."""
    found: list[tuple[str, str]] = _CALCULATOR.findall(text)
    return [Step(left, n, value(left)) for left, right in found if (n := number(right)) is not None]


def value(expression: str) -> float | None:
    """What a sum comes to; None when it is none, is too long, or divides by zero."""
    plain = expression.replace("x", "*").replace("×", "*").replace("÷", "/").replace("%", "/100")
    plain = plain.replace("$", "").replace(",", "").strip()
    if len(plain) > _LONGEST:
        return None
    tokens: list[str] = _TOKEN.findall(plain)
    if not tokens or "".join(tokens) != re.sub(r"\s", "", plain):
        return None
    try:
        result, rest = _sum(tokens, 0)
    except (IndexError, ValueError, ZeroDivisionError, OverflowError, RecursionError):
        return None
    return result if rest == len(tokens) else None


def _sum(tokens: list[str], at: int) -> tuple[float, int]:
    total, at = _product(tokens, at)
    while at < len(tokens) and tokens[at] in "+-":
        more, after = _product(tokens, at + 1)
        total, at = (total + more if tokens[at] == "+" else total - more), after
    return total, at


def _product(tokens: list[str], at: int) -> tuple[float, int]:
    total, at = _factor(tokens, at)
    while at < len(tokens) and tokens[at] in "*/":
        more, after = _factor(tokens, at + 1)
        total, at = (total * more if tokens[at] == "*" else total / more), after
    return total, at


def _factor(tokens: list[str], at: int) -> tuple[float, int]:
    token = tokens[at]
    if token == "-":
        inner, after = _factor(tokens, at + 1)
        return -inner, after
    if token == "(":
        inner, after = _sum(tokens, at + 1)
        if tokens[after] != ")":
            raise ValueError
        return inner, after + 1
    return float(token), at + 1
