"""Features of a question: numbers read off its text, in microseconds, without a model. Chinese and English.

Pure functions of the text; knows no model and no label. The order of NAMES is the order of the numbers. A new feature
needs a new trained model: the file of a model names the features it was trained on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from zhongshu.router.difficulty import rarity
from zhongshu.router.patterns import words_of

_WORD = re.compile(r"[A-Za-z']+")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_SENTENCE_END = re.compile(r"[.!?。！？]\s*")
# Of several line ends the last one, and never back: in time that grows with the text only.
_OPTION = re.compile(r"\n[^\S\n]*+\(?[A-E][.)、]\s*(.*)")
_READ_AT_MOST = 6000

# Words whose number tells something. Each is one feature: how often it occurs.
_COUNTED: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.I)
    for name, pattern in {
        "percent": r"%|\bpercent|百分",
        "fraction_words": r"\b(half|twice|third|quarter|double|triple|times|fraction)\b|一半|两倍|[几三四五]分之",
        "each": r"\b(each|every|per)\b|每",
        "change": r"\b(if|then|after|before|remaining|left|more|less|than)\b|如果|剩|多|少|之后|之前",
        "symbols": r"[=^+*/<>|]",
        "dollars": r"\$|￥|¥",
        "not": r"\bnot\b|\bexcept\b|不|没有|除了",
        "quantities": r"\b(increase|decrease|rate|average|total|profit|cost|speed|hours|minutes|days|weeks|years)\b"
        r"|平均|总共|一共|利润|速度|小时|分钟",
        "blanks": r"_{2,}",
        "commas": r"[,，]",
        "why": r"\b(why|how|explain|prove|derive|compare|design|debug)\b|为什么|如何|怎么|解释|证明|推导|比较|设计|调试",
        "code": r"```|\bdef \w|\bclass \w|\w\(\w*\)|;\s*\n",
        "latex": r"\\[a-z]{2,}|\$[^$\d][^$]{0,80}\$",
        "statements": r"\b(statement|scenario) \d",
        "following": r"\bfollowing\b|下列|以下",
        "wh": r"\b(which|what|who|when|where)\b|哪|什么|谁|何时",
    }.items()
}

# The same in a text of ASCII, in a tenth of the time: whole words are looked up, and only what is left is searched for.
_WORDS_OF: dict[str, str] = {
    "fraction_words": "half twice third quarter double triple times fraction",
    "each": "each every per",
    "change": "if then after before remaining left more less than",
    "not": "not except",
    "quantities": "increase decrease rate average total profit cost speed hours minutes days weeks years",
    "why": "why how explain prove derive compare design debug",
    "following": "following",
    "wh": "which what who when where",
}
_FEATURE_OF = {word.encode(): at for at, name in enumerate(_COUNTED) for word in _WORDS_OF.get(name, "").split()}
_SIGNS = [
    (list(_COUNTED).index(name), re.compile(pattern))
    for name, pattern in {
        "percent": r"%|p(?<!\wp)ercent",
        "symbols": r"[=^+*/<>|]",
        "dollars": r"\$",
        "blanks": r"__+",
        "commas": r",",
        "code": r"```|\bdef \w|\bclass \w|\w\(\w*\)|;\s*\n",
        "latex": r"\\[a-z]{2,}|\$[^$\d][^$]{0,80}\$",
        "statements": r"s(?<!\ws)(?:tatement|cenario) \d",
    }.items()
]

NAMES: tuple[str, ...] = (
    "characters", "words", "numbers", "number_share", "sentences", "word_length", "option_characters",
    "option_spread", "options_with_numbers", "options", "different_words", "capitals", "han_share", "large_number",
    "decimals", "last_sentence_words", "words_a_sentence", *_COUNTED,
)  # fmt: skip
CHOICE_NAMES: tuple[str, ...] = (
    *NAMES,
    *(f"stem_words_{name}" for name in rarity.NAMES),
    *(f"option_words_{name}" for name in rarity.NAMES),
)
_FEWEST_OPTIONS = 3


class Question(NamedTuple):
    """A question taken apart, as far as it is read."""

    stem: str
    options: list[str]

    @property
    def is_choice(self) -> bool:
        """Whether it offers options to choose from: three at the least."""
        return len(self.options) >= _FEWEST_OPTIONS


def parts(text: str) -> Question:
    """The question and the options it offers."""
    text = text[:_READ_AT_MOST]
    first = _OPTION.search(text)
    if first is None:
        return Question(text, [])
    before = text[: first.start()]
    stem = before.rstrip()
    return Question(stem + before[len(stem) :].partition("\n")[0], _OPTION.findall(text, first.start()))


def read_choice(question: Question) -> list[float]:
    """The features of a question with options, in the order of CHOICE_NAMES: how rare the words are tells much of
    what it takes to know the answer (APGR on unseen subjects .53 without, .56 with; docs/routing.md)."""
    return [*read(question), *rarity.rarity(question.stem), *rarity.rarity(" ".join(question.options))]


def read(question: Question) -> list[float]:
    """The features of any question, in the order of NAMES. About 0.1 ms for 500 characters."""
    stem, options = question
    words: list[str] = _WORD.findall(stem)
    numbers = [float(n.replace(",", "")) for n in _NUMBER.findall(stem)]
    sentences = [s for s in _SENTENCE_END.split(stem) if s.strip()]
    han = len(_HAN.findall(stem))
    count = len(words) + han
    lengths = [len(option) for option in options] or [0]
    return [
        math.log1p(len(stem)),
        math.log1p(count),
        math.log1p(len(numbers)),
        len(numbers) / (count + 1),
        float(len(sentences)),
        sum(map(len, words)) / len(words) if words else 0.0,
        math.log1p(sum(lengths)),
        math.log1p(_spread(lengths)),
        float(sum(bool(_NUMBER.search(option)) for option in options)),
        float(len(options)),
        len({word.lower() for word in words}) / (len(words) + 1),
        sum(map(str.isupper, stem)) / (len(stem) + 1),
        han / (len(stem) + 1),
        float(max(numbers, default=0.0) > 100),
        float(sum(not number.is_integer() for number in numbers)),
        float(len(_WORD.findall(sentences[-1])) if sentences else 0),
        count / max(1, len(sentences)),
        *_counts(stem),
    ]


def _counts(stem: str) -> list[float]:
    """How often each of `_COUNTED` occurs."""
    if not stem.isascii():
        return [float(len(pattern.findall(stem))) for pattern in _COUNTED.values()]
    counts, low = [0.0] * len(_COUNTED), stem.lower()
    for word in words_of(low):
        at = _FEATURE_OF.get(word)
        if at is not None:
            counts[at] += 1
    for at, pattern in _SIGNS:
        counts[at] = float(len(pattern.findall(low)))
    return counts


def _spread(values: Sequence[int]) -> float:
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
