"""Whether two answers to one question say the same, where that can be told without a judge. Pure.

What can be told: the option chosen, the amount arrived at, equal JSON, equal short texts. Of anything else nothing is
said, nor of one number with two units (5 minutes and 5 hours), nor of units of different things. Agreement is no proof of
truth: both may be wrong.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from zhongshu.router.amounts import Amount, amounts, plainly, same_amount
from zhongshu.router.task import mark

_SHORT = 200
_TAIL = 4000
_MEANT = frozenset("-.+*/=<>#%$€£¥₹₩°^±√")
"""Marks that are a part of what is said: C and C#, $5 and €5."""
_STATED = re.compile(
    r"(?:answer|option|choice|答案|选项|选择|故选|应选|选)\s*(?:is|:|：|为|是|应为|应是)?\s*[*(（\[]*\s*([A-Ja-j])\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"^[^\w\n]*+([A-Ja-j])\W*(?:$|[.)、:：])", re.MULTILINE)
_MARKED = re.compile(r"\\boxed\{([^{}]*\}[^\n\d.,;。；]{0,20}+)|####\s*([^\n]+)")
_SAID = re.compile(r"(?:answer|result|total|答案|结果|答|共)\s*(?:is|:|：|=|为|是)+\s*([^\n]{1,60})", re.IGNORECASE)
_CODE = re.compile(r"[^\W\d_]\d", re.ASCII)
_FENCE = re.compile(r"^\s*```[\w-]*\n(.*?)\n?```\s*$", re.DOTALL)
_LEAD = re.compile(
    r"^\W*(?:<answer>\s*)?(?:(?:(?:the|my|final|correct)\s+)*answer\s*(?:is\b\s*[:：]?|[:：])|(?:最终|正确)?答案\s*(?:[:：]|是|为))\s*",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\u4e00-\u9fff]|[^\W\d_\u4e00-\u9fff]+|[$€£¥₹₩%]")
_TURNS = frozenset({
    "not", "no", "never", "nor", "or", "t", "than", "least", "most", "under", "over", "above", "below", "up", "nearly", "almost",
    "about", "around", "roughly", "approximately", "except", "minus", "不", "非", "没", "无", "或", "约", "近", "超", "多", "少",
})  # fmt: skip
"""Words by which a number is denied, bounded or left open."""
EMPTY = frozenset({
    "a", "an", "the", "is", "are", "it", "its", "this", "of", "in", "on", "at", "to", "called", "named",
    "是", "的", "在", "为", "叫", "了", "它", "于", "位",
})  # fmt: skip
"""Words between what is said; none that turns a sentence round, as "by" does."""


def agree(question: str, first: str, second: str) -> bool | None:
    """Whether both answers say the same; None where it cannot be told."""
    if _plain(first) == _plain(second):
        return True
    task = mark(question).task
    if task == "choice":
        return _same(_option(first), _option(second))
    structured = _same(_json(first), _json(second))
    if structured is not None:
        return structured
    if task == "mathematics" or (_is_number(first) and _is_number(second) and _of_one_thing(question, first, second)):
        one, other = _amount(first), _amount(second)
        return None if one is None or other is None else same_amount(question, one, other)
    return None


def bare(text: str) -> str:
    """The answer without the words that announce it."""
    text = unicodedata.normalize("NFKC", text).strip()
    return _LEAD.sub("", text, count=1).strip() or text


def _same(first: Any, second: Any) -> bool | None:
    if first is None or second is None:
        return None
    return first == second


def _plain(text: str) -> str:
    """Short texts without case, marks and spaces; a long one as it is."""
    text = unicodedata.normalize("NFKC", text).strip()
    if len(text) > _SHORT:
        return text
    kept = "".join(c for c in text.casefold().lstrip("# ") if c.isalnum() or c in _MEANT)
    return kept.strip(".") or text


def _option(text: str) -> str | None:
    found = _STATED.findall(text[-_TAIL:]) or _LETTER.findall(text[-_TAIL:])
    return found[-1].upper() if found else None


def _json(text: str) -> Any:
    """The value of a JSON object or array, be it fenced; None for anything else."""
    fenced = _FENCE.match(text)
    body = (fenced[1] if fenced else text).strip()
    if body[:1] not in "{[" or not body:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _is_number(text: str) -> bool:
    """One amount, be it with words; the digits of a code (LH152) are none."""
    return len(text.strip()) <= 40 and len(amounts(plainly(text))) == 1 and not _CODE.search(text)


def _of_one_thing(question: str, first: str, second: str) -> bool:
    """Whether two numbers are of the same, as far as words show: what one adds to its number beside the question's own
    words, the other adds too, or adds nothing. What comes after a number tells of what it is, though the question names it."""
    one, other = (_beside(question, bare(text)) for text in (first, second))
    return (one <= other or other <= one) and one & _TURNS == other & _TURNS


def _beside(question: str, text: str) -> frozenset[str]:
    """The words beside the one amount of a text."""
    text = plainly(text)
    found = amounts(text)
    before, after = (text[: found[0].begin], text[found[0].end :]) if found else (text, "")
    asked = frozenset(_WORD.findall(question.casefold())) - _TURNS
    return (frozenset(_WORD.findall(before)) - asked | frozenset(_WORD.findall(after))) - EMPTY


def _amount(text: str) -> Amount | None:
    """The amount arrived at: as it is marked, else as it is stated, else the last one."""
    tail = plainly(text[-_TAIL:])
    marked = [boxed or hashed for boxed, hashed in _MARKED.findall(tail)]
    for places in (marked, _SAID.findall(tail), [tail]):
        found = amounts(places[-1]) if places else []
        if found:
            return found[0 if places is not marked and places[-1] is not tail else -1]
    return None
