"""Amounts in a text: a number, its scale (5 million, 5万) and its unit, in English and Chinese. Pure.

A word that names several units (pound, ¥, 分) is any of them. A word that is not listed is no unit: 5 pens and 5 are one
amount here. Of a rate (5 dollars an hour) only what is counted is told, not by what.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

# What is measured | how many of its smallest or plainest unit | words. Legal definitions; a month has no fixed days.
_ROWS = """
time | 1 | s sec secs second seconds 秒 秒钟
time | 60 | min mins minute minutes 分 分钟
time | 3600 | h hr hrs hour hours 小时 个小时 钟头 个钟头
time | 86400 | day days 天
time | 604800 | week weeks 周 星期 个星期
calendar | 1 | month months 个月
calendar | 12 | year years yr yrs 年 岁
length | 0.001 | mm millimeter millimeters millimetre millimetres 毫米
length | 0.01 | cm centimeter centimeters centimetre centimetres 厘米 公分
length | 0.1 | dm decimeter decimeters decimetre decimetres 分米
length | 1 | m meter meters metre metres 米
length | 1000 | km kilometer kilometers kilometre kilometres kph kmh 公里 千米
length | 500 | 里
length | 0.0254 | inch inches 英寸
length | 0.3048 | ft foot feet 英尺
length | 0.9144 | yd yard yards 码
length | 1609.344 | mi mile miles mph 英里
mass | 0.001 | mg milligram milligrams 毫克
mass | 1 | g gram grams 克
mass | 1000 | kg kilo kilos kilogram kilograms 千克 公斤
mass | 1000000 | t ton tons tonne tonnes 吨
mass | 500 | 斤
mass | 453.59237 | lb lbs pound pounds 磅
mass | 28.349523125 | oz ounce ounces 盎司
volume | 0.000001 | ml milliliter milliliters millilitre millilitres 毫升
volume | 0.001 | l liter liters litre litres 升
volume | 0.003785411784 | gallon gallons 加仑
volume | 0.000946352946 | quart quarts 夸脱
volume | 0.000473176473 | pint pints 品脱
area | 10000 | ha hectare hectares 公顷
area | 4046.8564224 | acre acres 英亩
mu | 1 | 亩
dollar | 1 | $ us$ usd dollar dollars buck bucks 美元 美金
dollar | 0.01 | ¢ cent cents penny pennies 美分
euro | 1 | € eur euro euros 欧元
euro | 0.01 | ¢ cent cents 欧分
sterling | 1 | £ gbp pound pounds 英镑
sterling | 0.01 | penny pennies pence 便士
yuan | 1 | ¥ cny rmb yuan 元 块 块钱 人民币 元人民币
yuan | 0.1 | jiao 角 毛 毛钱
yuan | 0.01 | fen 分 分钱
yen | 1 | ¥ jpy yen 日元
rupee | 1 | ₹ inr rupee rupees 卢比
won | 1 | ₩ krw won 韩元
hkd | 1 | hk$ hkd 港元 港币
points | 1 | 分
share | 0.01 | % percent percentage per_cent
celsius | 1 | °c ° degree degrees degree_celsius degrees_celsius 度 摄氏度
fahrenheit | 1 | °f ° degree degrees degree_fahrenheit degrees_fahrenheit 度 华氏度
angle | 1 | ° degree degrees 度
kilobyte | 1 | kb
megabyte | 1 | mb
gigabyte | 1 | gb
terabyte | 1 | tb
"""
_SCALES = {
    "hundred": 10**2, "thousand": 10**3, "k": 10**3, "million": 10**6, "billion": 10**9, "bn": 10**9, "trillion": 10**12,
    "dozen": 12, "百": 10**2, "千": 10**3, "万": 10**4, "百万": 10**6, "千万": 10**7, "亿": 10**8, "万亿": 10**12,
}  # fmt: skip
_POWERS = {
    "square": 2, "sq": 2, "sq.": 2, "平方": 2, "2": 2, "^2": 2, "cubic": 3, "立方": 3, "3": 3, "^3": 3,
}  # fmt: skip
_OF_POWER = {2: "area", 3: "volume"}

_ONE = Decimal(1)

Units = Mapping[str, Decimal]
"""By what is measured: how many of its plainest unit."""


def _table() -> dict[str, dict[str, Decimal]]:
    table: dict[str, dict[str, Decimal]] = {}
    for row in _ROWS.strip().splitlines():
        measured, factor, words = row.split(" | ")
        for word in words.split(" "):
            table.setdefault(word.replace("_", " "), {})[measured] = Decimal(factor)
    return table


def _any_of(words: Mapping[str, object]) -> str:
    """One of these, the longest that fits; no part of a longer word."""
    longest = sorted(words, key=len, reverse=True)
    return "|".join(
        re.escape(word) + (r"(?![a-z])" if word[-1].isascii() and word[-1].isalpha() else "") for word in longest
    )


_UNITS = _table()
_SIGNS = r"(?:us|hk)?\$|[€£¥₹₩]|(?:usd|cny|rmb|eur|gbp|jpy|人民币)(?=\s*-?\d)|百分之"
_UNIT = (
    rf"(?P<scale>{_any_of(_SCALES)})?[\s-]?(?P<power>square|sq\.?|cubic|平方|立方)?\s?"
    rf"(?P<unit>{_any_of(_UNITS)})(?![之数形级])(?P<raised>(?<=[mt])\^?[23](?![\da-z]))?"
)
_AFTER = re.compile(rf"(?P<closed>[\s*_)\]}}~-]{{0,4}}+)(?:{_UNIT}|(?P<only>{_any_of(_SCALES)}))")
_NUMBER = re.compile(rf"(?:(?P<sign>{_SIGNS})[\s*]?)?(?P<number>-?\d[\d,]*(?:\.\d+)?(?:/\d+)?)")
_BETWEEN = re.compile(r"\s*(?:,|and|又|零)?\s*")
_ASKED = re.compile(rf"(?:how many|多少|几)\s?个?(?:{_UNIT}|(?P<only>{_any_of(_SCALES)}))")
_MARKUP = (
    (re.compile(r"\\(?:text|mathrm|mbox|textbf|mathbf)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\[dt]?frac\{(-?\d+)\}\{(\d+)\}"), r"\1/\2"),
    (re.compile(r"\\([%$])"), r"\1"),
    (re.compile(r"\\[,;! ]|\\quad|(?<=\d)\{,\}(?=\d)"), ""),
    (re.compile(r"\^?\\circ|\^\{\\circ\}"), "°"),
    (re.compile(r"(?<![\w)])(?<![\d)] )-([$€£¥])(?=\d)"), r"\1-"),
)


class Amount(NamedTuple):
    """number: as it is written; value: with its scale; units: empty where none is said. begin, end: where it stands."""

    number: Decimal
    value: Decimal
    units: Units
    begin: int
    end: int


def plainly(text: str) -> str:
    """A text without the marks of formulas around its amounts, in small letters."""
    text = unicodedata.normalize("NFKC", text)
    for mark, kept in _MARKUP:
        text = mark.sub(kept, text)
    return text.casefold()


def amounts(text: str) -> list[Amount]:
    """The amounts in a text that is plainly written, in order; what is said in two units (2 hours 30 minutes) is one."""
    found: list[Amount] = []
    for one in _each(text):
        whole = _joined(text, found[-1], one) if found else None
        if whole is not None:
            found[-1] = whole
        else:
            found.append(one)
    return found


def same_amount(question: str, one: Amount, other: Amount) -> bool | None:
    """Whether two amounts are one; None where numbers that are alike, or units of different things, leave it open. A bare
    number is of the unit that the question asks for, else of any."""
    asked = _asked(question)
    one, other = _filled(one, asked), _filled(other, asked)
    if one.units and other.units:
        shared = one.units.keys() & other.units.keys()
        if any(_equal(one, other, one.units[measured], other.units[measured]) for measured in shared):
            return True
        return None if not shared or one.number == other.number else False
    measured, bare = (one, other) if one.units else (other, one)
    if bare.value == measured.value or any(_equal(bare, measured, _ONE, factor) for factor in measured.units.values()):
        return True
    return None if one.number == other.number else False


def _equal(one: Amount, other: Amount, of_one: Decimal, of_other: Decimal) -> bool:
    if of_one == of_other:
        return one.value == other.value
    first, second = one.value * of_one, other.value * of_other
    return abs(first - second) <= max(abs(first), abs(second)) * Decimal("1e-6")


def _filled(amount: Amount, asked: tuple[Decimal, Units] | None) -> Amount:
    if asked is None or amount.units or amount.value != amount.number:
        return amount
    scale, units = asked
    return amount._replace(value=amount.value * scale, units=units)


def _asked(question: str) -> tuple[Decimal, Units] | None:
    """The scale and unit of what a question asks for; None where it names none."""
    found = list(_ASKED.finditer(question.casefold()))
    return _unit_of(found[-1]) if found else None


def _each(text: str) -> Iterator[Amount]:
    at = 0
    while (found := _NUMBER.search(text, at)) is not None:
        at, sign = found.end(), found["sign"]
        number = _value(found["number"])
        if number is None:
            continue
        scale, units = _ONE, _of_sign(sign)
        if text[at : at + 1] == "$" and text.count("$", 0, at) % 2:  # the end of a formula
            at, units = at + 1, _of_sign(None if sign == "$" else sign)
        after = _AFTER.match(text, at)
        if after is not None:
            scale, said = _unit_of(after)
            at, units = after.end(), said or units
        yield Amount(number, _rounded(number * scale), units, found.start(), at)


def _unit_of(found: re.Match[str]) -> tuple[Decimal, Units]:
    scale = _SCALES.get(found["scale"] or found["only"] or "", 1)
    units: Units = _UNITS.get(found["unit"] or "", {})
    power = _POWERS.get(found["power"] or found["raised"] or "")
    if power and "length" in units:
        units = {_OF_POWER[power]: units["length"] ** power}
    return Decimal(scale), units


def _of_sign(sign: str | None) -> Units:
    if sign == "百分之":
        return _UNITS["%"]
    return _UNITS[sign] if sign else {}


def _joined(text: str, first: Amount, then: Amount) -> Amount | None:
    """Both as one where the second goes on in a smaller unit of the same; None where it does not."""
    measured = next((m for m in first.units if m in then.units and first.units[m] > then.units[m]), None)
    if measured is None or not _BETWEEN.fullmatch(text, first.end, then.begin):
        return None
    value = first.value + then.value * then.units[measured] / first.units[measured]
    return Amount(first.number, _rounded(value), {measured: first.units[measured]}, first.begin, then.end)


def _value(text: str) -> Decimal | None:
    whole, _, below = text.replace(",", "").partition("/")
    try:
        value = Decimal(whole) / Decimal(below) if below else Decimal(whole)
    except (InvalidOperation, ZeroDivisionError):
        return None
    return _rounded(value)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("1e-6")).normalize() if abs(value) < 10**20 else value
