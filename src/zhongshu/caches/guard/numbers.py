"""Numbers in digits and words, as one spelling each: "1,000", "一千" and "thousand" are the same. Decimals stay as they are
written: version 3.10 is not 3.1."""

from __future__ import annotations

import re

from zhongshu.caches.guard.reading import listed

_ENGLISH = {
    word: str(number)
    for number, word in enumerate(listed("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty"))
} | {
    "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90",
    "hundred": "100", "thousand": "1000", "million": "1000000", "billion": "1000000000", "dozen": "12", "twice": "2",
    "first": "1", "second": "2", "third": "3", "fourth": "4", "fifth": "5", "double": "2", "triple": "3", "half": "0.5",
}  # fmt: skip
_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_TENS = {"十": 10, "百": 100, "千": 1000}
_LARGE = {"万": 10**4, "亿": 10**8}
CHINESE = "".join([*_DIGITS, *_TENS, *_LARGE])
_DECIMAL = re.compile(r"[0-9][0-9,_]*(?:\.[0-9]+)?")
_ORDINAL = re.compile(r"([0-9]+)(?:st|nd|rd|th)")


def digits_of(word: str) -> str | None:
    """The number a word is, in plain digits; None when it is none."""
    if word in _ENGLISH:
        return _ENGLISH[word]
    if _DECIMAL.fullmatch(word):
        return _plain(word.replace(",", "").replace("_", ""))
    if match := _ORDINAL.fullmatch(word):
        return _plain(match[1])
    if all(character in CHINESE for character in word):
        return str(_chinese(word))
    return None


def _plain(digits: str) -> str:
    whole, _, rest = digits.partition(".")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{rest}" if rest else whole


def _chinese(word: str) -> int:
    if not any(character in _TENS or character in _LARGE for character in word):
        return int("".join(str(_DIGITS[character]) for character in word))
    total = section = digit = 0
    for character in word:
        if character in _DIGITS:
            digit = _DIGITS[character]
        elif character in _TENS:
            section += (digit or 1) * _TENS[character]
            digit = 0
        else:
            total = (total + section + digit or 1) * _LARGE[character]
            section = digit = 0
    return total + section + digit
