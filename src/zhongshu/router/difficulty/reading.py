"""Features of a question: numbers read off its text, in microseconds, without a model. Chinese and English.

Pure functions of the text; knows no model and no label. The order of NAMES is the order of the numbers. A new feature
needs a new trained model: the file of a model names the features it was trained on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from zhongshu.router import chinese
from zhongshu.router.difficulty import rarity
from zhongshu.router.patterns import words_of

_WORD = re.compile(r"[A-Za-z']+")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_SENTENCE_END = re.compile(r"[.!?。！？]\s*")
# Of several line ends the last one, and never back: in time that grows with the text only.
_OPTION = re.compile(r"\n[^\S\n]*+\(?[A-E][.)、]\s*(.*)")
_READ_AT_MOST = 6000
# Of English questions (those of chinese.CHARACTERS_EACH): letters a word, and the share of letters that are capital.
_WORD_LENGTH, _CAPITALS = 4.2, 0.03

# Words whose number tells something. Each is one feature: how often it occurs.
_COUNTED: dict[str, re.Pattern[str]] = {
    name: re.compile(pattern, re.I)
    for name, pattern in {
        "percent": r"%|\bpercent|百分|[一二两三四五六七八九\d]成|打.{1,3}折",
        "fraction_words": r"\b(half|twice|third|quarter|double|triple|times|fraction)\b|一半|半价|[一二两三四五六七八九十百几\d]倍|分之|翻倍|翻番",
        "each": r"\b(each|every|per)\b|每|各",
        "change": r"\b(if|then|after|before|remaining|left|more|less|than)\b|如果|要是|假如|那么|剩|(?<!多)少|多(?!少)|之后|之前|以后|以前|[后前](?=[，,又再来])|然后|余下|其余|比(?![较例赛如分])",
        "symbols": r"[=^+*/<>|]",
        "dollars": r"\$|￥|¥",
        "not": r"\bnot\b|\bexcept\b|不|没有|除了",
        "quantities": r"\b(increase|decrease|rate|average|total|profit|cost|speed|hours|minutes|days|weeks|years)\b"
        r"|增加|减少|平均|总(?![统理书裁经督])|共(?=[有计用要花\d])|利润|成本|速度|时速|小时|分钟|[一二两三四五六七八九十几\d每][天周]|"
        r"[一二两三四五六七八九十几\d每]年(?!级)(?<![12]\d\d\d年)",
        "blanks": r"_{2,}",
        "commas": r"[,，]",
        "why": r"\b(why|how|explain|prove|derive|compare|design|debug)\b|为什么|为何|如何|怎么|怎样|解释|证明|推导|比较|设计|调试|多少|多[久远长大高快]|几[个天次人块小岁倍只名位颗条本支]",
        "code": r"```|\bdef \w|\bclass \w|\w\(\w*\)|;\s*\n",
        "latex": r"\\[a-z]{2,}|\$[^$\d][^$]{0,80}\$",
        "statements": r"\b(statement|scenario) \d|(?:命题|陈述|说法|情景|情形) ?[\d一二]",
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
    if not text.isascii():
        text = chinese.plain(text)
        if chinese.HAN.search(text):
            return _parts_chinese(text)
    return _parts(text)


def _parts_chinese(text: str) -> Question:
    """The same of a text with Chinese in it, where options are marked in more ways and often stand in one line."""
    found = _parts(text)
    offered = None if found.is_choice else chinese.options(text)
    return Question(offered[0].rstrip(), offered[1]) if offered else found


def _parts(text: str) -> Question:
    first = _OPTION.search(text)
    if first is None:
        return Question(text, [])
    before = text[: first.start()]
    stem = before.rstrip()
    return Question(stem + before[len(stem) :].partition("\n")[0], _OPTION.findall(text, first.start()))


def read_choice(question: Question) -> list[float]:
    """The features of a question with options, in the order of CHOICE_NAMES: how rare the words are tells much of
    what it takes to know the answer (APGR on unseen subjects .53 without, .56 with; docs/routing.md)."""
    stem, offered = question.stem, " ".join(question.options)
    return [
        *read(question),
        *(rarity.rarity(stem) if not _is_mostly_chinese(stem) else rarity.USUAL),
        *(rarity.rarity(offered) if not _is_chinese(offered) else rarity.rarity_chinese(offered)),
    ]


def _is_mostly_chinese(text: str) -> bool:
    return _is_chinese(text) and len(chinese.HAN.findall(text)) * chinese.WORDS_EACH > len(_WORD.findall(text))


def _is_chinese(text: str) -> bool:
    return not text.isascii() and chinese.HAN.search(text) is not None


def read(question: Question) -> list[float]:
    """The features of any question, in the order of NAMES. About 0.1 ms for 500 characters."""
    stem, options = question
    if _is_chinese(stem):
        return _read_chinese(question)
    words: list[str] = _WORD.findall(stem)
    numbers = [float(n.replace(",", "")) for n in _NUMBER.findall(stem)]
    sentences = [s for s in _SENTENCE_END.split(stem) if s.strip()]
    count = len(words)
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
        0.0,
        float(max(numbers, default=0.0) > 100),
        float(sum(not number.is_integer() for number in numbers)),
        float(len(_WORD.findall(sentences[-1])) if sentences else 0),
        count / max(1, len(sentences)),
        *_counts(stem),
    ]


def _read_chinese(question: Question) -> list[float]:
    """The same of a question in Chinese, or partly so: what it would be in English, as far as that can be told. The model
    was trained on English alone; a Chinese character is neither a word nor as little as a letter."""
    stem, options = question
    words: list[str] = _WORD.findall(stem)
    numbers = [*(float(n.replace(",", "")) for n in _NUMBER.findall(stem)), *chinese.numerals(stem)]
    sentences = [s for s in _SENTENCE_END.split(stem) if s.strip()]
    characters: list[str] = chinese.HAN.findall(stem)
    han = chinese.WORDS_EACH * len(characters)
    count = len(words) + han
    size = chinese.length(stem)
    lengths = [chinese.length(option) for option in options] or [0.0]
    last = sentences[-1] if sentences else ""
    return [
        math.log1p(size),
        math.log1p(count),
        math.log1p(len(numbers)),
        len(numbers) / (count + 1),
        float(len(sentences)),
        (sum(map(len, words)) + _WORD_LENGTH * han) / (count or 1.0),
        math.log1p(sum(lengths)),
        math.log1p(_spread(lengths)),
        float(sum(bool(_NUMBER.search(option)) for option in options)),
        float(len(options)),
        (len({word.lower() for word in words}) + len(set(characters))) / (len(words) + len(characters) + 1),
        (sum(map(str.isupper, stem)) + _CAPITALS * (chinese.CHARACTERS_EACH * len(characters))) / (size + 1),
        0.0,
        float(max(numbers, default=0.0) > 100),
        float(sum(not number.is_integer() for number in numbers)),
        len(_WORD.findall(last)) + chinese.WORDS_EACH * len(chinese.HAN.findall(last)),
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


def _spread(values: Sequence[float]) -> float:
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
